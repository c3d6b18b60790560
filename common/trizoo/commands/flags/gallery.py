"""What gallery and recognize take."""

import argparse
from pathlib import Path

from trizoo.commands.flags.shared import (
    Parser,
    add_batch_size,
    add_common_flags,
    add_result_flags,
    given_text,
    positive_int,
)
from trizoo.framework import FRAMEWORKS
from trizoo.tasks.detection_flags import share

METRICS = ("cosine", "l2")  # those of trizoo.gallery.gallery, which help does without
_EMBEDDING = (
    "what makes vectors of pictures: a checkpoint (.h5) or exported file of a model for embedding, or a tag that "
    "trizoo weights list shows"
)


def similarity(text):
    """A number in [-1, 1]."""
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a similarity, a number from -1 to 1")
    return value


def checked_share(text):
    """A number in [0, 1]."""
    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parser(prog="trizoo gallery"):
    """The command line of gallery. `action` is build, add, remove or list."""
    flags = Parser(
        prog=prog, description="Keep pictures with names as vectors, by which trizoo recognize names things."
    )
    actions = flags.add_subparsers(required=True, metavar="COMMAND", dest="action")
    build = actions.add_parser(
        "build",
        help="make a gallery of pictures with names",
        description="Make a gallery file of pictures with names, and choose the similarity below which a thing is "
        "unknown by how the pictures do among themselves.",
    )
    _add_pictures(build)
    build.add_argument("--metric", choices=METRICS, default="cosine", help="how vectors are compared (%(default)s)")
    build.add_argument(
        "--turned",
        action="store_true",
        help="things may lie at any angle: pictures, and later what is to be recognised, are looked at in four quarter "
        "turns, which takes four times as long",
    )
    _add_threshold(build)
    add = actions.add_parser(
        "add",
        help="put further pictures into a gallery",
        description="Put further pictures into a gallery file, of names that it has or of new ones. One that is there "
        "already, by its content, is left out.",
    )
    _add_pictures(add)
    _add_threshold(add)
    remove = actions.add_parser(
        "remove", help="take names out of a gallery", description="Take names out of a gallery."
    )
    _add_file(remove)
    remove.add_argument("names", nargs="+", metavar="NAME", help="all pictures of these go")
    listing = actions.add_parser(
        "list",
        help="show what a gallery holds",
        description="Show the names in a gallery and how many pictures each has.",
    )
    _add_file(listing)
    listing.add_argument("--json", action="store_true", help="print JSON instead of text, with every picture")
    return flags


def recognize_parser(prog="trizoo recognize"):
    """The command line of recognize. --embedding is `weights`."""
    flags = Parser(prog=prog, description="Name what is in pictures: found by a detector, named after a gallery.")
    flags.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="image, folder of images, quoted pattern, address, or - as of predict",
    )
    flags.add_argument("--gallery", type=given_text, required=True, metavar="FILE", help="of trizoo gallery build")
    flags.add_argument(
        "--embedding", required=True, dest="weights", metavar="FILE|TAG", help=f"{_EMBEDDING}; the gallery's"
    )
    flags.add_argument(
        "--detector",
        metavar="FILE|TAG",
        help="what finds the things: a model for detection; without it each picture is one thing",
    )
    flags.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")
    add_least(flags)
    flags.add_argument(
        "--neighbours", type=positive_int, default=1, metavar="N", help="how many nearest pictures vote (default: 1)"
    )
    flags.add_argument(
        "--exact", action="store_true", help="look at every vector, also of a gallery of more than 100,000 pictures"
    )
    found = flags.add_argument_group("with a detector alone")
    found.add_argument(
        "--confidence", type=checked_share, metavar="X", help="lowest score of a thing (default: the recipe's)"
    )
    found.add_argument(
        "--max-detections", type=positive_int, metavar="N", help="most things of a picture (default: 100)"
    )
    add_crops(found)
    add_result_flags(flags, "recognize", "recognized", "recognised to DIR/recognized.jsonl")
    add_batch_size(flags)
    add_common_flags(flags)
    return flags


def add_least(flags):
    """--threshold of what names things."""
    flags.add_argument(
        "--threshold",
        type=similarity,
        metavar="X",
        help="least similarity of a known thing, from -1 to 1 (default: the gallery's, else 0.5)",
    )


def add_crops(found):
    """What is cut out of a picture, and how: --agnostic, --margin and --whole."""
    found.add_argument(
        "--agnostic", action="store_true", help="one box a thing, whatever classes the detector gives it"
    )
    found.add_argument(
        "--margin",
        type=checked_share,
        metavar="X",
        help="what a crop has more than its box to each side, as a share of its width and height (default: 0.1)",
    )
    found.add_argument("--whole", action="store_true", help="the whole picture is one more thing")


def _add_file(flags):
    flags.add_argument("gallery", metavar="GALLERY", type=Path, help="the gallery's file, such as things.h5")


def _add_pictures(flags):
    _add_file(flags)
    flags.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        help="a folder with a folder of pictures for each name, or a list with a picture, a tab and its name a line",
    )
    flags.add_argument("--embedding", required=True, dest="weights", metavar="FILE|TAG", help=_EMBEDDING)
    flags.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")
    flags.add_argument(
        "--name", metavar="NAME", help="all pictures of SOURCE, a folder or one picture, are of this name"
    )
    add_batch_size(flags)
    flags.add_argument("--framework", choices=tuple(FRAMEWORKS), help="default: the first of these installed")
    add_common_flags(flags)


def _add_threshold(flags):
    flags.add_argument(
        "--threshold",
        type=similarity,
        metavar="X",
        help="least similarity of a known thing, from -1 to 1 (default: by the pictures themselves)",
    )
