import json
from functools import partial
from pathlib import Path

import pytest

from trizoo.commands import compare
from trizoo.commands.main import run as do
from trizoo.ground.errors import UserError

main = partial(do, "compare", prog="trizoo compare")


def make_run(path, losses, scores):
    """A run folder with a log of an epoch per loss, evaluated where the score isn't None."""
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text("{}\n", encoding="utf-8")
    lines = []
    for epoch, (loss, score) in enumerate(zip(losses, scores, strict=True), start=1):
        lines.append({"kind": "step", "step": epoch * 10, "epoch": epoch, "lr": 0.01, "loss": loss})
        record = {"kind": "epoch", "step": epoch * 10, "epoch": epoch, "lr": 0.01, "loss": loss, "seconds": 2.5}
        lines.append(record | ({} if score is None else {"mAP50": score, "mAP": score / 2}))
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


def test_runs_are_drawn_over_one_another_and_summed_up_in_a_line_each(tmp_path, capsys):
    runs = [make_run(tmp_path / "ours", [3.0, 2.0], [None, 0.5]), make_run(tmp_path / "theirs", [3.5, 1.5], [0.2, 0.4])]
    assert main([*runs, "--out", str(tmp_path / "both.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{runs[0]}: 2 epochs, 2.5 s each (median), loss 2.000, best validation mAP50 0.5000"
    assert "loss 1.500, best validation mAP50 0.4000" in lines[1]
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")


def test_runs_whose_folders_have_one_name_are_all_drawn_and_told_apart(tmp_path, monkeypatch, capsys):
    drawn, draw = {}, compare.draw
    monkeypatch.setattr(compare, "draw", lambda runs: draw(drawn.update(runs) or runs))
    runs = [make_run(tmp_path / name, [loss], [0.5]) for name, loss in (("A/run", 3.0), ("B/run", 2.0), ("c", 1.0))]
    assert main([*runs, "--out", str(tmp_path / "p.png")]) == 0
    assert {label: records[0]["loss"] for label, records in drawn.items()} == {"A/run": 3.0, "B/run": 2.0, "c": 1.0}
    assert [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()[:3]] == runs


def test_a_run_is_labelled_by_the_fewest_last_parts_of_its_path(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert compare.labels(["runs/a", "runs/b/"]) == ["a", "b"]
    assert compare.labels(["x/1/run", "y/1/run", "y/2/run"]) == ["x/1/run", "y/1/run", "2/run"]
    assert compare.labels([".", "../other"]) == ["run", "other"]
    assert compare.labels(["_a", "b"]) == ["run/_a", "b"]  # a legend has no label that begins with _


def test_a_run_that_is_named_twice_is_drawn_once_and_told(tmp_path, capsys):
    run = make_run(tmp_path / "run", [3.0], [0.5])
    assert main([run, f"{run}/", "--out", str(tmp_path / "p.png")]) == 0
    told, line, *_ = capsys.readouterr().out.splitlines()
    assert told == f"warning: {run}/ is the run {run} once more; it is drawn once"
    assert line.startswith(f"{run}: 1 epoch")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"level": "info", "msg": "hello"}', "line 1 of .*log.jsonl is no record of a run's log"),
        ('{"kind": "epoch", "step": 1}', "line 1 of .*log.jsonl has no epoch that is a number"),
    ],
)
def test_a_log_of_something_else_is_one_sentence(tmp_path, line, sentence):
    (tmp_path / "log.jsonl").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        main([str(tmp_path), "--out", str(tmp_path / "p.png")])


def test_records_without_numbers_are_none_of_a_curve(tmp_path, capsys):
    run = Path(make_run(tmp_path / "run", [3.0], [0.5]))
    odd = [
        {"kind": "step", "step": 11, "epoch": 2, "loss": "low"},
        {"kind": "epoch", "step": 20, "epoch": 2, "loss": None, "mAP50": "high"},
    ]
    with (run / "log.jsonl").open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(record) + "\n" for record in odd)
    assert main([str(run), "--out", str(tmp_path / "p.png")]) == 0
    assert "2 epochs, nan s each (median), loss nan, best validation mAP50 0.5000" in capsys.readouterr().out


def test_a_picture_has_a_curve_per_run_and_metric():
    records = [{"kind": "step", "step": 10, "loss": 3.0}, {"kind": "epoch", "epoch": 1, "mAP50": 0.5}]
    loss, score = compare.draw({"a": records, "b": records[:1]}).axes
    assert [line.get_label() for line in loss.lines] == ["a", "b"]
    assert [list(line.get_ydata()) for line in score.lines] == [[0.5], []]


def test_segmentation_is_compared_by_its_own_metric():
    records = [{"kind": "epoch", "epoch": 2, "mIoU": 0.75}]
    _, score = compare.draw({"a": records}).axes
    assert score.get_title() == "Validation mIoU"
    assert [list(line.get_ydata()) for line in score.lines] == [[0.75]]


def test_a_run_is_compared_by_what_its_best_weights_were_chosen_by():
    def chosen(**metrics):
        return compare.validation([{"kind": "epoch", "epoch": 1, **metrics}])[0]

    assert chosen(mAP=0.5, mF1=0.4) == "mAP"  # several labels
    assert chosen(mF1=0.5, F1=0.4) == "mF1"  # key points
    assert chosen(mAP50=0.5, mAP=0.4) == "mAP50"


def test_runs_of_different_metrics_are_told_apart(tmp_path, capsys):
    boxes, more = (make_run(tmp_path / name, [3.0], [0.5]) for name in ("boxes", "more"))
    masks = make_run(tmp_path / "masks", [3.0], [0.5])
    log = Path(masks, "log.jsonl")
    log.write_text(log.read_text(encoding="utf-8").replace("mAP50", "mIoU"), encoding="utf-8")
    assert main([boxes, more, "--out", str(tmp_path / "p.png")]) == 0
    assert "warning" not in capsys.readouterr().out
    assert main([boxes, masks, "--out", str(tmp_path / "p.png")]) == 0
    assert "warning: mAP50 and mIoU are different metrics" in capsys.readouterr().out


def test_a_run_without_a_finished_epoch_is_still_drawn(tmp_path, capsys):
    run = make_run(tmp_path / "new", [], [])
    assert main([run, "--out", str(tmp_path / "p.svg")]) == 0
    assert "0 epochs" in capsys.readouterr().out


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "p.png")])


def test_a_name_that_is_no_picture_is_refused_and_its_file_kept(tmp_path):
    run, other = make_run(tmp_path / "run", [3.0], [0.1]), tmp_path / "yolov3.weights"
    other.write_text("precious")
    with pytest.raises(UserError, match=r"yolov3.weights; a name that ends in .png"):
        main([run, "--out", str(other)])
    assert other.read_text() == "precious"
