"""`trizoo`, the scripts and `python -m trizoo`: which command is done, under which name, and what comes first."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from trizoo import __version__
from trizoo.commands import main as module
from trizoo.commands import train
from trizoo.commands.cli import Choice
from trizoo.commands.flags.train import parser
from trizoo.commands.main import COMMANDS, Command, main, run
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.tests.testing import FakeFramework
from trizoo.training.world import VARIABLES, World

ROOT = Path(__file__).parents[4]
SCRIPTS = [("train", "pytorch"), ("evaluate", "tf2"), ("predict", "keras"), ("export", "tf2")]
in_repository = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="trizoo is not in its repository")


def process(*command, cwd, **environment):
    """A Python process of its own."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_commands_are_shown_with_a_line_each(capsys, arguments):
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: trizoo COMMAND …"
    assert [line.split()[0] for line in lines[2 : 2 + len(COMMANDS)]] == list(COMMANDS)
    for line, command in zip(lines[2:], COMMANDS.values(), strict=False):
        assert line.endswith(f"  {command.about}")
    assert max(map(len, lines)) <= 80


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"trizoo {__version__}\n"


def test_an_unknown_command_is_one_sentence_with_the_nearest():
    with pytest.raises(UserError, match=r"no command 'trian', did you mean 'train'\?; trizoo --help shows them all"):
        main(["trian", "--epochs", "1"])
    with pytest.raises(UserError, match="there is no command '--epochs'; trizoo --help shows them all"):
        main(["--epochs", "1"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_under_the_name_that_it_was_called_by(capsys, name):
    with pytest.raises(SystemExit) as ending:
        main([name, "--help"])
    assert ending.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: trizoo {name} ")


def test_synth_draws_as_data_synth_does(tmp_path, capsys):
    small = ["--images", "2", "--size", "40", "--seed", "5"]
    assert main(["synth", str(tmp_path / "a"), *small]) == 0
    assert main(["data", "synth", str(tmp_path / "b"), *small]) == 0
    first, second = ((tmp_path / name / "JPEGImages" / "000001.jpg").read_bytes() for name in "ab")
    assert first == second
    assert "2 images of 40x40, drawn" in capsys.readouterr().out


def test_export_needs_a_checkpoint_as_weights_export_does(tmp_path):
    for name in (["export"], ["weights", "export"]):
        with pytest.raises(UserError, match=r"best\.h5"):
            main([*name, str(tmp_path / "best.h5"), "--out", str(tmp_path / "a.weights")])


@pytest.fixture
def chosen(monkeypatch):
    """What train was done on: a list of framework names, None for the default."""
    names = []

    def train(args, choice):
        names.append(choice)
        return 0

    monkeypatch.setitem(COMMANDS, "train", Command("", COMMANDS["train"].parser, train, has_framework=True))
    monkeypatch.setattr(module, "choose", lambda name: name)
    return names


def test_the_framework_is_the_scripts_else_the_flags_else_the_default(chosen):
    assert main(["train", "--framework", "keras"]) == 0
    assert main(["train"]) == 0
    assert run("train", [], prog="train.py", framework="tf2") == 0
    assert chosen == ["keras", None, "tf2"]


def test_a_script_takes_no_other_framework(chosen, capsys):
    with pytest.raises(SystemExit):
        run("train", ["--framework", "keras"], prog="train.py", framework="tf2")
    assert capsys.readouterr().err.startswith("error: unrecognized arguments: --framework keras; train.py --help ")
    with pytest.raises(SystemExit):
        main(["train", "--framework", "caffe"])
    assert "'caffe'" in capsys.readouterr().err
    assert chosen == []


@in_repository
@pytest.mark.parametrize(("name", "framework"), SCRIPTS)
def test_a_script_answers_a_wrong_flag_under_its_own_name_before_anything_is_loaded(tmp_path, name, framework):
    code = f"""
import runpy, sys
sys.argv = ["{name}.py", "--no-such-flag"]
try:
    runpy.run_path(r"{ROOT / framework / name}.py", run_name="__main__")
finally:
    loaded = {{"torch", "tensorflow", "keras", "jax", "pydantic", "numpy", "cv2", "h5py"}} & sys.modules.keys()
    print(sorted(loaded))
"""
    result = process("-c", code, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.endswith(f"; {name}.py --help shows all flags\n")
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["trizoo", "weights"], "python -m trizoo weights"),
        (["trizoo.weights"], "python -m trizoo.weights"),
        (["trizoo.data"], "python -m trizoo.data"),
        (["trizoo.parity"], "python -m trizoo.parity"),
        (["trizoo.anchors"], "python -m trizoo.anchors"),
    ],
)
def test_modules_are_commands_too(tmp_path, arguments, usage):
    result = process("-m", *arguments, "--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: {usage} ")


