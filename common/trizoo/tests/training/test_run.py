"""The run folder: names, log, table, metrics; what a kill or a resume leaves."""

import csv
import json
import threading

import numpy as np
import pytest

from trizoo.ground.errors import UnwrittenError, UserError
from trizoo.training.run import RunFolder, next_run


def step(number, **terms):
    return {"kind": "step", "step": number, "epoch": 1 + (number - 1) // 10, "lr": 0.01, **terms}


def epoch(number, **values):
    return {"kind": "epoch", "step": 10 * number, "epoch": number, "seconds": 1.5, **values}


def table(run):
    with run.metrics_csv.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "runs" / "细胞 run")


def test_a_new_run_gets_an_empty_folder_with_the_names_of_its_files(tmp_path):
    run = RunFolder.create(tmp_path / "a" / "b")
    assert run.path.is_dir()
    written = (run.recipe_path, run.log_path, run.metrics_csv, run.metrics_json, run.curves)
    names = ("recipe.yaml", "log.jsonl", "metrics.csv", "metrics.json", "curves.png")
    assert written == tuple(run.path / name for name in names)
    assert (run.best, run.last, run.samples) == (run.path / "best.h5", run.path / "last.h5", run.path / "samples")


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "recipe.yaml").touch()
    with pytest.raises(UserError, match=r"isn't empty and holds no run to resume; another --out"):
        RunFolder.create(tmp_path)
    (tmp_path / "last.h5").touch()
    with pytest.raises(UserError, match=r"isn't empty; --resume .* another --out"):
        RunFolder.create(tmp_path)


def test_the_command_that_resumes_a_run_quotes_its_path(run):
    run.last.touch()
    with pytest.raises(UserError, match=r"; --resume '.*/细胞 run' resumes that run"):
        RunFolder.create(run.path)
    assert str(run.explain(UnwrittenError("full"))).endswith("/细胞 run' goes on")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(UserError, match="can't be made"):
        RunFolder.create(tmp_path / "a")
    with pytest.raises(UserError, match="a takes no files"):
        RunFolder.create(tmp_path / "a" / "b")


def test_a_run_opens_by_its_folder_and_by_its_checkpoint(run):
    run.write_text(run.recipe_path, "classes: [细胞]\n")
    run.last.touch()
    assert run.recipe_path.read_text(encoding="utf-8") == "classes: [细胞]\n"
    assert RunFolder.open(run.path).path == RunFolder.open(str(run.last)).path == run.path


def test_what_is_no_run_does_not_open(run, tmp_path):
    run.recipe_path.touch()
    with pytest.raises(UserError, match=r"without last\.h5;"):
        RunFolder.open(run.path)
    with pytest.raises(UserError, match="is no run folder"):
        RunFolder.open(run.best)
    with pytest.raises(UserError, match="is no run folder"):
        RunFolder.open(tmp_path / "nowhere")


