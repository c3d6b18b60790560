import io
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from trizoo.commands import cli, evaluate, running
from trizoo.commands.cli import run_command
from trizoo.commands.main import run
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.checkpoint import load
from trizoo.weights.readers import read, safetensors

main = partial(run, "weights", prog="trizoo weights")


def test_list_shows_how_far_each_tag_is(entries, tiny, small, capsys):
    entries(yolov3_tiny__pets=(tiny[0], {}), yolov3_tiny__more=(small, {}), yolov9__pets=(small, {"model": "yolov9"}))
    assert main(["download", "yolov3-tiny.more"]) == 0
    capsys.readouterr()
    assert main(["list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1] == ["yolov3-tiny.pets", "model", "2", "34.7", "good", "-", "yes"]
    assert lines[2] == ["yolov3-tiny.more", "model", "2", "0.0", "good", "file", "yes"]
    assert lines[3] == ["yolov9.pets", "model", "2", "0.0", "good", "-", "not", "yet"]


def test_list_filters_by_model(entries, small, capsys):
    entries(yolov3_tiny__pets=(small, {}), yolov9__pets=(small, {"model": "yolov9"}))
    assert main(["list", "--model", "yolov9"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["tag", "yolov9.pets"]
    with pytest.raises(UserError, match=r"no weights for 'yolo9' \(did you mean yolov9"):
        main(["list", "--model", "yolo9"])


def test_info_shows_the_licence(entries, small, capsys):
    entries(yolov3_tiny__pets=(small, {}))
    assert main(["info", "yolov3-tiny.pets"]) == 0
    assert "do as you like" in capsys.readouterr().out


def test_stdout_of_download_and_path_is_the_path_alone(entries, home, small, capsys):
    entries(yolov3_tiny__pets=(small, {}))
    path = home / "weights" / "yolov3-tiny.pets" / "small.weights"
    for arguments in (["download", "yolov3-tiny.pets"], ["path", "yolov3-tiny.pets"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out == f"{path}\n"


def test_path_of_what_is_not_here_is_a_sentence(entries, small):
    entries(yolov3_tiny__pets=(small, {}))
    with pytest.raises(UserError, match=r"trizoo weights download yolov3-tiny\.pets"):
        main(["path", "yolov3-tiny.pets"])


def test_download_asks_ones_own_mirror_first(entries, small, tmp_path, capsys):
    entries(yolov3_tiny__pets=(small, {"url": (tmp_path / "gone.weights").as_uri()}))
    assert main(["download", "yolov3-tiny.pets", "--url", small.as_uri()]) == 0
    assert capsys.readouterr().err == ""
    assert main(["clean", "--yes"]) == 0
    assert main(["download", "yolov3-tiny.pets", "--url", str(small)]) == 0  # a path will do
    with pytest.raises(SystemExit):
        main(["download", "yolov3-tiny.pets", "--url", "example.org/small.weights"])
    assert "'example.org/small.weights' is no file, and no URL that begins with" in capsys.readouterr().err
    with pytest.raises(UserError, match="--url is for one tag and 2 were given"):
        main(["download", "yolov3-tiny.pets", "yolov3-tiny.pets", "--url", small.as_uri()])


def test_a_slip_in_the_second_tag_is_told_before_the_first_is_downloaded(entries, home, small):
    entries(yolov3_tiny__pets=(small, {}))
    with pytest.raises(UserError, match="did you mean yolov3-tiny"):
        main(["download", "yolov3-tiny.pets", "yolov3-tiny.pet"])
    assert not home.exists()


def test_verify_finds_a_damaged_file(entries, small, capsys):
    entries(yolov3_tiny__pets=(small, {}), yolov9__pets=(small, {"model": "yolov9"}))
    main(["download", "yolov3-tiny.pets", "yolov9.pets"])
    path = capsys.readouterr().out.splitlines()[1]
    assert main(["verify"]) == 0
    assert capsys.readouterr().out == "yolov3-tiny.pets: as it should be\nyolov9.pets: as it should be\n"
    Path(path).write_bytes(b"wrong")
    assert main(["verify"]) == 1
    assert "yolov9.pets: sha256 " in capsys.readouterr().out


def test_verify_tells_what_a_file_of_ones_own_is(entries, small, tmp_path, capsys):
    entries(yolov3_tiny__pets=(small, {}))
    other = tmp_path / "renamed.bin"
    other.write_bytes(small.read_bytes())
    assert main(["verify", str(other)]) == 0
    assert "yolov3-tiny.pets, as it should be" in capsys.readouterr().out
    other.write_bytes(b"something else")
    assert main(["verify", str(other)]) == 1
    assert "no file of the manifest; its sha256 is" in capsys.readouterr().out
    same_name = tmp_path / "small.weights"
    same_name.write_bytes(b"cut")
    assert main(["verify", str(same_name)]) == 1
    assert "yolov3-tiny.pets by its name, 3 bytes instead of 5" in capsys.readouterr().out
    with pytest.raises(UserError, match="No such file"):
        main(["verify", str(tmp_path / "missing")])


def test_convert_takes_a_tag(entries, tiny, tmp_path, capsys):
    entries(yolov3_tiny__pets=(tiny[0], {}))
    out = tmp_path / "out.h5"
    assert main(["convert", "yolov3-tiny.pets", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert load(out).recipe["classes"] == ["cat", "dog"]
    with pytest.raises(UserError, match="there already"):
        main(["convert", "yolov3-tiny.pets", "--out", str(out)])
    with pytest.raises(UserError, match=r"yolov3-tiny\.pets has a model, classes, anchors and settings of its"):
        main(["convert", "yolov3-tiny.pets", "--classes", "a", "b", "--out", str(tmp_path / "more.h5")])


def test_convert_sets_values_of_the_recipe_of_a_file(entries, tiny, tmp_path, capsys):
    out = tmp_path / "out.h5"
    assert main(["convert", str(tiny[0]), "--set", "input_size=[320, 256]", "--out", str(out)]) == 0
    assert load(out).recipe["input_size"] == [320, 256]
    entries(yolov3_tiny__pets=(tiny[0], {}))
    with pytest.raises(UserError, match=r"leave --classes, --anchors, --set and --model out"):
        main(["convert", "yolov3-tiny.pets", "--set", "input_size=320", "--out", str(tmp_path / "more.h5")])


def test_convert_takes_a_file_and_a_list_of_classes(entries, tiny, tmp_path, capsys):
    entries(yolov3_tiny__pets=(tiny[0], {}))
    assert main(["convert", str(tiny[0]), "--classes", "two", "--out", str(tmp_path / "out.h5")]) == 0
    captured = capsys.readouterr()
    total = len(load(tmp_path / "out.h5").model)
    assert f"{total} of the model's {total} arrays, 0 left out" in captured.err
    assert load(tmp_path / "out.h5").recipe["classes"] == ["cat", "dog"]
    assert main(["convert", str(tiny[0]), "--out", str(tmp_path / "unnamed.h5")]) == 0
    assert "class-0, class-1 and so on; --classes names them" in capsys.readouterr().err


def test_convert_takes_files_of_classes_and_anchors(tiny, tmp_path):
    """As repositories of YOLO have them: voc_classes.txt and yolo_anchors.txt."""
    (tmp_path / "voc_classes.txt").write_text("aeroplane\n\u7f8a \n\n", encoding="utf-8-sig")
    (tmp_path / "yolo_anchors.txt").write_text("10,14,  20,30.5, 37,58\n81,82, 135,169, 300,310")
    files = ["--classes", str(tmp_path / "voc_classes.txt"), "--anchors", str(tmp_path / "yolo_anchors.txt")]
    assert main(["convert", str(tiny[0]), *files, "--out", str(tmp_path / "out.h5")]) == 0
    recipe = load(tmp_path / "out.h5").recipe
    assert recipe["classes"] == ["aeroplane", "\u7f8a"]
    assert recipe["model"]["anchors"] == [[10, 14], [20, 30.5], [37, 58], [81, 82], [135, 169], [300, 310]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10,13, 16", r"holds 3 numbers, which aren't pairs"),
        ("", r"holds 0 numbers"),
        ("10,x", r"holds 'x', which is no length; widths and heights in pixels"),
        ("10,-1", r"holds '-1', which is no length"),
        ("10,nan", r"holds 'nan', which is no length"),
        ("1" * 70_000, r"is no file of at most 64 KiB"),
        ("10,14, 23,27", r"2 anchors were given for yolov3-tiny; its heads need 6"),
    ],
)
def test_anchors_that_are_none_are_a_sentence(tiny, tmp_path, text, sentence):
    (tmp_path / "yolo_anchors.txt").write_text(text)
    with pytest.raises(UserError, match=sentence):
        main(
            ["convert", str(tiny[0]), "--anchors", str(tmp_path / "yolo_anchors.txt"), "--out", str(tmp_path / "a.h5")]
        )


def test_convert_takes_a_backbone_for_a_named_model_and_exports_it_by_torchvision_s_names(entries, tmp_path, capsys):
    theirs, out = tmp_path / "theirs.npz", tmp_path / "out.h5"
    np.savez(theirs, **published.filled(published.mobilenet_v2()))
    changes = {"model": "mobilenetv2", "part": "backbone", "classes": "null", "num_classes": 1000}
    entries(mobilenetv2__imagenet=(theirs, changes))
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("yes")
    with pytest.raises(UserError, match=r"is no backbone of yolov3; ssd300-mobilenetv2"):
        main(["convert", "mobilenetv2.imagenet", "--model", "yolov3", "--out", str(out)])
    assert main(["convert", "mobilenetv2.imagenet", "--model", "ssd300-mobilenetv2", "--out", str(out)]) == 0
    assert "that is a backbone, for train.py --weights" in capsys.readouterr().err
    back = tmp_path / "back.safetensors"
    assert main(["export", str(out), "--names", "torchvision", "--out", str(back)]) == 0
    assert "features.18.1.running_var" in read(back).arrays


def test_convert_says_what_a_person_should_know(entries, home, tmp_path, capsys):
    theirs = tmp_path / "vgg16.safetensors"
    safetensors.write(
        theirs, published.filled({k: v for k, v in published.vgg16().items() if k.startswith("features")})
    )
    assert main(["convert", str(theirs), "--model", "ssd300-vgg16", "--out", str(tmp_path / "out.h5")]) == 0
    assert "fc6 and fc7 aren't in it and are re-initialised" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "sentence"),
    [("yolov3-tiny.pet", r"did you mean yolov3-tiny\.pets"), ("yolov9.pets", "doesn't have yet")],
)
def test_convert_of_what_cannot_be_is_a_sentence(entries, small, tmp_path, source, sentence):
    entries(yolov3_tiny__pets=(small, {}), yolov9__pets=(small, {"model": "yolov9"}))
    with pytest.raises(UserError, match=sentence):
        main(["convert", source, "--out", str(tmp_path / "out.h5")])


def test_clean_says_what_goes_and_asks(entries, home, small, capsys, monkeypatch):
    entries(yolov3_tiny__pets=(small, {}), yolov9__pets=(small, {"model": "yolov9"}))
    main(["download", "yolov3-tiny.pets", "yolov9.pets"])
    (home / "weights" / "mine").mkdir()
    capsys.readouterr()
    for answer in ("", "n\n", "no\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        assert main(["clean"]) == 1
        captured = capsys.readouterr()
        assert "2 tags, 0.0 MB in all" in captured.out
        assert "nothing was removed" in captured.err
    assert main(["clean", "yolov9.pets", "--yes"]) == 0
    assert sorted(path.name for path in (home / "weights").iterdir()) == ["mine", "yolov3-tiny.pets"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert main(["clean"]) == 0
    assert [path.name for path in (home / "weights").iterdir()] == ["mine"]
    assert main(["clean"]) == 0


@pytest.mark.parametrize("arguments", [[], ["info"], ["download"], ["convert", "x"], ["fetch", "x"]])
def test_wrong_command_lines_give_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(" --help shows all flags\n")


def test_an_unknown_tag_gives_exit_code_2_and_one_line(home, capsys):
    with pytest.raises(SystemExit) as caught:
        run_command(lambda: main(["info", "yolo3.coco"]))
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: 'yolo3.coco' is no tag")
    assert captured.err.count("\n") == 1


def test_the_module_runs_from_any_folder(tmp_path):
    command = [sys.executable, "-m", "trizoo.weights", "list", "--model", "yolov3-tiny"]
    environment = {**os.environ, "TRIZOO_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "yolov3-tiny.coco" in done.stdout
    assert not (tmp_path / "home").exists()


def test_verify_deep_runs_what_is_here(entries, tiny, monkeypatch, capsys):
    outputs = {"pytorch": [np.array([1.0, 2.0])], "tf2": [np.array([1.0, 2.0001])]}
    monkeypatch.setattr(running, "require_installed", lambda: tuple(outputs))
    monkeypatch.setattr(running, "_outputs", lambda path, name: outputs[name])
    entries(yolov3_tiny__pets=(tiny[0], {}), yolov3_tiny__others=(tiny[0], {}))
    assert main(["verify", "--deep"]) == 0
    assert capsys.readouterr().out == ""  # nothing is here yet
    assert main(["download", "yolov3-tiny.pets"]) == 0
    capsys.readouterr()
    assert main(["verify", "--deep"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "yolov3-tiny.pets: run in pytorch, tf2, at most 5e-05 of the greatest output apart"
    outputs["tf2"] = [np.array([1.0, 2.1])]
    assert main(["verify", "--deep"]) == 1
    outputs["tf2"] = [np.array([1.0, np.nan])]
    assert main(["verify", "--deep"]) == 1
    assert "outputs that are no numbers in tf2" in capsys.readouterr().out
    with pytest.raises(UserError, match="--deep is for the tags that are here, and x was given"):
        main(["verify", "--deep", "x"])


def test_reproduce_measures_as_published_and_says_the_published_figure(monkeypatch, capsys):
    given = []
    monkeypatch.setattr(evaluate, "run", lambda args, choice: given.append(args) or 0)
    monkeypatch.setattr(cli, "choose", lambda name: None)
    assert main(["reproduce", "ssd300-vgg16.coco", "--data", "coco", "--offline"]) == 0
    (args,) = given
    assert (args.weights, args.data, args.split, args.as_published) == ("ssd300-vgg16.coco", "coco", "val", True)
    assert args.offline
    said = capsys.readouterr().out
    assert "published: box_map COCO val2017 25.1 (the weights' entry in torchvision)" in said
    assert "300x300, resize stretch, score 0.01, nms 0.45, max_detections 200" in said
