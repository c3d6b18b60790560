"""train --track: what TensorBoard, MLflow and Weights & Biases have of a run, and that none of them ends one."""

import importlib.util
import json
from typing import ClassVar

import pytest

from trizoo.commands.flags.train import parser
from trizoo.commands.train import train
from trizoo.ground.errors import UserError
from trizoo.recipes.describe import dump
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training import loop, trackers
from trizoo.training.trackers.base import Tracker


class Recorder(Tracker):
    """A service that keeps what it is told in the class, and fails from a step on."""

    name = "mlflow"
    title = "The recorder"
    runs: ClassVar[dict] = {}
    fails_from: ClassVar[float] = float("inf")

    def begin(self, trainer, known):
        self.run = known or f"run {len(self.runs)}"
        self.kept = self.runs.setdefault(self.run, [])
        return self.run

    def write(self, values, step):
        if step >= self.fails_from:
            raise OSError(28, "No space left on device")
        self.kept.append((step, values))

    def picture(self, path, step):
        self.kept.append((step, path.name))

    def end(self, finished):
        self.kept.append("finished" if finished else "stopped")


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(Recorder, "runs", {})
    monkeypatch.setattr(Recorder, "fails_from", float("inf"))
    monkeypatch.setitem(trackers.TRACKERS, "mlflow", Recorder)
    monkeypatch.setattr(trackers, "_is_installed", lambda name: True)
    return Recorder


@pytest.fixture
def interrupted(monkeypatch):
    """A run of two epochs, stopped after its first step, by trackers of these names; the second call resumes it."""
    monkeypatch.setattr(loop, "LOG_INTERVAL", 1)

    def resume(folder, *arguments):
        return train(FakeFramework(), ["--resume", str(folder), "--workers", "0", "--quiet", *arguments])

    return resume


def test_the_flag_names_every_tracker_and_no_other():
    (flag,) = (action for action in parser()._actions if action.dest == "track")
    assert flag.choices == tuple(trackers.TRACKERS)


def test_a_tracker_gets_each_line_of_the_log_the_metrics_and_the_pictures(start, recorder):
    assert start("--epochs", "2", "--track", "mlflow") == 0
    (kept,) = recorder.runs.values()
    steps = [entry for entry in kept if isinstance(entry[1], dict) and "lr" in entry[1]]
    assert [step for step, _ in steps] == [3, 6]
    assert {"train/loss", "lr"} <= steps[0][1].keys()
    epochs = [values for _, values in kept[:-1] if isinstance(values, dict) and "epoch" in values]
    assert [values["epoch"] for values in epochs] == [1, 2]
    wanted = {"epoch", "time/epoch", "time/evaluation", "validation/loss", "validation/loss_gap", "validation/mAP50"}
    assert epochs[0].keys() == wanted | {"validation/mAP"}
    assert kept[-3][1].keys() == {"test/mAP50", "test/mAP"}
    assert kept[-2:] == [(6, "sheet.jpg"), "finished"]


def test_a_resumed_run_goes_on_as_the_same_run_of_its_tracker(start, recorder, tmp_path):
    with pytest.raises(UserError, match="is nan at step 4"):
        start("--epochs", "2", "--track", "mlflow", framework=FakeFramework({3: float("nan")}))
    assert list(recorder.runs) == ["run 0"]
    assert recorder.runs["run 0"][-1] == "stopped"
    assert train(FakeFramework(), ["--resume", str(tmp_path / "run"), "--workers", "0", "--quiet"]) == 0
    assert list(recorder.runs) == ["run 0"]
    assert recorder.runs["run 0"][-1] == "finished"


