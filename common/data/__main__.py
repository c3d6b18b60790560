"""`python -m common.data`: check a data set, draw one, or download one."""

import argparse
from pathlib import Path

from common.cli import run_command, size_argument
from common.data.check import check
from common.data.shapes import SHAPES
from common.data.synthetic import MARKER, synthesize


def main(arguments=None):
    """The command. Returns the exit code; raises UserError where there is no data set."""
    options = parser().parse_args(arguments)
    return options.command(options)


def _check(options):
    report = check(options.root, options.classes)
    print(report.to_json() if options.json else report)
    return 1 if report.errors else 0


def _synthesize(options):
    existed = (options.out / MARKER).exists()
    out = synthesize(options.out, options.images, options.size, options.classes, options.seed)
    width, height = options.size
    print(f"{out}: {options.images} images of {width}x{height}, {'already there' if existed else 'drawn'}")
    return 0


def _download(options):
    # Here, since checking and drawing need no network library, and are quicker to start without one.
    from common.data.download import download_dataset

    print(download_dataset(options.name, options.root, parts=options.parts, keep=options.keep, offline=options.offline))
    return 0


def parser():
    """The command line."""
    flags = argparse.ArgumentParser(
        prog="python -m common.data", description="Check a data set, draw one, or download one."
    )
    commands = flags.add_subparsers(required=True, metavar="COMMAND")
    checker = commands.add_parser(
        "check",
        help="read a data set in full and say what is wrong with it",
        description="Read every list, annotation, image and mask of a data set in VOC layout and say what training "
        "would stumble over.",
        epilog="exit code: 0 no errors (warnings allowed), 1 errors, 2 no data set there",
    )
    checker.add_argument("root", metavar="ROOT", type=Path, help="the data set: JPEGImages, Annotations, ImageSets")
    checker.add_argument("--json", action="store_true", help="print JSON instead of text")
    checker.add_argument("--classes", nargs="+", metavar="NAME", help="the class names; any other one is an error")
    checker.set_defaults(command=_check)
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


if __name__ == "__main__":
    run_command(main)
