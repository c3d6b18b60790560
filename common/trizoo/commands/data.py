"""`python -m trizoo.data`: check a data set, convert its masks, draw one, or download one."""

import argparse
from pathlib import Path

from trizoo.commands.cli import add_mask_flags, run_command, size_argument
from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.layouts import LAYOUTS
from trizoo.data.shapes import SHAPES
from trizoo.data.synthetic import MARKER, synthesize
from trizoo.ground.errors import UserError


def main(arguments=None):
    """The command. Returns the exit code; raises UserError where there is no data set."""
    options = parser().parse_args(arguments)
    return options.command(options)


def _check(options):
    of_masks, task = _mask_options(options), None if options.task == "auto" else options.task
    if task == "detection" and of_masks:
        raise UserError("--mask-map and --palette are about masks; leave them out or --task detection")
    report = check(options.root, options.classes, task=task, layout=options.layout, **of_masks)
    print(report.to_json() if options.json else report)
    return 1 if report.errors else 0


def _mask_options(options):
    """The arguments that --mask-map and --palette give."""
    palette, ignored = options.palette or (None, ())
    given = {"mask_map": options.mask_map, "palette": palette, "ignore_colours": ignored}
    return {name: value for name, value in given.items() if value}


def _convert(options):
    data = convert(options.root, options.out, options.classes, layout=options.layout, **_mask_options(options))
    splits = ", ".join(f"{name} ({len(ids)})" for name, ids in data.splits.items())
    print(f"{options.out}: {len(data)} images with masks, splits {splits}, classes {', '.join(data.classes)}")
    return 0


def _synthesize(options):
    existed = (options.out / MARKER).exists()
    out = synthesize(options.out, options.images, options.size, options.classes, options.seed)
    width, height = options.size
    print(f"{out}: {options.images} images of {width}x{height}, {'already there' if existed else 'drawn'}")
    return 0


def _download(options):
    # Here, since checking and drawing need no network library, and are quicker to start without one.
    from trizoo.download.datasets import download_dataset

    print(download_dataset(options.name, options.root, parts=options.parts, keep=options.keep, offline=options.offline))
    return 0


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        prog="python -m trizoo.data", description="Check a data set, convert its masks, draw one, or download one."
    )
    commands = flags.add_subparsers(required=True, metavar="COMMAND")
    checker = commands.add_parser(
        "check",
        help="read a data set in full and say what is wrong with it",
        description="Read every list, annotation, image and mask of a data set and say what training would stumble "
        "over: boxes in VOC layout; masks in VOC layout, folders of images and masks, labelme's or COCO's JSON.",
        epilog="exit code: 0 no errors (warnings allowed), 1 errors, 2 no data set there",
    )
    checker.add_argument("root", metavar="ROOT", type=Path, help="the data set: JPEGImages, Annotations, ImageSets …")
    checker.add_argument(
        "--task",
        choices=("auto", "detection", "segmentation"),
        default="auto",
        help="what it is for (auto: detection where there are boxes, else segmentation where there are masks)",
    )
    checker.add_argument("--json", action="store_true", help="print JSON instead of text")
    checker.add_argument("--classes", nargs="+", metavar="NAME", help="the class names; any other one is an error")
    _add_mask_options(checker)
    checker.set_defaults(command=_check)
    converter = commands.add_parser(
        "convert",
        help="write masks of any layout as VOC's palette PNG",
        description="Write a data set with masks into a new folder in VOC layout: images as they are, masks as palette "
        "PNG of class ids, lists of splits, and the classes' names in labels.txt. Nothing is written over.",
    )
    converter.add_argument("root", metavar="ROOT", type=Path, help="the data set, as for check")
    converter.add_argument("out", metavar="OUT", type=Path, help="the folder to make")
    converter.add_argument("--classes", nargs="+", metavar="NAME", help="the class names in the order of their ids")
    _add_mask_options(converter)
    converter.set_defaults(command=_convert)
    drawer = commands.add_parser(
        "synth",
        help="draw a data set of shapes with boxes and masks",
        description="Draw a data set in VOC layout from a seed: shapes on textured grounds, with boxes, masks and the "
        "splits train, val and test.",
    )
    drawer.add_argument(
        "out", metavar="OUT", type=Path, help="the folder to make; left as it is where it holds this set"
    )
    drawer.add_argument("--images", type=int, default=300, metavar="N", help="how many images (%(default)s)")
    drawer.add_argument("--size", type=size_argument, default=(256, 256), metavar="N|WxH", help="in pixels (256)")
    drawer.add_argument(
        "--classes",
        nargs="+",
        default=["circle", "square", "triangle"],
        metavar="NAME",
        help=f"class names (circle square triangle); {', '.join(SHAPES)} get their shape, others one of the rest",
    )
    drawer.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the same seed draws the same set (%(default)s)"
    )
    drawer.set_defaults(command=_synthesize)
    downloader = commands.add_parser(
        "download",
        help="fetch a public data set and unpack it",
        description="Fetch a public data set, check it and unpack it. What is there is used, so the same command goes "
        "on with an interrupted download. The last line is what --data takes.",
    )
    downloader.add_argument("name", metavar="NAME", help="voc2007, voc2012, sbd or coco2017")
    downloader.add_argument("root", metavar="ROOT", type=Path, help="the folder to put it in")
    downloader.add_argument(
        "--parts", nargs="+", metavar="PART", help="only these, such as val annotations (default: all with labels)"
    )
    downloader.add_argument("--keep", action="store_true", help="leave the archives in ROOT/archives")
    downloader.add_argument("--offline", action="store_true", help="only unpack archives that are in ROOT/archives")
    downloader.set_defaults(command=_download)
    return flags


def _add_mask_options(command):
    add_mask_flags(command)
    command.add_argument(
        "--layout", choices=LAYOUTS, help="how its files lie (default: the first of these that is there)"
    )


if __name__ == "__main__":
    run_command(main)
