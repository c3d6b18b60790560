"""What weights takes."""

import argparse
import re
from pathlib import Path

from trizoo.commands.flags.shared import Parser, given_name, given_text
from trizoo.framework import FRAMEWORKS
from trizoo.weights.names import models

# of `trizoo.weights.classes.class_lists`, which takes long to load
CLASS_LISTS = (
    "coco80",
    "coco91",
    "voc20",
    "voc21",
    "imagenet1000",
    "imagenet1000-darknet",
    "voc2007",
    "voc2012",
    "coco2017",
)

_TAG = "a tag that trizoo weights list shows"


def parser(prog="trizoo weights"):
    """The command line of weights. `action` is list, info, download, verify, convert, export, reproduce,
    path or clean."""
    flags = Parser(
        prog=prog,
        description="Pretrained weights: what there is, from the network, to a checkpoint of the zoo's.",
        epilog="Files are kept in the platform's cache folder, or in the one that TRIZOO_HOME names.",
    )
    actions = flags.add_subparsers(required=True, metavar="COMMAND", dest="action")

    def add(name, text):
        return actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")

    lister = add("list", "show all tags, and what is here of them")
    lister.add_argument("--model", type=given_name, metavar="X", help="only those whose model or tag has X in it")
    add("info", "show all that is known of a tag").add_argument("tag", metavar="TAG", help=_TAG)
    downloader = add("download", "download and verify files; prints their paths")
    downloader.add_argument("tags", nargs="+", metavar="TAG", help=_TAG)
    downloader.add_argument(
        "--url", action="append", default=[], type=_address, help="ask this address, or file, first; may be repeated"
    )
    downloader.add_argument("--offline", action="store_true", help="only verify what is here")
    verifier = add("verify", "hash what is here again, or a file of yours")
    verifier.add_argument(
        "path", nargs="?", metavar="PATH", type=Path, help="a file of yours (default: all that is here)"
    )
    verifier.add_argument(
        "--deep", action="store_true", help="run each tag that is here on a drawn picture, in each installed framework"
    )
    converter = add("convert", "turn a weight file of others into a checkpoint; prints its path")
    converter.add_argument("source", metavar="SOURCE", help="a file, a folder, or a tag")
    converter.add_argument("--model", choices=models(), help="what it is for (default: what it fits)")
    converter.add_argument(
        "--classes",
        nargs="+",
        metavar="NAME",
        help=f"class names, a file with a name a line (voc_classes.txt), or a list: {', '.join(CLASS_LISTS)}",
    )
    converter.add_argument(
        "--anchors", metavar="FILE", help="what a YOLO was trained with, as in yolo_anchors.txt: 10,13, 16,30, ..."
    )
    converter.add_argument(
        "--set", action="append", default=[], metavar="key=value", help="of the recipe, such as model.output_stride=8"
    )
    converter.add_argument("--offline", action="store_true", help="with a tag: only what is here")
    converter.add_argument("--out", required=True, metavar="FILE.h5", type=Path, help="the checkpoint to write")
    _add_export_flags(add("export", "turn a checkpoint into a weight file for others; prints its path"))
    measurer = add("reproduce", "measure a tag as its published metric was measured")
    measurer.add_argument("tag", metavar="TAG", help=_TAG)
    measurer.add_argument(
        "--data", type=given_text, metavar="ROOT", required=True, help="the data set of the published metric"
    )
    measurer.add_argument("--split", type=given_name, metavar="NAME", help="default: the published metric's")
    measurer.add_argument("--framework", choices=tuple(FRAMEWORKS), help="default: the first of these installed")
    measurer.add_argument("--offline", action="store_true", help="only weights that were downloaded before")
    add("path", "print where the downloaded file of a tag is").add_argument("tag", metavar="TAG", help=_TAG)
    cleaner = add("clean", "remove what was downloaded and converted")
    cleaner.add_argument("tags", nargs="*", metavar="TAG", help="only these (default: all)")
    cleaner.add_argument("--yes", action="store_true", help="don't ask")
    return flags


def _add_export_flags(flags):
    flags.add_argument("source", metavar="FILE.h5", type=Path, help="the checkpoint")
    flags.add_argument("--out", required=True, metavar="FILE", type=Path, help="ending in .weights or .safetensors")
    flags.add_argument(
        "--names", metavar="WHOSE", default="trizoo", help="in .safetensors: trizoo or torchvision (default: trizoo)"
    )


def _address(text):
    """A URL, also of a file on this disk."""
    if re.match(r"(https?|file)://", text, re.IGNORECASE):
        return text
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(
            f"{text!r} is no file, and no URL that begins with https://, http:// or file://"
        )
    return Path(text).absolute().as_uri()
