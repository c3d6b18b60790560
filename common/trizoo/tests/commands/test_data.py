import json
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.cli import run_command
from trizoo.commands.flags.data import CROPPED, WRITTEN
from trizoo.commands.main import run
from trizoo.data.boxes.find import find_boxes
from trizoo.data.crop import FORMATS
from trizoo.data.write.formats import WRITERS
from trizoo.ground.errors import UserError

main = partial(run, "data", prog="trizoo data")


def test_synth_draws_and_check_finds_nothing(tmp_path, capsys):
    out = tmp_path / "新 set"
    options = ["synth", str(out), "--images", "4", "--size", "64x48", "--classes", "圆", "star", "--seed", "7"]
    assert main(options) == 0
    assert capsys.readouterr().out == f"{out}: 4 images of 64x48, drawn\n"
    assert main(options) == 0
    assert "already there" in capsys.readouterr().out
    assert {record.size for record in find_boxes(out).open().records} == {(64, 48)}
    assert main(["check", str(out), "--classes", "圆", "star"]) == 0
    assert "Errors: none" in capsys.readouterr().out
    assert main(["check", "--json", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_size_may_be_one_number(tmp_path, capsys):
    assert main(["synth", str(tmp_path / "set"), "--images", "1", "--size", "40"]) == 0
    assert "40x40" in capsys.readouterr().out


def test_errors_in_the_data_give_exit_code_1(tmp_path, capsys):
    main(["synth", str(tmp_path / "set"), "--images", "3", "--size", "48"])
    (tmp_path / "set" / "JPEGImages" / "000000.jpg").write_bytes(b"")
    assert main(["check", str(tmp_path / "set")]) == 1
    assert "unreadable image: 1" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "set"), "--json"]) == 1


def test_what_cannot_be_read_gives_exit_code_2_and_one_line(tmp_path, capsys):
    for arguments in (["check", str(tmp_path / "不存在")], ["synth", str(tmp_path), "--images", "0"]):
        with pytest.raises(SystemExit) as caught:
            run_command(lambda arguments=arguments: main(arguments))
        assert caught.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1


@pytest.fixture
def cells(tmp_path):
    """A data set of two images with masks of 0 and 255."""
    for folder in ("images", "masks"):
        (tmp_path / "cells" / folder).mkdir(parents=True)
        for name in "ab":
            Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(tmp_path / "cells" / folder / f"{name}.png")
    return tmp_path / "cells"