def test_runs_are_numbered_after_the_highest_there_is(tmp_path):
    for name in ("yolov3-001", "yolov3-012", "yolov3-tiny-050", "yolov3-x", "other-099"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert next_run(tmp_path / "runs", "yolov3") == tmp_path / "runs" / "yolov3-013"
    assert next_run(tmp_path / "new", "yolov3") == tmp_path / "new" / "yolov3-001"
    (tmp_path / "runs" / "other-999").touch()
    assert next_run(tmp_path / "runs", "other").name == "other-1000"


def test_runs_that_start_at_once_get_folders_of_their_own(tmp_path):
    made, gate = [], threading.Barrier(8)

    def start():
        gate.wait()
        made.append(next_run(tmp_path / "runs", "a"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in made) == [f"a-{number:03}" for number in range(1, 9)]
    RunFolder.create(made[0])


def test_the_log_gives_back_what_was_logged_in_plain_types(run):
    run.log(step(1, loss=np.float32(0.5), counts=np.array([1, 2]), ids=("图 1",)))
    run.log(step(2, loss=float("nan"), box=np.float64("inf"), parts={"a": -np.inf, 3: np.int64(3)}))
    first, second = run.read_log()
    assert first == step(1, loss=0.5, counts=[1, 2], ids=["图 1"])
    assert second == step(2, loss=None, box=None, parts={"a": None, "3": 3})
    assert "NaN" not in run.log_path.read_text(encoding="utf-8")


def test_a_record_without_kind_or_step_is_an_error(run):
    with pytest.raises(ValueError, match="kind None"):
        run.log({"step": 1, "epoch": 1})
    with pytest.raises(ValueError, match="no step"):
        run.log({"kind": "step", "epoch": 1})
    assert run.read_log() == []


def test_a_line_cut_short_by_a_kill_is_left_out_and_another_damaged_line_named(run):
    run.log(step(1))
    run.log(step(2))
    whole = run.log_path.read_bytes()
    run.log_path.write_bytes(whole + '{"kind": "细'.encode()[:-1])
    assert run.read_log() == [step(1), step(2)]
    run.log_path.write_bytes(b"{oops\n" + whole)
    with pytest.raises(UserError, match=r"line 1 of .*log\.jsonl is no JSON"):
        run.read_log()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"level": "info", "msg": "hello"}', "is no record of a run's log; one of the kinds step, epoch is needed"),
        ("[]", "is no record of a run's log"),
        ('{"kind": "step", "epoch": 1}', "has no step that is a number of at least 0"),
        ('{"kind": "step", "step": 1, "epoch": true}', "has no epoch that is a number of at least 0"),
        ('{"kind": "step", "step": -1, "epoch": 1}', "has no step that is a number of at least 0"),
        ("[" * 100_000, "is no JSON"),
        ('{"step": ' + "9" * 5000 + "}", "is no JSON"),
    ],
    ids=["foreign", "a list", "no step", "true", "negative", "deep", "long"],
)
def test_a_log_of_something_else_is_told_with_its_line(run, line, sentence):
    run.log_path.write_text(f"{line}\n", encoding="utf-8")
    for read in (run.read_log, lambda: run.truncate(1)):
        with pytest.raises(UserError, match=f"line 1 of .*log.jsonl {sentence}"):
            read()


def test_the_table_has_a_row_per_epoch_and_grows_columns(run):
    run.log(step(5, loss=9.0))
    run.log(epoch(1, loss=3.0, per_class={"cat": 1}))
    assert table(run) == [{"step": "10", "epoch": "1", "seconds": "1.5", "loss": "3.0"}]
    run.log(epoch(2, loss=float("nan"), mAP50=0.25))
    assert table(run) == [
        {"step": "10", "epoch": "1", "seconds": "1.5", "loss": "3.0", "mAP50": ""},
        {"step": "20", "epoch": "2", "seconds": "1.5", "loss": "", "mAP50": "0.25"},
    ]


def test_resuming_forgets_what_came_after_the_checkpoint(run):
    for record in (step(10, loss=2.0), epoch(1, loss=2.0), step(20, loss=1.0), epoch(2, loss=1.0, mAP50=0.5), step(25)):
        run.log(record)
    with run.log_path.open("ab") as file:
        file.write(b'{"kind": "st')
    run.truncate(20)
    assert [record["step"] for record in run.read_log()] == [10, 10, 20, 20]
    run.truncate(10)
    assert run.read_log() == [step(10, loss=2.0), epoch(1, loss=2.0)]
    assert table(run) == [{"step": "10", "epoch": "1", "seconds": "1.5", "loss": "2.0"}]
    run.log(step(11))
    assert len(run.read_log()) == 3


def test_a_run_without_a_log_can_be_resumed(run):
    run.truncate(0)
    assert run.read_log() == []
    assert table(run) == []


def test_metrics_are_json_in_utf8_with_null_for_what_is_not_finite(run):
    run.write_metrics({"mAP": np.float32("nan"), "per_class": {"细胞": np.array([0.5, np.inf])}})
    text = run.metrics_json.read_text(encoding="utf-8")
    assert json.loads(text) == {"mAP": None, "per_class": {"细胞": [0.5, None]}}
    assert "细胞" in text


def test_curves_are_drawn_into_the_folder(run):
    run.log(step(1, loss=1.0))
    run.draw_curves()
    assert run.curves.read_bytes().startswith(b"\x89PNG")
    assert sorted(file.name for file in run.path.iterdir()) == ["curves.png", "log.jsonl"]
