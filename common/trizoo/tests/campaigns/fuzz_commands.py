"""Command lines of random flags and values, as fuzz.py tries them.

What would train, download or draw thousands of images isn't done: a line that comes as far has been understood.
"""

import argparse
import json
import os
import random
import shutil
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from trizoo.commands.cli import Choice, run_command
from trizoo.commands.main import COMMANDS, main, parser
from trizoo.ground.errors import UserError

VALUES = (
    *("0", "1", "2", "-1", "1.5", "nan", "inf", "-inf", "1e400", "9" * 400, "0x10", "64", "64x48", "64x", "x", "0,5"),
    *(
        "",
        " ",
        "-",
        "--",
        "=",
        "a=b",
        "a.b=c",
        "schedule.epochs=1",
        "model.name=x",
        "[",
        "{}",
        "[1, 2]",
        "null",
        "none",
    ),
    *("set", "set/train.csv", "out", "out/a.png", "a.h5", "a.onnx", "a.xml", "a.tflite", "a.pt2", "a.keras", "cat"),
    *(
        "yolov3-tiny",
        "ssd300-mobilenetv2",
        "yolov3.coco",
        "cpu",
        "cuda",
        "voc",
        "coco",
        "é照片",
        "a" * 5000,
        "\x1b[31m",
    ),
    *(
        "pytorch",
        "keras",
        "tf2",
        "train",
        "val",
        "\udcff",
        "*",
        "set/*.png",
        "a\nb",
        "%s",
        "{0}",
        "http://",
        "file://x",
    ),
)
COMMAND_LINES = tuple(COMMANDS)
REACHED = "it was understood"
FILES = ("a.h5", "a.onnx", "a.xml", "a.tflite", "a.pt2", "a.keras")


class ReachedError(UserError):
    """The line was understood, and what it asks for would take long."""


def commands_of(name, root):
    """The file to change, a seed, and what runs the command line made from it."""
    from trizoo.tests.campaigns.fuzz_sets import boxes_of

    boxes_of("csv", root / "set")
    for file in FILES:
        (root / file).write_bytes(b"no such file")
    before = set(root.rglob("*")) | {root / "line"}
    (root / "line").write_text("[]")
    numbers, flags = iter(range(1 << 60)), parser(name, prog=name)

    def run():
        number = next(numbers)
        rng = random.Random(f"{name} {number} {(root / 'line').read_bytes()!r}")
        words = [name, *(_words(flags, rng) if number else ["--help"])]
        here = Path.cwd()
        os.chdir(root)
        try:
            _run(words)
        finally:
            os.chdir(here)
            for path in root.iterdir():
                if path not in before:
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    return [root / "line"], run


def _words(flags, rng):
    """Flags of a parser, of what there is below it, and values."""
    words = []
    for action in flags._actions:
        if isinstance(action, argparse._SubParsersAction) and rng.random() < 0.95:
            chosen = rng.choice(list(action.choices))
            return [*words, chosen, *_words(action.choices[chosen], rng)]
        if isinstance(action, argparse._HelpAction | argparse._VersionAction):
            continue
        if rng.random() < (0.9 if action.required or not action.option_strings else 0.2):
            values = [_value(action, rng) for _ in range(_count(action, rng))]
            option = rng.choice(action.option_strings) if action.option_strings else None
            words += (
                [f"{option}={values[0]}"]
                if option and len(values) == 1 and rng.random() < 0.5
                else [
                    *([option] if option else []),
                    *values,
                ]
            )
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(VALUES))
    return words


def _count(action, rng):
    if action.nargs == 0:
        return 0
    return 1 if action.nargs in (None, "?") else rng.randrange(4)


def _value(action, rng):
    if rng.random() < 0.1:
        return rng.choice(VALUES)
    if action.choices:
        return str(rng.choice(list(action.choices)))
    return rng.choice([value for value in VALUES if _takes(action.type, value)] or VALUES)


def _takes(kind, text):
    try:
        return kind is None or kind(text) is not None
    except (ValueError, TypeError, OSError, argparse.ArgumentTypeError, UserError):
        return False


def _reached(*_, **__):
    raise ReachedError(REACHED)


def _run(words):
    """Runs a line. UserError where it is refused, RuntimeError for anything but that and success."""
    out, err = StringIO(), StringIO()
    with ExitStack() as held:
        for place in (
            *("trizoo.download.fetch._download", "trizoo.data.synthetic.synthesize", "trizoo.commands.parity.run"),
            "trizoo.commands.doctor.product",
        ):
            held.enter_context(patch(place, _reached))
        held.enter_context(patch("trizoo.commands.doctor.FRAMEWORKS", {}))  # each of them takes seconds to load
        held.enter_context(patch("argparse._", str))  # which else looks for translations on the disk, a word at a time
        held.enter_context(patch.object(Choice, "start", _reached))
        held.enter_context(patch.object(sys, "argv", ["trizoo", *words]))
        held.enter_context(redirect_stdout(out))
        held.enter_context(redirect_stderr(err))
        try:
            run_command(lambda: main(words))
        except SystemExit as end:
            code = end.code
    if code not in (0, 1, None, 2):
        raise RuntimeError(f"exit code {code} of {json.dumps(words)}: {err.getvalue()[-300:]}")
    if code == 2 and REACHED not in err.getvalue():
        said = err.getvalue().strip().splitlines()
        if not said or len(said[-1]) > 3000 or "error: " not in said[-1]:
            raise RuntimeError(f"{json.dumps(words)} says {err.getvalue()[-300:]!r}")
        raise UserError(said[-1])