def test_check_finds_out_that_there_are_masks_and_convert_writes_them(cells, tmp_path, capsys):
    assert main(["check", str(cells)]) == 1
    text = " ".join(capsys.readouterr().out.split())  # lines break where the folder's name has them break
    assert "masks (folders)" in text
    assert "--mask-map 255=1" in text
    assert main(["check", str(cells), "--mask-map", "255=1"]) == 0
    out = tmp_path / "out"
    with pytest.raises(UserError, match="--mask-map 255=1"):
        main(["convert", str(cells), str(out)])
    assert main(["convert", str(cells), str(out), "--mask-map", "255=1", "--classes", "wall", "cell"]) == 0
    assert capsys.readouterr().out.endswith(
        f"{out}: 2 images with masks, written as voc, splits train (1), val (1), classes wall, cell\n"
    )
    assert main(["check", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"]["cell"]["pixels"] == 4


def test_convert_writes_every_layout_and_tells_what_it_cannot_hold(tmp_path, capsys):
    root = str(tmp_path / "set")
    main(["synth", root, "--images", "6", "--size", "48"])
    capsys.readouterr()
    for to in WRITTEN:
        assert (
            main(["convert", root, str(tmp_path / to), "--to", to, "--classes-map", "circle=disc", "--limit", "2"]) == 0
        )
        out = capsys.readouterr().out
        assert "note: train has 2 of its 4 images" in out
        assert f"written as {to}, splits train (2), val (1), test (1)" in out
        assert "classes disc, square, triangle" in out
    flags = ["--to", "yolo", "--task", "segmentation", "--link"]
    assert main(["convert", root, str(tmp_path / "masks"), *flags]) == 0
    assert "note: YOLO knows no ignored pixels" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"'circle' maps no class; OLD=NEW is needed"):
        main(["convert", root, str(tmp_path / "new"), "--classes-map", "circle"])


def test_crop_cuts_objects_out_into_folders_of_classes(tmp_path, capsys):
    root, out = str(tmp_path / "set"), tmp_path / "cut"
    main(["synth", root, "--images", "6", "--size", "48"])
    capsys.readouterr()
    assert main(["crop", root, str(out), "--margin", "0", "--format", "png", "--size", "9", "--min-side", "4"]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["split", "circle", "square", "triangle"]
    assert [line.split()[0] for line in lines] == ["train", "val", "test"]
    assert last == str(out)
    assert sum(int(number) for line in lines for number in line.split()[1:]) == len([*out.rglob("*.png")])
    assert main(["check", str(out)]) in (0, 1)  # so small a set lacks a class in some split
    with pytest.raises(SystemExit):
        main(["crop", root, str(tmp_path / "new"), "--margin", "11"])
    assert "'11' is no number from 0 to 10" in capsys.readouterr().err
    with pytest.raises(UserError, match="is there already"):
        main(["crop", root, str(out)])


def test_the_formats_that_help_names_are_those_that_crop_writes():
    assert set(CROPPED) == set(FORMATS)


def test_the_layouts_that_help_names_are_those_that_are_written():
    assert tuple(WRITERS) == WRITTEN


def test_split_writes_lists_and_prints_a_table(tmp_path, capsys):
    root = tmp_path / "set"
    main(["synth", str(root), "--images", "10", "--size", "48"])
    shutil.rmtree(root / "ImageSets")
    capsys.readouterr()
    assert main(["split", str(root), "--ratios", "0.8", "0.2", "--seed", "3"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["class", "all", "train", "val"]
    assert out[-1] == str(root / "ImageSets" / "Main")
    assert {name: len(ids) for name, ids in find_boxes(root).splits.items()} == {"train": 8, "val": 2}
    with pytest.raises(UserError, match=r"add up to 0\.5; 1 is needed"):
        main(["split", str(root), "--ratios", "0.3", "0.2"])


def test_split_names_the_classes_that_train_lacks(tmp_path, capsys, monkeypatch):
    root = tmp_path / "set"
    main(["synth", str(root), "--images", "10", "--size", "48"])
    shutil.rmtree(root / "ImageSets")
    monkeypatch.setattr("trizoo.data.split_lists.SplitUp.lacking", lambda found: ["disc", "square"])
    capsys.readouterr()
    assert main(["split", str(root)]) == 0
    assert "note: train has no disc, square: too few images hold them" in capsys.readouterr().out


def test_check_is_for_boxes_where_there_are_annotations_unless_told_otherwise(tmp_path, cells, capsys):
    root = str(tmp_path / "set")
    main(["synth", root, "--images", "4", "--size", "48"])
    for task, sign in (("auto", "without objects"), ("detection", "without objects"), ("segmentation", "(voc)")):
        assert main(["check", root, "--task", task]) == 0
        assert sign in capsys.readouterr().out
    assert main(["check", root, "--layout", "voc"]) == 0
    assert "without objects" in capsys.readouterr().out
    with pytest.raises(UserError, match="leave them out or --task detection"):
        main(["check", root, "--task", "detection", "--mask-map", "255=1"])
    with pytest.raises(UserError, match="no data set with boxes in"):
        main(["check", str(cells), "--task", "detection"])
    with pytest.raises(UserError, match=r"no data set with boxes in .*; nor are there masks"):
        main(["check", str(cells / "images")])


@pytest.mark.parametrize("arguments", [[], ["synth", "x", "--size", "big"], ["check"], ["draw"]])
def test_wrong_command_lines_give_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(" --help shows all flags\n")


def test_help_names_every_option(capsys):
    for command, options in (("check", ["ROOT", "--json", "--classes"]), ("synth", ["OUT", "--images", "--size"])):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        text = capsys.readouterr().out
        assert all(option in text for option in options)


def test_module_runs_and_a_terminal_without_unicode_is_survived(tmp_path):
    main(["synth", str(tmp_path / "set"), "--images", "2", "--size", "48", "--classes", "猫"])
    command = [sys.executable, "-m", "trizoo.data", "check", str(tmp_path / "set")]
    done = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 0, done.stderr
    assert b"\\u732b" in done.stdout
