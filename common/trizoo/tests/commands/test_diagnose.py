"""`trizoo diagnose`: on runs of the fake framework, and what it prints."""

import json
import shutil
import types
from functools import partial
from pathlib import Path

import pytest

from trizoo.commands.main import run as do
from trizoo.commands.train import train
from trizoo.diagnosis.cause import KINDS
from trizoo.diagnosis.diagnose import NORMAL, diagnose
from trizoo.ground.errors import UserError
from trizoo.tests.diagnosis.runs import HEALTHY, by_kind, make_run, make_voc
from trizoo.training.data import checksum_of_ids

main = partial(do, "diagnose", prog="trizoo diagnose")


@pytest.fixture
def sound(tmp_path):
    """A run in which nothing is to be found, and its data set, with which nothing is wrong either."""
    objects = [("cat", 11, 11, 47, 68), ("dog", 11, 11, 91, 92)]
    root = make_voc(tmp_path / "set", {"train": [objects] * 30, "val": [objects] * 30}, (128, 128))
    return make_run(tmp_path / "run", HEALTHY, f"data.root={root}", "input_size=[128, 128]"), root


def test_a_sound_run_is_told_so_and_what_is_normal(sound, capsys):
    assert main([str(sound[0])]) == 0
    out = capsys.readouterr().out
    assert "Nothing that is looked for was found" in out
    assert all(line in out for line in NORMAL)
    assert "trained: 40 epochs, 1,000 steps of 8 on 1,000 images" in out


def test_every_cause_is_told_in_words_with_evidence_and_what_would_do(sound, capsys):
    path = make_run(sound[0].parent / "bad", [7 - 0.1 * epoch for epoch in range(40)], images=20)
    assert main([str(path), "--data", str(sound[1])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "1. likely: too few steps" in lines
    assert any(line.startswith("   > trizoo train --resume ") for line in lines)
    assert "2. possible: few images and no pretrained weights" in lines


def test_settings_are_told_as_flags(tmp_path, capsys):
    assert main([str(make_run(tmp_path / "run", [5.0], logged=[float("nan")], ended=False))]) == 0
    assert "   > --set optimizer.clip_norm=10" in capsys.readouterr().out


def test_programs_get_json(sound, capsys):
    assert main([str(sound[0]), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["causes"], found["facts"]["validation"]) == ([], "mAP50 0.869 at best, in epoch 40")
    path = make_run(sound[0].parent / "bad", [7 - 0.1 * epoch for epoch in range(40)])
    assert main([str(path), "--json"]) == 0
    cause = json.loads(capsys.readouterr().out)["causes"][0]
    assert list(cause) == ["kind", "title", "certainty", "evidence", "remedies", "numbers"]
    assert (cause["kind"], cause["title"]) == ("too_few_steps", KINDS["too_few_steps"])
    assert cause["numbers"]["steps"] == 1000
    assert set(cause["remedies"][0]) == {"command", "why"}


def test_a_data_set_that_moved_is_a_note_until_it_is_said_where(sound):
    path, root = sound
    moved = shutil.move(root, root.parent / "elsewhere")
    assert f"the data set isn't at {root}" in diagnose(path).notes[0]
    assert diagnose(path, moved).notes == ()
    with pytest.raises(UserError, match=rf"data set {root} does not exist"):
        diagnose(path, root)


def test_commands_name_no_data_set_that_is_gone(tmp_path):
    path = make_run(tmp_path / "run", HEALTHY[:3], "data.root=/gone", ended=False)
    cause = by_kind(diagnose(path).causes)["unfinished"]
    assert cause.remedies[0].command == f"trizoo train --resume {path} --data ROOT"


def test_a_run_whose_images_are_others_now_is_begun_anew(tmp_path):
    root = make_voc(tmp_path / "set", {"train": [[("cat", 5, 5, 40, 40)]] * 3, "val": [[("cat", 5, 5, 40, 40)]] * 2})
    ids = checksum_of_ids(types.SimpleNamespace(id=f"train{number:04}") for number in range(3))
    for known, goes_on in ((ids, True), (ids + 1, False)):
        path = make_run(tmp_path / f"{goes_on}", HEALTHY[:3], f"data.root={root}", ended=False, ids=known)
        found = diagnose(path)
        command = by_kind(found.causes)["unfinished"].remedies[0].command
        begun = f"--resume {path}" if goes_on else f"--recipe {path}/recipe.yaml"
        assert command == f"trizoo train {begun}"
        assert ("the images to train on aren't those that it began with" in "".join(found.notes)) is not goes_on


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path):
    for path, said in ((tmp_path, "is no run: it has neither"), (tmp_path / "none", "is no folder")):
        with pytest.raises(UserError, match=said):
            main([str(path)])
    (tmp_path / "log.jsonl").touch()
    with pytest.raises(UserError, match=r"has no recipe\.yaml"):
        main([str(tmp_path)])


def test_a_run_of_a_framework_whose_loss_was_no_number_and_that_went_on_after_it(start, framework, tmp_path):
    """Nine steps of two images of 64 pixels, seven to train on, one or two for validation."""
    run = str(tmp_path / "run")
    framework.losses[4] = float("nan")
    with pytest.raises(UserError, match="at step 5"):
        start("--epochs", "3")
    cause = by_kind(diagnose(run).causes)["not_finite"]
    assert "step 5 (of its terms box)" in cause.evidence[0]
    assert cause.numbers["step"] == 5
    framework.losses.clear()
    assert train(framework, ["--resume", run, "--quiet", "--workers", "0"]) == 0
    found = by_kind(diagnose(run).causes)
    assert "not_finite" not in found
    assert {"from_scratch", "too_few_steps", "validation_small"} <= set(found)
    assert found["from_scratch"].numbers == {"images": 7}
    assert found["too_few_steps"].numbers["steps"] == 9


def test_a_page_says_of_every_cause_what_it_is_found_from():
    page = Path(__file__).parents[4] / "docs" / "diagnose.md"
    if not page.exists():
        pytest.skip("trizoo is not in its repository")
    text = page.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
