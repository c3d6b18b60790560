"""`trizoo export`: which target is meant, and what is refused before any work."""

from pathlib import Path

import pytest

from trizoo.commands.export import chosen
from trizoo.commands.flags import export as flags
from trizoo.commands.flags.export import parser
from trizoo.commands.main import main
from trizoo.deploy.targets import TARGETS
from trizoo.ground.errors import UserError


def target_of(*arguments):
    return chosen(parser().parse_args(["best.h5", *arguments]))


def test_the_flags_name_every_target():
    assert tuple(TARGETS) == flags.TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_target_is_that_of_to_else_of_the_ending(name):
    ending = TARGETS[name].ending
    assert target_of("--to", name) is TARGETS[name]
    assert target_of("--out", f"a{ending.upper()}") is TARGETS[name]
    assert target_of("--to", name, "--out", f"a{ending}") is TARGETS[name]


def test_a_saved_models_folder_may_have_any_name():
    for name in ("1", "best.v1", "best"):
        assert target_of("--to", "saved-model", "--out", name) is TARGETS["saved-model"]


def test_weights_alone_are_no_target():
    assert target_of("--out", "a.weights") is None
    assert target_of("--out", "a.safetensors") is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            [],
            "what to export to isn't said; --to onnx or openvino or .* or keras, or --out FILE, is needed",
        ),
        (
            ["--out", "a.txt"],
            "a.txt ends in '.txt'; .onnx, .xml, .tflite, .savedmodel, .*, .weights or .safetensors says what",
        ),
        (
            ["--to", "onnx", "--out", "a.xml"],
            r"a.xml ends in '.xml', and --to onnx writes .onnx; leave one",
        ),
        (
            ["--to", "saved-model", "--out", "a.onnx"],
            r"a.onnx ends in '.onnx', and --to saved-model writes .savedmodel",
        ),
        (["--out", "a.weights", "--raw"], "--raw is for graphs, and a.weights holds weights alone; leave it out"),
        (["--out", "a.weights", "--size", "96"], "--size is for graphs, and a.weights holds weights alone"),
        (["--out", "a.safetensors", "--max-detections", "5"], "--max-detections is for graphs, and a.safetensors"),
    ],
)
def test_what_doesnt_go_together_is_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        main(["export", "best.h5", *arguments])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", [".", "", "/"])
def test_a_folder_is_no_checkpoint_whatever_its_name(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("trizoo.deploy.targets.is_installed", lambda module: True)
    monkeypatch.setattr("trizoo.deploy.targets.find", lambda name: None)
    with pytest.raises(UserError, match="is a folder and no checkpoint"):
        main(["export", source, "--to", "onnx"])


@pytest.mark.parametrize("name", TARGETS)
def test_what_isnt_installed_is_said_before_any_work(monkeypatch, name):
    monkeypatch.setattr("trizoo.deploy.targets.is_installed", lambda module: False)
    with pytest.raises(
        UserError, match=rf"{TARGETS[name].title} needs .*; pip install 'trizoo\[{TARGETS[name].extra}\]', or "
    ):
        main(["export", "nothing.h5", "--to", name])


def test_an_exported_file_is_no_checkpoint(monkeypatch):
    monkeypatch.setattr("trizoo.deploy.targets.is_installed", lambda module: True)
    monkeypatch.setattr("trizoo.deploy.targets.find", lambda name: None)
    with pytest.raises(UserError, match=r"a\.onnx is exported already; the checkpoint \(\.h5\) that it was made of"):
        main(["export", "a.onnx", "--to", "openvino"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--half", "--int8", "data"], "not allowed with argument"),
        (["--size", "big"], "'big' is no size"),
        (["--batch", "0"], "'0' is not a whole number of at least 1"),
        (["--confidence", "2"], "'2' is not a number from 0 to 1"),
        (["--to", "tensorrt"], "invalid choice: 'tensorrt'"),
    ],
)
def test_wrong_values_are_refused_by_flag(capsys, arguments, sentence):
    with pytest.raises(SystemExit):
        parser().parse_args(["best.h5", *arguments])
    assert sentence in capsys.readouterr().err


def test_a_framework_has_no_say_in_an_exported_file(tmp_path):
    path = Path(tmp_path) / "a.onnx"
    path.touch()
    with pytest.raises(UserError, match=r"--framework is for checkpoints, and .*a\.onnx is opened by a runtime"):
        main(["evaluate", "--weights", str(path), "--framework", "pytorch"])


def test_training_begins_with_no_exported_file(tmp_path, monkeypatch):
    monkeypatch.setattr("trizoo.commands.cli.choose", lambda name: None)
    monkeypatch.setattr("trizoo.commands.main.choose", lambda name: None)
    path = tmp_path / "a.onnx"
    path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"a\.onnx is an exported file, which predicts and is no checkpoint; the \.h5"):
        main(["train", "--weights", str(path)])
