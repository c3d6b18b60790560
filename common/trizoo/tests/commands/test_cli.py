import io
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from trizoo import __version__, framework
from trizoo.commands import cli
from trizoo.commands.cli import INTERRUPTED, Choice, check_flags, choose, find_weights, run_command, say
from trizoo.framework import FRAMEWORKS
from trizoo.ground.errors import UserError
from trizoo.tests.testing import FakeFramework


@pytest.mark.parametrize(("result", "code"), [(None, None), (0, 0), (3, 3), (INTERRUPTED, 130)])
def test_a_command_exits_with_its_own_code(result, code):
    with pytest.raises(SystemExit) as ending:
        run_command(lambda: result)
    assert ending.value.code == code


def test_a_users_error_is_one_sentence_and_code_2(capsys):
    def fail():
        raise UserError("there is no file 'x'")

    with pytest.raises(SystemExit) as ending:
        run_command(fail)
    assert ending.value.code == 2
    assert capsys.readouterr() == ("", "error: there is no file 'x'\n")


def test_ctrl_c_exits_as_a_shell_expects():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ending:
        run_command(interrupt)
    assert ending.value.code == INTERRUPTED


def test_ctrl_c_is_not_lost_in_a_destructor(capsys):
    class Fragile:
        def __del__(self):
            raise KeyboardInterrupt

    def interrupted():
        Fragile()
        while True:
            pass

    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts with &
    try:
        with pytest.raises(SystemExit) as ending:
            run_command(interrupted)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert ending.value.code == INTERRUPTED
    assert capsys.readouterr() == ("", "interrupted\n")


def test_too_little_memory_is_a_sentence(capsys):
    def fill():
        raise MemoryError

    with pytest.raises(SystemExit) as ended:
        run_command(fill)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("error: memory is too small; fewer images at once")


def test_another_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("cv2", "the library cv2 isn't installed; pip install opencv-python-headless would do"),
        ("torch", "the library torch isn't installed; pip install torch=="),
        ("no_such_library.part", "the library no_such_library isn't installed; pip install no_such_library would do"),
    ],
)
def test_a_missing_library_is_one_sentence_and_code_2(monkeypatch, capsys, module, sentence):
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)  # as if it were not there
    with pytest.raises(SystemExit) as ending:
        run_command(lambda: __import__(module))
    assert ending.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {sentence}")


@pytest.mark.parametrize("module", ["trizoo.no_such_module", "numpy.no_such_module", "_no_such_part"])
def test_a_part_that_is_missing_of_what_is_there_keeps_its_traceback(monkeypatch, module):
    monkeypatch.setattr(sys, "stdlib_module_names", {"_no_such_part"})
    with pytest.raises(ModuleNotFoundError):
        run_command(lambda: __import__(module))


def test_a_reader_that_has_gone_ends_the_command_quietly():
    script = (
        "from trizoo.commands.cli import run_command, say\nrun_command(lambda: [say('line') for _ in range(100000)])"
    )
    command = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert command.stdout.readline().strip() == b"line"
    command.stdout.close()
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait(timeout=60) == 1


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", rb"\u732b\udcff.jpg"), ("utf-8", "猫\\udcff.jpg".encode())])
def test_a_name_that_the_terminal_cannot_show_is_escaped(monkeypatch, encoding, shown):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit):
        run_command(lambda: say("猫\udcff.jpg"))  # \udcff: a byte of a file name that is no UTF-8
    assert terminal.buffer.getvalue().strip() == shown


@pytest.fixture
def there(monkeypatch):
    """Says which modules are installed."""

    def install(*modules):
        monkeypatch.setattr(framework, "is_installed", lambda module: module in modules)
        monkeypatch.setenv("KERAS_BACKEND", "tensorflow")

    return install


@pytest.mark.parametrize(
    ("modules", "chosen", "note"),
    [
        (["torch"], "pytorch", " (the only one installed)"),
        (["tensorflow"], "tf2", " (the only one installed)"),
        (["tensorflow", "keras"], "tf2", " (first of tf2, keras; --framework takes another)"),
        (["tensorflow", "keras", "torch"], "pytorch", " (first of pytorch, tf2, keras; --framework takes another)"),
    ],
)
def test_the_first_framework_that_is_installed_is_taken_and_that_is_said(there, modules, chosen, note):
    there(*modules)
    assert choose() == Choice(FRAMEWORKS[chosen].open, note)


def test_a_framework_that_was_asked_for_needs_no_note(there):
    there("torch", "tensorflow")
    assert choose("tf2") == Choice(FRAMEWORKS["tf2"].open)


def test_a_framework_that_is_not_there_is_one_sentence_with_what_to_install(there):
    there()
    with pytest.raises(
        UserError, match=r"no framework is installed; pip install torch==\S+ brings PyTorch, TensorFlow 2"
    ):
        choose()
    with pytest.raises(UserError, match=r"^PyTorch isn't installed; pip install torch==\S+ would do$"):
        choose("pytorch")


def test_the_first_line_says_versions_why_this_framework_and_where_it_runs(capsys):
    framework, device = Choice(FakeFramework, " (the only one installed)").start("cpu")
    assert framework.versions() == "Fake 1.0"
    assert device == "cpu"
    first = f"trizoo {__version__}, Fake 1.0 (the only one installed), device: paper and pencil\n"
    assert capsys.readouterr().out == first


@pytest.fixture
def asked(monkeypatch):
    """Tags are resolved to their upper case, and noted with --offline."""
    asked = []

    def resolve_weights(text, *, offline, model):
        asked.append((text, offline))
        return Path(text.upper())

    monkeypatch.setattr("trizoo.weights.store.resolve_weights", resolve_weights)
    return asked


def test_weights_are_a_file_as_it_is_else_what_a_tag_stands_for(asked, tmp_path):
    path = tmp_path / "ein Ordner 甲.h5"
    path.touch()
    assert find_weights(Namespace(weights=None, offline=False)) is None
    assert find_weights(Namespace(weights=str(path), offline=False)) == str(path)
    assert asked == []
    assert find_weights(Namespace(weights="a.b", offline=True)) == "A.B"
    assert asked == [("a.b", True)]


def test_a_flag_for_models_of_another_task_is_refused_and_one_of_several_tasks_is_not(monkeypatch):
    unused = dict.fromkeys(flag.name for flags in cli.FLAGS.values() for flag in flags.evaluate)
    args = Namespace(**unused | {"boundary": True})
    with pytest.raises(UserError, match="--boundary is for segmentation and yolov3 does detection; leave it out"):
        check_flags(args, "evaluate", "yolov3", "detection")
    coco = Namespace(**unused | {"coco": "a.json"})
    check_flags(coco, "evaluate", "yolov3", "detection")
    with pytest.raises(UserError, match="--coco is for detection and pspnet-resnet50 does segmentation; leave it out"):
        check_flags(coco, "evaluate", "pspnet-resnet50", "segmentation")
    monkeypatch.setitem(cli.FLAGS, "counting", cli.FLAGS["segmentation"])
    check_flags(args, "evaluate", "a counter", "counting")
