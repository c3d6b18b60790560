"""What the command lines share: errors, lines for a person, the framework that a command runs on."""

import _thread
import os
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trizoo import __version__
from trizoo.deploy.endings import ending_of
from trizoo.framework import PIP, Framework, find, is_installed, require_installed
from trizoo.ground.conventions import EXPORTED
from trizoo.ground.errors import UserError, harmless, sentence
from trizoo.ground.stderr import without_remarks
from trizoo.ground.tested import untested
from trizoo.tasks import FLAGS
from trizoo.training.precision import NO_FASTER

REFUSED = 2  # the exit code for what the user can put right
INTERRUPTED = 130  # the shell's exit code for a program ended by Ctrl-C
LOST_FOR = 0.05  # seconds
OURS = ("trizoo", "torch_zoo", "tf2_zoo", "keras_zoo")
OTHER_NAMES = {"PIL": "pillow", "cv2": "opencv-python-headless", "yaml": "pyyaml"}  # module -> what pip calls it


def run_command(command):
    """Runs a command line and exits: with its own code, or 2 and one sentence for what the user can put right."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name that the terminal's encoding lacks is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        with no_lost_interrupts():
            sys.exit(command())
    except UserError as error:
        _end(error)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if not _is_missing(library):
            raise
        _end(f"the library {library} isn't installed; pip install {_distribution(library)} would do")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or flushing at exit would raise again
        sys.exit(1)
    except MemoryError:
        _end("memory is too small; fewer images at once, fewer --workers or a smaller --input-size would need less")
    except OSError as error:  # a full disk, a folder that can't be read: the system's words say what would do
        where = f"{error.filename}: " if error.filename else ""
        _end(f"{where}{error.strerror or error}")


@contextmanager
def no_lost_interrupts():
    """While it lasts, a Ctrl-C in a destructor or a weak reference's callback, where Python drops it, comes again."""
    usual = sys.unraisablehook

    def on_unraisable(lost):
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            usual(lost)
            return
        again = threading.Timer(LOST_FOR, _thread.interrupt_main)  # raised here and now, it would be lost once more
        again.daemon = True
        again.start()

    sys.unraisablehook = on_unraisable
    try:
        yield
    finally:
        sys.unraisablehook = usual


def _end(reason):
    print(f"error: {sentence(str(reason))}", file=sys.stderr)
    sys.exit(REFUSED)


def _is_missing(library):
    """Whether that is a library to install: none that is there and lacks a part, none of Python's or of the zoo's."""
    return library not in ("", *OURS, *sys.stdlib_module_names) and not is_installed(library)


def _distribution(library):
    """What pip calls it."""
    return PIP.get(library) or OTHER_NAMES.get(library, library)


def say(text):
    """Lines for a person, at once.

    Names of files and classes may come from strangers: see `trizoo.ground.errors.harmless`.
    """
    print(harmless(str(text)), flush=True)


@dataclass(frozen=True)
class Choice:
    """The framework that a command runs on, which isn't loaded yet: all that can fail without it comes first.

    Args:
        open: loads and gives it
        note: why this one, for the first line
    """

    open: Callable[[], Framework]
    note: str = ""

    def start(self, wanted, say=say):
        """The framework and its device for --device; says the first line: versions and where it runs."""
        with without_remarks():
            framework = self.open()
            device = framework.device(wanted)
        where = framework.describe_device(device)
        versions = framework.versions()
        say(f"trizoo {__version__}, {versions}{self.note}, device: {where}")
        if remark := untested(versions):
            say(f"warning: {remark}")
        return framework, device


def choose(name=None):
    """The Choice of a framework by its name; without one the first of those that are installed.

    Raises UserError where that isn't installed, or none is.
    """
    if name is not None:
        return Choice(find(name).open)
    there = require_installed()
    others = f"first of {', '.join(there)}; --framework takes another" if there[1:] else "the only one installed"
    return Choice(find(there[0]).open, f" ({others})")


def tell_precision(args, recipe):
    """Says what --precision auto took, which the recipe of a use has."""
    if args.precision != "auto":
        return
    if recipe.precision == "bf16":
        say("precision: bf16, since the device multiplies it itself")
    elif ending_of(args.weights) in EXPORTED:
        say(f"precision: {recipe.precision}, that of the file")
    else:
        say(f"precision: {recipe.precision}, since the device {NO_FASTER}")


def choose_for(args, script=None):
    """The Choice for a command's arguments: a runtime where --weights is an exported file, else a framework.

    Args:
        script: the framework of an entry script, None where --framework says which

    Raises:
        UserError: as `choose`, and for --framework with an exported file
    """
    weights = getattr(args, "weights", None)
    if weights is None or ending_of(weights) not in EXPORTED:
        return choose(script or args.framework)
    if script is None and args.framework:
        raise UserError(f"--framework is for checkpoints, and {weights} is opened by a runtime; leave it out")
    from trizoo.deploy.runtimes import runtime_of

    return Choice(lambda: runtime_of(weights))


def find_weights(args, model=None):
    """The file that --weights means, None without it: a path as it is, a tag downloaded and converted if need be.

    Args:
        model: the one that a backbone is wanted for, None where that isn't known
    """
    return find_checkpoint(args.weights, args.offline, model)


def find_checkpoint(given, offline, model=None):
    """The file that a path or a tag means, None for None; see `find_weights`."""
    if given is None or (given and Path(given).exists()):
        return given
    from trizoo.weights.store import resolve_weights  # here, since files need no network library

    return str(resolve_weights(given, offline=offline, model=model))


def check_flags(args, command, model, task):
    """UserError for a flag of the command ("train", "evaluate" or "predict") that is for models of other tasks."""
    ours = FLAGS[task].of(command)
    for other, flags in FLAGS.items():
        for flag in flags.of(command):
            if flag not in ours and getattr(args, flag.name) not in (None, False):
                raise UserError(f"{flag.option} is for {other} and {model} does {task}; leave it out")