def test_a_folder_called_common_beside_ones_work_is_no_hindrance(tmp_path):
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "__init__.py").write_text("raise RuntimeError('not the one that was meant')\n")
    synthesize(tmp_path / "set", images=3, size=(40, 40))
    result = process("-m", "trizoo", "data", "check", "set", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Errors: none" in result.stdout


@pytest.fixture
def not_loaded():
    """A framework that must not be needed."""

    def load():
        raise AssertionError("the framework was loaded")

    return Choice(load)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--model", "yolov9"], "unknown model 'yolov9'"),
        (["train", "--input-size", "100"], "the nearest that fit: 96x96 or 128x128"),
        (["train", "--set", "schedule.learning_rate=1"], "learning_rate"),
        (["train", "--data", "no such folder"], "data set no such folder does not exist"),
        (["train", "--weights", "missing.h5"], "there is no file missing.h5"),
        (["train", "--resume", "no run"], "no run is no run folder"),
        (["train", "--workers", "-1"], "--workers is -1"),
        (["train", "--mask-map", "255=1"], "--mask-map is for segmentation and yolov3-tiny does detection"),
        (["evaluate", "--weights", "missing.h5"], "there is no file missing.h5"),
        (["evaluate", "--weights", "empty.h5"], "empty.h5"),
        (["predict", "a.jpg", "--weights", "missing.h5"], "there is no file or folder 'a.jpg'"),
        (["predict", "picture.jpg", "--weights", "missing.h5"], "there is no file missing.h5"),
        (["predict", "picture.jpg", "--weights", "empty.h5"], "empty.h5"),
    ],
)
def test_what_can_be_found_without_a_framework_is(monkeypatch, tmp_path, not_loaded, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("choose", "choose_for"):
        monkeypatch.setattr(module, name, lambda *given: not_loaded)
    Path("picture.jpg").touch()
    Path("empty.h5").touch()
    with pytest.raises(UserError) as error:
        main(arguments)
    assert message in str(error.value)


@pytest.mark.parametrize("arguments", [["train", "--set=--"], ["data", "check", ".", "--layout=--"]])
def test_two_dashes_are_no_value(arguments):
    with pytest.raises(UserError, match="=--: there is no value after the equals sign"):
        main(arguments)


def test_a_parser_quotes_a_little_of_what_it_got(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--workers", "9" * 5000])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()[-1]) < 300


class Told(World):
    """A process whose error another one tells."""

    ends: ClassVar = []

    def tells(self):
        return False

    def end(self, failed=False):
        self.ends.append(failed)


@pytest.mark.parametrize(("local_rank", "told"), [("0", True), ("1", False)])
def test_an_error_of_several_processes_is_told_by_one_and_all_end_with_2(local_rank, told, monkeypatch, capsys):
    values = ("1", "2", local_rank, "2", "localhost", "29500")
    for name, value in zip(VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setattr("trizoo.training.world.LET_SPEAK", 0)
    with pytest.raises(SystemExit) as ended:
        run("train", ["--no-such-flag"], prog="train.py", framework="pytorch")
    assert ended.value.code == 2
    assert ("error: " in capsys.readouterr().err) == told
    ignored = []
    monkeypatch.setattr(train.signal, "signal", lambda *given: ignored.append(given))
    framework = FakeFramework()
    args = parser().parse_args(["--resume", "no run"])
    framework.world = lambda: Told(1, 2, 2)
    assert train.run(args, Choice(lambda: framework)) == 2
    assert ignored == [(signal.SIGTERM, signal.SIG_IGN)]
    assert Told.ends.pop() is True  # PyTorch's aborts at times where processes exit that haven't let go
    framework.world = lambda: World(1, 2, 2)
    if told:
        with pytest.raises(UserError, match="no run is no run folder"):
            train.run(args, Choice(lambda: framework))
    else:
        assert train.run(args, Choice(lambda: framework)) == 2


@pytest.mark.parametrize("rank", ["0", "1"])
def test_what_no_processes_share_is_refused_under_torchrun_and_told_by_the_first(rank, monkeypatch, capsys):
    for name, value in zip(VARIABLES, (rank, "2", rank, "2", "localhost", "29500"), strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    waited = []
    monkeypatch.setattr("trizoo.training.world.time.sleep", waited.append)
    if rank == "0":
        with pytest.raises(UserError, match=r"evaluate\.py runs in one process, and torchrun started several"):
            run("evaluate", ["--weights", "none.h5"], prog="evaluate.py", framework="pytorch")
    else:
        assert run("evaluate", ["--weights", "none.h5"], prog="evaluate.py", framework="pytorch") == 2
    assert waited == ([10] if rank == "1" else [])  # torchrun would end the first before it has spoken
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("index", [1, 7])
def test_tf_config_of_a_training_does_not_matter_to_other_commands(index, monkeypatch, capsys):
    """Of another process than the first they said nothing; with what makes no sense they failed."""
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert main(["--version"]) == 0
    assert main(["recipes", "yolov3-tiny"]) == 0
    said = capsys.readouterr().out
    assert f"trizoo {__version__}" in said
    assert "name: yolov3-tiny" in said
    with pytest.raises(UserError, match="no-folder"):
        main(["data", "check", "no-folder"])