def test_a_tracker_that_fails_is_told_once_and_training_goes_on(start, recorder, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(recorder, "fails_from", 3)
    assert start("--epochs", "3", "--track", "mlflow") == 0
    assert capsys.readouterr().err.splitlines() == [
        "warning: The recorder failed ([Errno 28] No space left on device); training goes on without it"
    ]
    assert recorder.runs == {"run 0": ["stopped"]}
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_a_library_that_is_missing_is_told_before_anything_is_made(start, monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "_is_installed", lambda name: False)
    with pytest.raises(UserError) as error:
        start("--track", "tensorboard")
    assert str(error.value) == (
        "--track tensorboard needs TensorBoard, which isn't installed; pip install 'trizoo[tensorboard]' would do"
    )
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_does_without_a_tracker_that_is_no_longer_installed(
    start, recorder, interrupted, monkeypatch, tmp_path, capsys
):
    assert start("--epochs", "1", "--track", "mlflow") == 0
    monkeypatch.setattr(trackers, "_is_installed", lambda name: False)
    assert interrupted(tmp_path / "run", "--epochs", "2") == 0
    assert "warning: The recorder, which followed this run, isn't installed" in capsys.readouterr().out
    assert len(recorder.runs["run 0"]) > 0


@pytest.mark.parametrize("text", ["", "[]", '{"mlflow": 3}', "{", '{"other": "run"}'])
def test_a_damaged_note_of_trackers_ends_no_run(start, interrupted, tmp_path, text):
    assert start("--epochs", "1") == 0
    (tmp_path / "run" / "trackers.json").write_text(text, encoding="utf-8")
    assert interrupted(tmp_path / "run", "--epochs", "2") == 0


@pytest.mark.parametrize(
    ("names", "told"),
    [("tensorboard", "track is 'tensorboard'; a list"), (["tensorbord"], "did you mean 'tensorboard'")],
)
def test_the_python_door_says_which_trackers_there_are(names, told):
    with pytest.raises(UserError, match=told):
        trackers.open_trackers(names, None, print)


def has(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} isn't installed")


@has("tensorboard")
def test_tensorboard_reads_back_what_was_written_and_a_resumed_run_as_one(start, interrupted, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(UserError, match="is nan at step 6"):
        start("--epochs", "2", "--track", "tensorboard", framework=FakeFramework({5: float("nan")}))
    assert interrupted(tmp_path / "run") == 0
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    seen = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2
    losses = [(record["step"], record["loss"]) for record in log if record["kind"] == "step"]
    assert [(event.step, event.value) for event in seen.Scalars("train/loss")] == [
        (step, pytest.approx(loss)) for step, loss in losses
    ]
    unseen = [record["validation_loss"] for record in log if record["kind"] == "epoch"]
    assert [event.value for event in seen.Scalars("validation/loss")] == pytest.approx(unseen)
    assert [event.step for event in seen.Scalars("test/mAP50")] == [6]
    (picture,) = seen.Images("samples")
    assert picture.encoded_image_string == (tmp_path / "run" / "samples" / "sheet.jpg").read_bytes()
    (text,) = seen.Tensors("recipe")
    recipe = "".join(line[4:] for line in text.tensor_proto.string_val[0].decode().splitlines(keepends=True))
    assert recipe == (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")
    assert dump(load(Recipe, file=str(tmp_path / "run" / "recipe.yaml")).recipe) == recipe


@has("tensorboard")
def test_lines_of_a_killed_run_after_the_step_it_goes_on_from_are_forgotten(start, interrupted, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert start("--epochs", "1", "--track", "tensorboard") == 0
    last = (tmp_path / "run" / "last.h5").read_bytes()
    assert interrupted(tmp_path / "run", "--epochs", "2") == 0
    (tmp_path / "run" / "last.h5").write_bytes(last)  # as if it had been killed after step 6
    assert interrupted(tmp_path / "run", "--epochs", "2") == 0
    seen = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in seen.Scalars("train/loss")] == [1, 2, 3, 4, 5, 6]


@has("mlflow")
@pytest.mark.filterwarnings("ignore::FutureWarning:mlflow")
def test_mlflow_has_curves_parameters_and_files_of_one_run(start, interrupted, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "served").as_uri())
    assert start("--epochs", "1", "--track", "mlflow") == 0
    assert interrupted(tmp_path / "run", "--epochs", "2") == 0
    from mlflow import MlflowClient

    client = MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("trizoo").experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    assert run.data.params["schedule.epochs"] == "1"  # as it began
    steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "train/loss")]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"recipe.yaml", "sheet.jpg"}


@has("wandb")
def test_wandb_offline_writes_one_run_that_can_be_sent_later(start, monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert start("--epochs", "2", "--track", "wandb") == 0
    known = json.loads((tmp_path / "run" / "trackers.json").read_text(encoding="utf-8"))["wandb"]
    (path,) = (tmp_path / "run" / "wandb").glob(f"offline-run-*/run-{known}.wandb")
    written = path.read_bytes()
    for name in (b"train/loss", b"validation/mAP50", b"test/mAP50", b"samples", b"batch_size"):
        assert name in written
