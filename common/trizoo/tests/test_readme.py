"""The commands that the READMEs and docs promise exist, with the flags they use."""

import re
import shlex
from pathlib import Path

import pytest

from trizoo.commands.main import COMMANDS, parser
from trizoo.tests.pages import code_blocks

ROOT = Path(__file__).parents[3]
# `python pytorch/train.py …`, `train.py …`, `python -m trizoo.data …`, `trizoo data …`
COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )?(?:(?:python )?(?:(?:pytorch|tf2|keras)/)?(?P<script>\w+)\.py|python -m trizoo\.(?P<module>\w+)"
    r"|trizoo (?P<command>\w+))(?P<arguments> .*)"
)
READMES = [ROOT / "README.md", *sorted(ROOT.glob("*/README.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def commands():
    """(command, arguments) of every command line of ours in the READMEs, in code blocks and in tables."""
    for path in READMES:
        text = path.read_text(encoding="utf-8")
        lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
        for line in lines + re.findall(r"`([^`\n]+)`", text):
            found = COMMAND.match(line.split("#")[0].split("…")[0].rstrip())
            if found:
                name = found["script"] or found["module"] or found["command"]
                yield pytest.param(name, shlex.split(found["arguments"]), id=f"{path.parent.name}: {line[:60]}")


@pytest.mark.parametrize(("name", "arguments"), list(commands()))
def test_a_command_of_the_readme_is_understood(name, arguments):
    assert name in COMMANDS
    if name == "predict" and "--weights" not in arguments:  # a fragment that shows one flag
        arguments = ["photos", "--weights", "best.h5", *arguments]
    if "--help" not in arguments:
        parser(name, prog="x").parse_args(arguments)


def test_the_readmes_hold_commands_of_every_name():
    assert {parameter.values[0] for parameter in commands()} == set(COMMANDS)


def test_no_number_was_left_to_fill_in():
    for path in READMES:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("    ")]
        assert not re.findall(r"\b[A-Z0-9]+_[A-Z0-9_]+\b", re.sub(r"`[^`]*`", "", "\n".join(lines))), path


def prose(path):
    """A page without its code blocks."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("    "))


def test_links_to_files_lead_somewhere():
    for path in READMES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose(path)):
            assert (path.parent / target).exists(), f"{path}: {target}"


def heading_ids(path):
    """What links to a page's headings are called, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_to_headings_lead_to_one():
    for path in READMES:
        for target, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", prose(path)):
            assert heading in heading_ids(path.parent / target if target else path), f"{path}: {target}#{heading}"


def test_the_front_page_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 100] == []
    commands = [line.strip() for line in lines if line.startswith("    ")]
    assert commands[:2] == ['pip install torch==2.13.0 && pip install -e ".[torch]"', "python pytorch/train.py"]


def python_lines(path, heading):
    """The lines of the first code block below a heading, without comments."""
    return {line.split("#")[0].rstrip() for line in code_blocks(path, heading)[0].splitlines()}


def test_the_front_pages_python_which_each_framework_runs_is_that_of_its_page():
    assert python_lines("README.md", "## From Python") <= python_lines("docs/python.md", "## In short")
