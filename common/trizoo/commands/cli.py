"""What the command lines share: errors, arguments, lines for a person."""

import argparse
import os
import re
import sys
from pathlib import Path

from trizoo import __version__
from trizoo.ground.errors import UserError
from trizoo.tasks import TASKS

INTERRUPTED = 130  # the shell's exit code for a program ended by Ctrl-C


def run_command(command):
    """Runs a command line and exits: with its own code, or 2 and one sentence for what the user can put right."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name that the terminal's encoding lacks is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(command())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or flushing at exit would raise again
        sys.exit(1)
    except OSError as error:  # a full disk, a folder that can't be read: the system's words say what would do
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)


def say(text):
    """A line for a person, at once."""
    print(text, flush=True)


def size_argument(text):
    """(width, height) of "608x416"; of "416" a square."""
    match = re.fullmatch(r"(\d+)(?:[xX×](\d+))?", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; N or WIDTHxHEIGHT is needed, such as 416 or 608x416")
    return int(match[1]), int(match[2] or match[1])


def positive_int(text):
    """A whole number of at least 1."""
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def share(text):
    """A number in [0, 1]."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def add_common_flags(parser):
    """The flags of all three commands."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: the GPU, if any")
    parser.add_argument("--version", action="version", version=f"trizoo {__version__}")


def add_weights_flags(parser, use, *, required=False):
    """--weights, whose use is said in words, and --offline."""
    parser.add_argument(
        "--weights",
        required=required,
        metavar="FILE|TAG",
        help=f"{use}: a checkpoint (.h5), or a tag that python -m trizoo.weights list shows",
    )
    parser.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")


def add_mask_flags(parser):
    """--mask-map and --palette, which say what values and colours in mask files mean."""
    from trizoo.data.masks.encoding import (  # here, since other commands start quicker without
        parse_mask_map,
        parse_palette,
    )

    parser.add_argument(
        "--mask-map",
        type=parse_mask_map,
        metavar="VALUE=CLASS,…",
        help="what values in mask files mean: 255=1 makes 255 class 1, else it is ignored",
    )
    parser.add_argument(
        "--palette",
        type=parse_palette,
        metavar="RRGGBB,…",
        help="the classes' colours in order, for masks in colours; e0e0c0=255 ignores one; voc = VOC's",
    )


def find_weights(args, model=None):
    """The file that --weights means, None without it: a path as it is, a tag downloaded and converted if need be.

    model: the one that a backbone is wanted for, None where that isn't known.
    """
    if args.weights is None or Path(args.weights).exists():
        return args.weights
    from trizoo.weights.store import resolve_weights  # here, since files need no network library

    return str(resolve_weights(args.weights, offline=args.offline, model=model))


def choose_device(framework, wanted):
    """The device for --device, and the first line of every command: versions and where it runs."""
    device = framework.device(wanted)
    say(f"trizoo {__version__}, {framework.versions()}, device: {framework.describe_device(device)}")
    return device


def add_flags_of_use(flags):
    """The flags that evaluating and predicting share."""
    flags.add_argument(
        "--precision", choices=("fp32", "bf16", "fp16"), help="default: as it was trained on a GPU, fp32 on a CPU"
    )
    add_common_flags(flags)


def check_flags(args, model, task):
    """UserError for a flag that is for models of another task."""
    for other in TASKS.values():
        for flag in other.flags:
            if flag not in task.flags and getattr(args, flag, None) not in (None, False):
                raise UserError(
                    f"--{flag.replace('_', '-')} is for {other.name} and {model} does {task.name}; leave it out"
                )
