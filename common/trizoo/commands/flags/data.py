"""What data and synth take."""

import argparse
from pathlib import Path

from trizoo.commands.flags.shared import (
    Parser,
    add_flag,
    add_place_flags,
    bytes_argument,
    given_name,
    index_argument,
    positive_int,
    size_argument,
)
from trizoo.tasks import FLAGS
from trizoo.tasks.detection_flags import CLASSES_MAP
from trizoo.tasks.segmentation_flags import MASKS

WRITTEN = (
    "voc",
    "coco",
    "yolo",
    "labelme",
    "shards",
    "points",
)  # those of trizoo.data.write.formats, which help does without
MOST_MARGIN = 10
CROPPED = ("jpg", "png")  # those of trizoo.data.crop
SYNTH = (
    "Make a synthetic data set in VOC layout from a seed: shapes on textured grounds, with boxes, masks and the splits "
    "train, val and test."
)


def parser(prog="trizoo data"):
    """The command line of data. `action` is check, show, convert, crop, split, synth or download."""
    flags = Parser(
        prog=prog,
        description="Check a data set, show it, convert it, crop it, split it, make a synthetic one, or download one.",
    )
    actions = flags.add_subparsers(required=True, metavar="COMMAND", dest="action")
    _add_check_flags(
        actions.add_parser(
            "check",
            help="read a data set in full and say what is wrong with it",
            description="Read every list, annotation, image and mask of a data set and say what training would stumble "
            "over. The layouts of boxes and masks that are read stand in docs/data.md.",
            epilog="exit code: 0 no errors (warnings allowed), 1 errors, 2 no data set there",
        )
    )
    _add_show_flags(
        actions.add_parser(
            "show",
            help="draw images with their labels and what training makes of them, as a page",
            description="Draw a page, index.html, of a data set: images with their boxes or masks, with --augmented "
            "the first batches exactly as training gets them, histograms of classes and sizes, and a map of where "
            "things lie. The last line printed is the page's path.",
        )
    )
    _add_convert_flags(
        actions.add_parser(
            "convert",
            help="write boxes, points or masks of any layout as voc, coco, yolo, labelme, tar shards or points",
            description="Write a data set into a new folder in another layout: boxes or masks, images as they are, "
            "splits and classes. What is written reads back the same; what a layout can't hold is told. Nothing is "
            "written over.",
        )
    )
    _add_crop_flags(
        actions.add_parser(
            "crop",
            help="cut the objects of a data set with boxes out into folders of classes",
            description="Cut every object out of a data set with boxes of any layout into a new folder, "
            "SPLIT/CLASS/IMAGE-N.jpg, for a classifier to learn from. All objects of an image are in its split, so "
            "images that are held out stay so.",
        )
    )
    _add_split_flags(
        actions.add_parser(
            "split",
            help="share the images out among train, val and test, every class in the same ratios",
            description="Write lists of the splits train, val and test where training looks for them: every class "
            "shared out in the same ratios, images of the very same bytes in one split. Lists that are there are left "
            "alone, unless this command wrote them and nobody changed them since.",
        )
    )
    _add_synth_flags(
        actions.add_parser("synth", help="make a synthetic data set of shapes with boxes and masks", description=SYNTH)
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
    flags = Parser(prog=prog, description=SYNTH)
    flags.set_defaults(action="synth")
    _add_synth_flags(flags)
    return flags


def _add_check_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set: JPEGImages, Annotations, ImageSets …")
    _add_task_flag(flags)
    flags.add_argument("--json", action="store_true", help="print JSON instead of text")
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names; any other one is an error")
    _add_mask_flags(flags)


def _add_show_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    flags.add_argument(
        "--split", type=given_name, metavar="NAME", help="which images (default: those that a run trains on)"
    )
    flags.add_argument("--count", type=positive_int, default=12, metavar="N", help="how many images (%(default)s)")
    flags.add_argument(
        "--index", type=index_argument, nargs="+", metavar="N", help="these images, large; they count from 0"
    )
    flags.add_argument(
        "--augmented", action="store_true", help="training batches too; of --index each epoch's version of the image"
    )
    flags.add_argument(
        "--model",
        type=given_name,
        metavar="NAME",
        help="whose recipe (default: yolov3-tiny, or for masks DeepLabv3+'s)",
    )
    flags.add_argument("--recipe", metavar="NAME|FILE", help="a recipe that comes with the zoo, or a YAML file")
    flags.add_argument("--set", action="append", default=[], metavar="key=value", help="any value of the recipe")
    flags.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder of the page (default: a new one, show/NAME-OF-ROOT)"
    )
    _add_task_flag(flags)
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names in the order of their ids")
    add_flag(flags, CLASSES_MAP)
    _add_mask_flags(flags)


