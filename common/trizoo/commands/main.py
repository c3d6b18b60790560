"""`trizoo COMMAND …`: every command of the zoo by its name; the scripts and `python -m trizoo.…` come by here too."""

import importlib
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass

from trizoo import __version__
from trizoo.commands.cli import REFUSED, choose, choose_for, run_command, say
from trizoo.commands.flags import (
    anchors,
    compare,
    completion,
    data,
    diagnose,
    doctor,
    evaluate,
    export,
    gallery,
    parity,
    predict,
    recipes,
    serve,
    sidebyside,
    summary,
    train,
    weights,
)
from trizoo.commands.flags.examples import EXAMPLES
from trizoo.framework import FRAMEWORKS
from trizoo.ground.errors import UserError
from trizoo.training.world import by_torchrun, tells_error


@dataclass(frozen=True)
class Command:
    """A command of `trizoo`.

    Args:
        about: a line for `trizoo --help`
        parser: name in its help -> parser
        run: does it, (args) -> exit code; where it has a framework, (args, Choice)
        has_framework: whether it runs on one
        opens_exported: whether --weights may be an exported file, which a runtime opens instead
    """

    about: str
    parser: Callable[[str], ArgumentParser]
    run: Callable[..., int]
    has_framework: bool = False
    opens_exported: bool = False


def _run_of(module):
    """`run` of this module of commands, which is loaded when it is called, and not before arguments are understood."""
    return lambda *given: importlib.import_module(f"trizoo.commands.{module}").run(*given)


COMMANDS = {
    "train": Command("train a model, or resume a run", train.parser, _run_of("train"), has_framework=True),
    "evaluate": Command("measure a checkpoint on a data set", evaluate.parser, _run_of("evaluate"), True, True),
    "predict": Command("find objects in images, or segment them", predict.parser, _run_of("predict"), True, True),
    "gallery": Command("keep pictures with names, to recognise things by", gallery.parser, _run_of("gallery")),
    "recognize": Command("name what is in images", gallery.recognize_parser, _run_of("recognize"), True, True),
    "serve": Command("answer images over HTTP, with a page to try it", serve.parser, _run_of("serve"), True, True),
    "data": Command("check, convert, draw or download a data set", data.parser, _run_of("data")),
    "synth": Command("make a synthetic data set of shapes, as data synth", data.synth_parser, _run_of("data")),
    "weights": Command("list, download, convert or export weights", weights.parser, _run_of("weights")),
    "export": Command("write a checkpoint for ONNX, OpenVINO, TFLite and others", export.parser, _run_of("export")),
    "anchors": Command("find YOLO anchors for a data set", anchors.parser, _run_of("anchors")),
    "summary": Command("a model's layers, parameters and operations", summary.parser, _run_of("summary"), True),
    "compare": Command("draw several runs in one picture", compare.parser, _run_of("compare")),
    "diagnose": Command("what is likely wrong with a run", diagnose.parser, _run_of("diagnose")),
    "doctor": Command("what is installed, what the machine has, what is missing", doctor.parser, _run_of("doctor")),
    "recipes": Command("list the recipes, or write one, or their schema", recipes.parser, _run_of("recipes")),
    "parity": Command("compare the frameworks with one another", parity.parser, _run_of("parity")),
    "sidebyside": Command("show a model's source in the three frameworks", sidebyside.parser, _run_of("sidebyside")),
    "completion": Command("complete commands and flags in a shell", completion.parser, _run_of("completion")),
}


def command_line(prog="trizoo"):
    """`trizoo`, the installed command, and `python -m trizoo`."""
    run_command(lambda: main(sys.argv[1:], prog))


def script(name, framework):
    """The entry scripts, such as pytorch/train.py.

    Args:
        framework: one of FRAMEWORKS
    """
    run_command(lambda: run(name, sys.argv[1:], prog=f"{name}.py", framework=framework))


def module(name):
    """`python -m trizoo.data` and so on."""
    run_command(lambda: run(name, sys.argv[1:], prog=f"python -m trizoo.{name}"))


def main(arguments, prog="trizoo"):
    """`trizoo COMMAND …`. Returns the exit code; raises UserError for a command that there isn't."""
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        say(overview(prog))
        return 0
    if name == "--version":
        say(f"trizoo {__version__}")
        return 0
    if name not in COMMANDS:
        from trizoo.ground.text import hint  # here, since it takes NumPy

        raise UserError(f"there is no command {name!r}{hint(name, COMMANDS)}; {prog} --help shows them all")
    return run(name, rest, prog=f"{prog} {name}")


def overview(prog):
    """Every command with a line about it."""
    width = max(map(len, COMMANDS))
    commands = [f"  {name:<{width}}  {command.about}" for name, command in COMMANDS.items()]
    more = f"{prog} COMMAND --help says more; {prog} --version"
    return "\n".join([f"usage: {prog} COMMAND …", "", *commands, "", more])


def run(name, arguments, *, prog, framework=None):
    """Does a command.

    Args:
        framework: the one that a script is for, None where --framework or what is installed says which
    """
    command = COMMANDS[name]
    try:
        args = parser(name, prog=prog, framework=framework).parse_args(arguments)
        if name != "train" and by_torchrun():
            raise UserError(f"{prog} runs in one process, and torchrun started several; without torchrun it would do")
        given = (args, *_choice(command, args, framework))
    except UserError:  # all processes of torchrun's have met it
        if tells_error():
            raise
        return REFUSED
    return command.run(*given)


def _choice(command, args, framework):
    """The Choice that a command is given, if it is given one."""
    if not command.has_framework:
        return ()
    return (choose_for(args, framework) if command.opens_exported else choose(framework or args.framework),)


def parser(name, *, prog, framework=None):
    """The parser of a command, with --framework where it has one and no script says which."""
    flags = COMMANDS[name].parser(prog)
    if COMMANDS[name].has_framework and framework is None:
        flags.add_argument("--framework", choices=tuple(FRAMEWORKS), help="default: the first of these installed")
    for below, one in ((name, flags), *((f"{name} {action}", one) for action, one in flags.actions.items())):
        one.examples = EXAMPLES.get(below, ())
    return flags
