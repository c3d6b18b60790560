import argparse
import io
import subprocess
import sys
from pathlib import Path

import pytest

from trizoo import __version__
from trizoo.commands.cli import (
    INTERRUPTED,
    add_common_flags,
    add_weights_flags,
    find_weights,
    positive_int,
    run_command,
    say,
    share,
    size_argument,
)
from trizoo.ground.errors import UserError


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


def test_another_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 / 0)


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


@pytest.mark.parametrize(
    ("text", "size"), [("416", (416, 416)), ("608x416", (608, 416)), (" 608X416 ", (608, 416)), ("608×416", (608, 416))]
)
def test_a_size_is_width_by_height(text, size):
    assert size_argument(text) == size


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (size_argument, "big", "'big' is no size; N or WIDTHxHEIGHT is needed"),
        (size_argument, "416x", "'416x' is no size"),
        (size_argument, "-416", "'-416' is no size"),
        (positive_int, "0", "'0' is not a whole number of at least 1"),
        (positive_int, "-1", "'-1' is not"),
        (positive_int, "2.5", "'2.5' is not"),
        (share, "1.01", "'1.01' is not a number from 0 to 1"),
        (share, "nan", "'nan' is not"),
        (share, "half", "'half' is not"),
    ],
)
def test_a_bad_argument_is_refused_with_what_would_do(kind, text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        kind(text)


def test_good_numbers_are_taken():
    assert positive_int("12") == 12
    assert [share("0"), share("1"), share("1e-3")] == [0, 1, 0.001]


def test_the_common_flags(capsys):
    parser = argparse.ArgumentParser()
    add_common_flags(parser)
    assert parser.parse_args([]).device == "auto"
    with pytest.raises(SystemExit):
        parser.parse_args(["--version"])
    assert capsys.readouterr().out == f"trizoo {__version__}\n"


@pytest.fixture
def weights(monkeypatch):
    """Parses a command line; tags are resolved to their upper case, and noted with --offline."""
    parser = argparse.ArgumentParser()
    add_weights_flags(parser, "what to look at")
    asked = []

    def resolve_weights(text, *, offline, model):
        asked.append((text, offline))
        return Path(text.upper())

    monkeypatch.setattr("trizoo.weights.store.resolve_weights", resolve_weights)
    return lambda *arguments: (find_weights(parser.parse_args(arguments)), asked)


def test_weights_are_a_file_as_it_is_else_what_a_tag_stands_for(weights, tmp_path):
    path = tmp_path / "ein Ordner 甲.h5"
    path.touch()
    assert weights() == (None, [])
    assert weights("--weights", str(path)) == (str(path), [])
    assert weights("--weights", "a.b", "--offline") == ("A.B", [("a.b", True)])


def test_commands_start_without_the_network_library(tmp_path):
    script = """
import sys
from trizoo.commands.cli import find_weights
from trizoo.commands.use import evaluate_parser
from trizoo.training import command
find_weights(evaluate_parser().parse_args(["--weights", sys.executable]))
assert "requests" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
