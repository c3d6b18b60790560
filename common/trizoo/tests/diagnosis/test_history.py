"""What a run folder says, whatever lies in it."""

import math

import pytest

from trizoo.diagnosis import history as history_module
from trizoo.diagnosis.history import read_history
from trizoo.ground.errors import UserError
from trizoo.tests.diagnosis.runs import HEALTHY, SCORES, make_run


def test_a_history_has_the_recipe_the_log_the_metrics_and_what_the_checkpoint_knows(tmp_path):
    path = make_run(tmp_path / "run", HEALTHY[:3], scores=SCORES[:3], pretrained=True, images=12, epochs=40)
    history = read_history(path)
    assert (history.last_epoch, history.last_step, history.recipe.schedule.epochs) == (3, 75, 40)
    assert (history.pretrained, history.images, history.root) == (True, 12, None)
    assert history.scores.tolist() == [[number, score] for number, score in enumerate(SCORES[:3], 1)]
    assert history.losses == pytest.approx(HEALTHY[:3])
    assert history.metrics["mAP50"] == SCORES[2]


def test_means_of_epochs_are_the_course_of_a_long_run_and_steps_of_a_short_one(tmp_path):
    short = read_history(make_run(tmp_path / "short", HEALTHY[:9], logged=[3.0] * 18))
    assert short.losses.tolist() == [3.0] * 18
    long = read_history(make_run(tmp_path / "long", HEALTHY[:10], logged=[3.0] * 20))
    assert long.losses == pytest.approx(HEALTHY[:10])


def test_a_metrics_csv_alone_will_do_and_so_does_the_recipe_of_a_checkpoint(tmp_path):
    path = make_run(tmp_path / "run", HEALTHY[:3], scores=[0.5])
    whole = read_history(path)
    (path / "log.jsonl").unlink()
    (path / "recipe.yaml").unlink()
    history = read_history(path)
    assert history.recipe == whole.recipe
    assert history.losses == pytest.approx(HEALTHY[:3])
    assert history.scores.tolist() == [[1, 0.5]]


def test_of_a_log_that_is_too_long_the_end_is_read_and_epochs_come_from_the_table(tmp_path, monkeypatch):
    path = make_run(tmp_path / "run", HEALTHY)
    lines = (path / "log.jsonl").read_bytes().splitlines(keepends=True)
    monkeypatch.setattr(history_module, "MOST_BYTES", len(b"".join(lines[-4:])) + 10)
    (path / "metrics.csv").write_text("step,epoch,loss\n25,1,7.5\n", encoding="utf-8")
    history = read_history(path)
    assert [record["epoch"] for record in history.steps] == [39, 40]
    assert [record["loss"] for record in history.epochs] == [7.5]
    (path / "metrics.csv").unlink()
    assert [record["epoch"] for record in read_history(path).epochs] == [39, 40]


def test_a_run_that_was_killed_in_its_first_line_is_one(tmp_path):
    path = make_run(tmp_path / "run", [], scores=())
    (path / "log.jsonl").write_text('{"kind": "st', encoding="utf-8")
    (path / "last.h5").write_bytes(b"torn")
    history = read_history(path)
    assert (history.last_step, history.pretrained, history.images) == (0, None, None)
    assert math.isnan(history.best_score)


