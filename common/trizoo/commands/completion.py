"""What `trizoo completion` does: a script of completions for a shell, by the library shtab."""

import argparse
import re

from trizoo.commands import main
from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError

FILES, FOLDERS = {"FILE", "SOURCE", "PATH", "RECIPE"}, {"ROOT", "DIR", "OUT", "RUN", "DATA"}  # words of metavars


def run(args):
    """The command. Returns the exit code; raises UserError where shtab isn't installed."""
    print(script(args.shell))
    return 0


def script(shell):
    """What a shell reads, as text.

    Args:
        shell: one of `trizoo.commands.flags.completion.SHELLS`

    Raises:
        UserError: where shtab isn't installed
    """
    try:
        import shtab
    except ImportError:
        raise UserError("completion needs shtab; pip install 'trizoo[completion]' brings it") from None
    return shtab.complete(whole_parser(shtab.FILE, shtab.DIRECTORY), shell)


def whole_parser(file, folder):
    """One parser of all commands.

    Args:
        file, folder: what shtab completes such values by
    """
    whole = argparse.ArgumentParser(prog="trizoo")
    whole.add_argument("--version", action="store_true")
    commands = whole.add_subparsers(parser_class=lambda prog, **_: _parser(prog, file, folder))
    for name, command in main.COMMANDS.items():
        commands.add_parser(name, help=command.about)
    return whole


def _parser(prog, file, folder):
    """A command's parser, whose models and places can be completed."""
    made = main.parser(prog.rpartition(" ")[2], prog=prog)
    for parser in _with_actions(made):
        for action in parser._actions:
            if action.dest in ("model", "models") and action.choices is None:
                action.choices = tuple(ARCHITECTURES)
            words = {*re.split(r"\W", action.metavar or "")}
            if words & (FILES | FOLDERS):
                action.complete = file if words & FILES else folder
    return made


def _with_actions(parser):
    """A parser, and those of its own commands, as data's."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()
