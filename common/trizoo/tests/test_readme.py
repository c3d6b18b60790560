"""The commands that the READMEs promise exist, with the flags they use."""

import re
import shlex
from pathlib import Path

import pytest

from trizoo.commands import anchors, compare, data, parity, weights
from trizoo.commands import train as command
from trizoo.commands.evaluate import evaluate_parser
from trizoo.commands.predict import predict_parser

ROOT = Path(__file__).parents[3]
PARSERS = {
    "train.py": command.parser,
    "evaluate.py": evaluate_parser,
    "predict.py": predict_parser,
    "trizoo.data": data.parser,
    "trizoo.weights": weights.parser,
    "trizoo.commands.anchors": anchors.parser,
    "trizoo.parity": parity.parser,
    "trizoo.commands.compare": compare.parser,
}
READMES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md")), ROOT / "docs" / "results.md"]


def commands():
    """(file, program, arguments) of every command line of ours in the READMEs, in code blocks and in tables."""
    for path in READMES:
        text = path.read_text(encoding="utf-8")
        lines = [line.strip() for line in text.splitlines() if line.startswith("    ")] + re.findall(
            r"`([^`\n]+)`", text
        )
        for line in lines:
            found = re.match(r"(?:python )?(?:-m )?(?:\w+/)?(\S+)( .*)?$", line.split("#")[0].split("…")[0].strip())
            if found and found[1] in PARSERS and found[2]:
                yield pytest.param(found[1], shlex.split(found[2]), id=f"{path.parent.name}: {line[:60]}")


@pytest.mark.parametrize(("program", "arguments"), list(commands()))
def test_a_command_of_the_readme_is_understood(program, arguments):
    if program == "predict.py" and "--weights" not in arguments:  # a fragment that shows one flag
        arguments = ["photos", "--weights", "best.h5", *arguments]
    if "--help" not in arguments:
        PARSERS[program]().parse_args(arguments)


def test_the_readmes_hold_commands_of_every_program():
    assert {parameter.values[0] for parameter in commands()} == set(PARSERS)


def test_no_figure_was_left_to_fill_in():
    for path in READMES:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("    ")]
        assert not re.findall(r"\b[A-Z0-9]+_[A-Z0-9_]+\b", re.sub(r"`[^`]*`", "", "\n".join(lines))), path


def test_links_to_files_lead_somewhere():
    for path in READMES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path}: {target}"
