"""What serve takes."""

import argparse

from trizoo.commands.flags.gallery import add_crops, add_least
from trizoo.commands.flags.shared import (
    Parser,
    add_batch_size,
    add_flag,
    add_flags_of_use,
    given_name,
    given_text,
    positive_int,
)
from trizoo.tasks import FLAGS

OF_DETECTORS = ("confidence", "nms", "nms_method", "max_detections")


def parser(prog="trizoo serve"):
    """The command line of serve. Of predict's flags those that it lacks are there too, as they are where unused."""
    flags = Parser(
        prog=prog,
        description="Answer images over HTTP, and show a page to try a model with: docs/serve.md.",
    )
    flags.set_defaults(**{flag.name: None for of_task in FLAGS.values() for flag in of_task.predict})
    flags.add_argument(
        "weights",
        metavar="FILE|TAG",
        help="a checkpoint (.h5), a file of trizoo export (.onnx, .xml, .tflite), or a tag of trizoo weights list",
    )
    flags.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")
    place = flags.add_argument_group("where")
    place.add_argument(
        "--host",
        type=given_name,
        default="127.0.0.1",
        help="0.0.0.0 for all that reach this machine (default: 127.0.0.1)",
    )
    place.add_argument("--port", type=_port, default=8000, metavar="N", help="0 takes one that is free (default: 8000)")
    place.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names that requests may call the server by, beside localhost (default: on another --host any)",
    )
    limits = flags.add_argument_group("limits")
    add_batch_size(limits)
    limits.add_argument(
        "--queue", type=positive_int, default=64, metavar="N", help="requests at once, more are refused (default: 64)"
    )
    limits.add_argument(
        "--max-megabytes", type=positive_int, default=32, metavar="N", help="of a request's body, in MiB (default: 32)"
    )
    limits.add_argument(
        "--max-megapixels", type=positive_int, default=50, metavar="N", help="of an image, in millions (default: 50)"
    )
    limits.add_argument(
        "--timeout", type=_seconds, default=30.0, metavar="S", help="seconds that a request may take (default: 30)"
    )
    add_flags_of_use(flags)
    boxes = flags.add_argument_group("detectors, and multi-label classifiers (--confidence)")
    for flag in FLAGS["detection"].predict:
        if flag.name in OF_DETECTORS:
            add_flag(boxes, flag)
    classes = flags.add_argument_group("classifiers alone")
    add_flag(classes, next(flag for flag in FLAGS["classification"].predict if flag.name == "top"))
    names = flags.add_argument_group("names after a gallery", "WEIGHTS then are the detector's, or the embedding's")
    names.add_argument(
        "--gallery", type=given_text, metavar="FILE", help="of trizoo gallery build: name things after it"
    )
    names.add_argument(
        "--embedding",
        type=given_text,
        metavar="FILE|TAG",
        help="the gallery's model; without it FILE|TAG is that, and each picture is one thing",
    )
    add_least(names)
    add_crops(names)
    return flags


def _port(text):
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; a whole number from 0 to 65535 is needed")
    return int(text)


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, up to 3600")
    return value
