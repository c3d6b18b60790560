"""A model's source in the three frameworks, side by side: trizoo sidebyside MODEL."""

import argparse
import shutil

from trizoo.commands.cli import positive_int, say
from trizoo.ground.files import write_atomically
from trizoo.parity.columns import as_html, as_text
from trizoo.parity.sidebyside import sidebyside

WIDTH = 160  # characters, where the output is no terminal


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        prog="trizoo sidebyside",
        description="Show the files of which a model is made in PyTorch, TensorFlow 2 and Keras, in three columns. A * "
        "stands before lines that don't say the same in each framework's words.",
    )
    flags.add_argument("model", metavar="MODEL", help="such as yolov3 or deeplabv3plus-resnet50")
    flags.add_argument("--html", metavar="FILE", help="write one page for a browser instead")
    flags.add_argument("--width", type=positive_int, metavar="N", help="characters a line (default: the terminal's)")
    flags.add_argument("--only-different", action="store_true", help="leave out what is alike, or is not in all three")
    return flags


def main(argv=None):
    """The command. Returns 0."""
    args = parser().parse_args(argv)
    files = sidebyside(args.model)
    if args.html:
        write_atomically(args.html, as_html(args.model, files, args.only_different))
        say(f"wrote {args.html}")
    else:
        width = args.width or shutil.get_terminal_size((WIDTH, 0)).columns
        say(as_text(files, width, args.only_different))
    return 0