def _add_convert_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    flags.add_argument("out", metavar="OUT", type=Path, help="the folder to make")
    flags.add_argument("--to", choices=WRITTEN, default="voc", help="the layout to write (default: %(default)s)")
    _add_task_flag(flags)
    flags.add_argument("--link", action="store_true", help="link images (symbolic, else hard) instead of copying them")
    flags.add_argument(
        "--shard-size", type=bytes_argument, metavar="SIZE", help="of --to shards: at most so much each (1GB)"
    )
    add_flag(flags, CLASSES_MAP)
    flags.add_argument(
        "--limit", type=positive_int, metavar="N", help="at most N images of the training split, classes balanced"
    )
    flags.add_argument("--seed", type=index_argument, default=0, metavar="N", help="of --limit's choice (%(default)s)")
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names in the order of their ids")
    _add_mask_flags(flags)


def _add_crop_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    flags.add_argument("out", metavar="OUT", type=Path, help="the folder to make")
    flags.add_argument(
        "--margin",
        type=_margin,
        default=0.1,
        metavar="X",
        help="share of the box's width added left and right, of its height above and below (%(default)s)",
    )
    flags.add_argument(
        "--min-side",
        type=positive_int,
        default=8,
        metavar="N",
        help="leave objects out whose box is narrower or lower, in pixels (%(default)s)",
    )
    flags.add_argument(
        "--size", type=positive_int, metavar="N", help="make the longer side at most N pixels (default: as it is)"
    )
    flags.add_argument(
        "--format", choices=CROPPED, default="jpg", help="of the files; png loses nothing (default: %(default)s)"
    )
    flags.add_argument("--classes", nargs="+", metavar="NAME", help="the class names in the order of their ids")
    add_flag(flags, CLASSES_MAP)
    add_place_flags(flags)


def _add_split_flags(flags):
    flags.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    flags.add_argument(
        "--ratios",
        nargs="+",
        type=float,
        default=(0.8, 0.1, 0.1),
        metavar="X",
        help="of train, val and test, or of train and val (0.8 0.1 0.1)",
    )
    flags.add_argument("--seed", type=index_argument, default=0, metavar="N", help="of what is left open (%(default)s)")
    flags.add_argument("--out", type=Path, metavar="DIR", help="a folder for the lists (default: where they are found)")
    _add_task_flag(flags)
    _add_mask_flags(flags)


def _add_synth_flags(flags):
    flags.add_argument(
        "out", metavar="OUT", type=Path, help="the folder to make; left as it is where it holds this set"
    )
    flags.add_argument("--images", type=int, metavar="N", help="how many images (300; of embedding 4800)")
    flags.add_argument(
        "--task",
        choices=("shapes", "keypoints", "classification", "multilabel", "embedding", "recognition"),
        default="shapes",
        help="shapes with boxes and masks, strips with marks of 30 pixels for key points, folders of classes, a shape "
        "an image, images with lists of the shapes in each, folders of 80 identities, each in one split, or scenes "
        "with boxes of 16 identities and a folder gallery with pictures of 12 (%(default)s)",
    )
    flags.add_argument(
        "--changed",
        action="store_true",
        help="of keypoints: another brightness and contrast, blurred, noisy, slightly turned; to measure on",
    )
    flags.add_argument(
        "--size",
        type=size_argument,
        metavar="N|WxH",
        help="in pixels (256; of keypoints 1920x320, of classification, multilabel and embedding 96, of recognition "
        "320)",
    )
    flags.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help="class names (circle square triangle; of keypoints cross ring, of classification and multilabel all "
        "eight); circle, square, triangle, star, cross, ring, bar and half get their shape, others one of the rest; of "
        "embedding and recognition those of identities, such as red-star-ring",
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


def _margin(text):
    """A share of a box's sides from 0 to MOST_MARGIN."""
    try:
        margin = float(text)
    except ValueError:
        margin = -1.0
    if not 0 <= margin <= MOST_MARGIN:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_MARGIN}, a share of the box's sides")
    return margin


def _add_task_flag(flags):
    flags.add_argument(
        "--task",
        choices=("auto", *FLAGS),
        default="auto",
        help="what it is for (auto: detection where images have boxes, else segmentation where they have masks, else "
        "classification where they have classes)",
    )


def _add_mask_flags(flags):
    for flag in MASKS:
        add_flag(flags, flag)
    add_place_flags(flags)