def test_a_relative_run_folder_is_quoted_in_commands(tmp_path, monkeypatch):
    make_run(tmp_path / "my run", HEALTHY[:1])
    monkeypatch.chdir(tmp_path)
    assert read_history("my run").again == "trizoo train --recipe 'my run/recipe.yaml'"
    monkeypatch.chdir(tmp_path / "my run")
    history = read_history(".", "/data/set")
    assert history.again == "trizoo train --recipe recipe.yaml --data /data/set"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("log.jsonl", b"no json\n", "line 1 of .*log.jsonl is no JSON"),
        ("log.jsonl", b"[" * 100_000 + b"\n", "line 1 of .*log.jsonl is no JSON"),
        ("log.jsonl", b'{"kind": "step", "step": 1, "epoch": ' + b"9" * 5000 + b"}\n", "line 1 of .* is no JSON"),
        ("log.jsonl", b'{"kind": "step", "step": 1, "epoch": ' + b"9" * 400 + b"}\n", "line 1 of .* has no epoch"),
        ("log.jsonl", b'{"kind": "step", "step": true, "epoch": 1}\n', "line 1 of .* has no step"),
        ("log.jsonl", b'{"kind": "other"}\n', "line 1 of .* is no record of a run's log"),
        ("log.jsonl", b"[]\n\xff\n", "line 1 of .* is no record of a run's log"),
        ("recipe.yaml", b"\xff", "recipe.yaml is not UTF-8"),
        ("recipe.yaml", b"model: {name: nothing}\n", "nothing"),
        ("metrics.json", b"[1]", "metrics.json holds no metrics"),
        ("metrics.json", b"", "metrics.json is no JSON"),
    ],
)
def test_files_that_are_none_of_a_runs_are_one_sentence(tmp_path, file, content, said):
    path = make_run(tmp_path / "run", HEALTHY[:1])
    (path / file).write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_history(path)


def test_a_table_that_is_none_is_one_sentence(tmp_path):
    path = make_run(tmp_path / "run", HEALTHY[:1])
    (path / "log.jsonl").unlink()
    (path / "metrics.csv").write_text("step,epoch\n1,x\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"row 1 of .*metrics\.csv has no epoch"):
        read_history(path)
    (path / "metrics.csv").write_text("step,epoch\n1,2,3\n", encoding="utf-8")
    assert read_history(path).epochs == [{"step": 1, "epoch": 2}]


def test_data_that_was_moved_is_named_where_a_run_goes_on(tmp_path):
    history = read_history(make_run(tmp_path / "run", HEALTHY[:1], "data.root=old"), "my set")
    assert history.resumed == f"trizoo train --resume {tmp_path / 'run'} --data 'my set'"
    assert history.longer("--epochs", 9) == f"{history.resumed} --epochs 9"
    assert read_history(tmp_path / "run").resumed == f"trizoo train --resume {tmp_path / 'run'}"


def test_data_is_named_with_the_flags_by_which_the_run_read_it(tmp_path):
    changes = ("data.root=/set", "data.images=pics", "data.classes_map={tvmonitor: tv}")
    history = read_history(make_run(tmp_path / "run", HEALTHY[:1], *changes))
    assert history.data == "/set --images pics"
    assert history.named_data == "/set --images pics --classes-map tvmonitor=tv"
    assert read_history(tmp_path / "run", tmp_path).data == str(tmp_path)  # which has no pics
    (tmp_path / "pics").mkdir()
    assert read_history(tmp_path / "run", tmp_path).data == f"{tmp_path} --images pics"


def test_epochs_of_auto_are_as_many_as_the_images_would_have(tmp_path):
    """A copied recipe has the word where a run's own has the number."""
    path = make_run(tmp_path / "run", HEALTHY[:3])
    recipe = (path / "recipe.yaml").read_text(encoding="utf-8")
    (path / "recipe.yaml").write_text(recipe.replace("epochs: 3\n", "epochs: auto\n"), encoding="utf-8")
    assert read_history(path).progress == (3, 50)  # of 1,000 images


def test_data_commands_are_told_a_task_that_they_would_not_find(tmp_path):
    run = make_run(tmp_path / "run", HEALTHY[:1], "data.root=/set", model="multilabel-resnet18", score="mAP")
    history = read_history(run)
    assert (history.checked_data, history.shown_data) == ("/set --task multilabel", "/set --task multilabel")
    assert history.named_data == "/set"
    history = read_history(make_run(tmp_path / "boxes", HEALTHY[:1], "data.root=/set"))
    assert history.checked_data == "/set"
