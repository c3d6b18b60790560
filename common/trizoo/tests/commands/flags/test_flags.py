"""The parsers as a whole: what loading them costs, and what their help promises."""

import json
import shlex
import subprocess
import sys

import pytest

from trizoo.commands.flags import data, parity, train, weights
from trizoo.commands.main import parser
from trizoo.data.shapes import SHAPES
from trizoo.families import ARCHITECTURES
from trizoo.parity.golden import GOLDENS
from trizoo.weights.export import NAMES

HEAVY = {
    "torch",
    "tensorflow",
    "keras",
    "jax",
    "numpy",
    "pydantic",
    "cv2",
    "h5py",
    "PIL",
    "matplotlib",
    "requests",
    "yaml",
}
SCRIPT = f"""
import json, sys
from trizoo.commands.main import COMMANDS
for name, command in COMMANDS.items():
    command.parser(name).format_help()
print(json.dumps(sorted({HEAVY} & sys.modules.keys())))
"""


def helps(*commands):
    """The help of commands and of theirs as one text, without line ends that hide a name."""
    texts = []
    for command in commands:
        parser = command.parser("x")
        inner = [action.choices.values() for action in parser._actions if isinstance(action.choices, dict)]
        texts += [parser.format_help(), *(sub.format_help() for choices in inner for sub in choices)]
    return "".join("".join(texts).split())


def test_parsers_and_their_help_load_nothing_that_takes_long():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []


def test_help_names_every_value_that_is_checked_later():
    assert all(name in helps(train) for name in ARCHITECTURES)
    assert all(name in helps(parity) for name in GOLDENS)
    assert all(name in helps(data) for name in SHAPES)
    assert all(name in helps(weights) for name in (*NAMES, *ARCHITECTURES))


@pytest.mark.parametrize(
    "words",
    [
        "train --data ''",
        "train --out ''",
        "evaluate --weights e.h5 --data ''",
        "evaluate --weights e.h5 --report ''",
        "predict a.jpg --weights e.h5 --out ''",
        "recognize a.jpg --gallery '' --embedding e.h5",
        "gallery build g.h5 '' --embedding e.h5",
        "synth ''",
        "data check ''",
        "export e.h5 --out ''",
    ],
)
def test_a_file_or_folder_that_is_blank_is_refused(words, capsys):
    name, *rest = shlex.split(words)
    with pytest.raises(SystemExit) as ended:
        parser(name, prog="trizoo").parse_args(rest)
    assert ended.value.code == 2
    assert "'' is blank; a file or folder is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "anchors ROOT --split ''",
        "evaluate --weights e.h5 --split ''",
        "evaluate --weights e.h5 --layout ' '",
        "data show ROOT --split ''",
        "data show ROOT --model ''",
        "weights reproduce TAG --data ROOT --split ''",
        "weights list --model ''",
        "train --model ''",
        "recipes ''",
        "serve --weights e.h5 --host ''",
    ],
)
def test_a_name_that_is_blank_is_refused(words, capsys):
    name, *rest = shlex.split(words)
    with pytest.raises(SystemExit) as ended:
        parser(name, prog="trizoo").parse_args(rest)
    assert ended.value.code == 2
    assert "is blank; a name is needed" in capsys.readouterr().err
