"""What data and synth take."""

import argparse
from pathlib import Path

from trizoo.commands.flags.shared import add_flag, add_place_flags, size_argument
from trizoo.tasks.segmentation_flags import MASKS

SYNTH = (
    "Draw a data set in VOC layout from a seed: shapes on textured grounds, with boxes, masks and the splits train, "
    "val and test."
)


def parser(prog="trizoo data"):
    """The command line of data. `action` is check, convert, synth or download."""
    flags = argparse.ArgumentParser(
        prog=prog, description="Check a data set, convert its masks, draw one, or download one."
    )
    actions = flags.add_subparsers(required=True, metavar="COMMAND", dest="action")
    _add_check_flags(
        actions.add_parser(
            "check",
            help="read a data set in full and say what is wrong with it",
            description="Read every list, annotation, image and mask of a data set and say what training would stumble "
            "over: boxes in VOC layout or COCO's JSON; masks in VOC layout, folders of images and masks, labelme's or "
            "COCO's JSON.",
            epilog="exit code: 0 no errors (warnings allowed), 1 errors, 2 no data set there",
        )
    )
    _add_convert_flags(
        actions.add_parser(
            "convert",
            help="write masks of any layout as VOC's palette PNG",
            description="Write a data set with masks into a new folder in VOC layout: images as they are, masks as "
            "palette PNG of class ids, lists of splits, and the classes' names in labels.txt. Nothing is written over.",
        )
    )
    _add_synth_flags(
        actions.add_parser("synth", help="draw a data set of shapes with boxes and masks", description=SYNTH)
    )
    _add_download_flags(
        actions.add_parser(
            "download",
            help="fetch a public data set and unpack it",
            description="Fetch a public data set, check it and unpack it. What is there is used, so the same command "
            "resumes an interrupted download. The last line is what --data takes.",
        )
    )
    return flags


def synth_parser(prog="trizoo synth"):
    """The command line of synth, the same as data synth."""
    flags = argparse.ArgumentParser(prog=prog, description=SYNTH)
    flags.set_defaults(action="synth")
    _add_synth_flags(flags)
    return flags


def _add_check_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set: JPEGImages, Annotations, ImageSets …")
    flags.add_argument(
        "--task",
        choices=("auto", "detection", "segmentation"),
        default="auto",
        help="what it is for (auto: detection where there are boxes of VOC's or COCO's, else segmentation if there are "
        "masks)",
    )
    flags.add_argument("--json", action="store_true", help="print JSON instead of text")
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names; any other one is an error")
    _add_mask_flags(flags)


def _add_convert_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    flags.add_argument("out", metavar="OUT", type=Path, help="the folder to make")
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names in the order of their ids")
    _add_mask_flags(flags)


def _add_synth_flags(flags):
    flags.add_argument(
        "out", metavar="OUT", type=Path, help="the folder to make; left as it is where it holds this set"
    )
    flags.add_argument("--images", type=int, default=300, metavar="N", help="how many images (%(default)s)")
    flags.add_argument("--size", type=size_argument, default=(256, 256), metavar="N|WxH", help="in pixels (256)")
    flags.add_argument(
        "--classes",
        nargs="+",
        default=["circle", "square", "triangle"],
        metavar="NAME",
        help="class names (circle square triangle); circle, square, triangle, star, cross, ring, bar and half "
        "get their shape, others one of the rest",
    )
    flags.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed draws the same set (%(default)s)"
    )


def _add_download_flags(flags):
    flags.add_argument("name", metavar="NAME", help="voc2007, voc2012, sbd or coco2017")
    flags.add_argument("root", metavar="ROOT", type=Path, help="the folder to put it in")
    flags.add_argument(
        "--parts", nargs="+", metavar="PART", help="only these, such as val annotations (default: all with labels)"
    )
    flags.add_argument("--keep", action="store_true", help="leave the archives in ROOT/archives")
    flags.add_argument("--offline", action="store_true", help="only unpack archives that are in ROOT/archives")


def _add_mask_flags(flags):
    for flag in MASKS:
        add_flag(flags, flag)
    add_place_flags(flags)
