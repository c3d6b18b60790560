"""Flags and kinds of values that several commands have."""

import argparse
import re
import sys
from pathlib import Path

from trizoo import __version__
from trizoo.ground.devices import NAMES, device_name
from trizoo.ground.errors import UserError, sentence
from trizoo.tasks import FLAGS
from trizoo.training.world import tells_error

MOST_SIDE = 16384  # pixels of an input; a square of it has 0.8 GB


class Parser(argparse.ArgumentParser):
    """A parser whose errors quote what was given on one line, and which takes no `--` for a value.

    `examples` are what its help ends with: the words behind `prog`, a text each.
    """

    examples = ()

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.register("type", Path, path_argument)

    @property
    def actions(self):
        """{name: parser} of what stands below it, such as check of data."""
        inner = (action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        return next((action.choices for action in inner), {})

    def format_help(self):
        """argparse's, and the examples."""
        lines = [f"  {self.prog} {example}".rstrip() for example in self.examples]
        return "\n".join([super().format_help(), "examples:", *lines, ""]) if lines else super().format_help()

    def error(self, message):
        """Ends with exit code 2 and one sentence; all flags would bury it."""
        self.exit(2, f"error: {sentence(message)}; {self.prog} --help shows all flags\n" if tells_error() else None)

    def parse_known_args(self, args=None, namespace=None):
        """As argparse does, which before Python 3.13 makes an empty list of the value in --flag=--."""
        for argument in sys.argv[1:] if args is None else args:
            if argument.startswith("--") and argument.endswith("=--"):
                raise UserError(f"{argument}: there is no value after the equals sign; one is needed, or leave it out")
        return super().parse_known_args(args, namespace)


def path_argument(text):
    """A Path; empty text, as of a variable that the shell doesn't know, would be the folder one is in."""
    return Path(given_text(text))


def given_text(text):
    """Text that isn't blank, of a file or folder."""
    return _given(text, "a file or folder is needed, such as . for this folder")


def given_name(text):
    """Text that isn't blank, of what isn't a file: a split or a model."""
    return _given(text, "a name is needed")


def _given(text, wanted):
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is blank; {wanted}")
    return text


def size_argument(text):
    """(width, height) of "608x416"; of "416" a square."""
    match = re.fullmatch(r"(\d+)(?:[xX×](\d+))?", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; N or WIDTHxHEIGHT is needed, such as 416 or 608x416")
    sides = match[1], match[2] or match[1]
    if any(len(side.lstrip("0")) > 5 or int(side) > MOST_SIDE for side in sides):
        raise argparse.ArgumentTypeError(f"{text!r} has a side of more than {MOST_SIDE} pixels")
    return int(sides[0]), int(sides[1])


def bytes_argument(text):
    """Bytes of "500MB" or "2GB", in powers of 1000."""
    match = re.fullmatch(r"(\d{1,6})\s?(MB|GB)", text.strip(), re.IGNORECASE)
    if not match or not int(match[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; a whole number of MB or GB is needed, such as 500MB")
    return int(match[1]) * {"MB": 10**6, "GB": 10**9}[match[2].upper()]


def positive_int(text):
    """A whole number of at least 1."""
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def count_or_auto(text):
    """A whole number of at least 1, or "auto"."""
    if text == "auto":
        return text
    try:
        return positive_int(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor auto") from None


def index_argument(text):
    """A whole number of at least 0."""
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def device_argument(text):
    """A device's name, "cuda" for "gpu"."""
    try:
        return device_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def scales_argument(text):
    """Factors, a tuple, of "0.8,1.25"."""
    try:
        scales = tuple(float(part) for part in text.split(","))
    except ValueError:
        scales = ()
    if not scales or not all(0.1 <= scale <= 4 for scale in scales):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of factors from 0.1 to 4, such as 0.8,1.25")
    return scales


def add_common_flags(parser):
    """The flags of train, evaluate and predict."""
    parser.add_argument(
        "--device", type=device_argument, default="auto", metavar="NAME", help=f"{NAMES} (default: the GPU, if any)"
    )
    parser.add_argument("--version", action="version", version=f"trizoo {__version__}")


def add_batch_size(parser):
    """--batch-size of what looks at many images."""
    parser.add_argument("--batch-size", type=positive_int, default=8, metavar="N", help="images at once (default: 8)")


def add_result_flags(parser, command, folder, found):
    """--out, --json and --no-pictures of a command that writes a folder of results.

    Args:
        folder: the folder's name where none is given
        found: what --json writes, and where: words for help
    """
    parser.add_argument(
        "--out",
        type=given_text,
        default=folder,
        metavar="DIR",
        help=f"new, empty, or of an earlier {command} (default: ./{folder})",
    )
    parser.add_argument(
        "--json", action="store_true", help=f"write what was {found} as it comes, and all of it to .json"
    )
    parser.add_argument("--no-pictures", action="store_true", help="don't draw")


def add_flags_of_use(parser):
    """The flags that evaluating and predicting share."""
    parser.add_argument(
        "--input-size", type=size_argument, metavar="WxH", help="of the network's input (default: as it was trained)"
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="look at each image mirrored too, which takes twice as long (test-time augmentation)",
    )
    parser.add_argument(
        "--tta-scales",
        type=scales_argument,
        metavar="X,…",
        help="look at each image at further input sizes too, as factors of its own: 0.8,1.25",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16", "auto"),
        help="auto: bf16 where the device multiplies it itself (default: as it was trained on a GPU, fp32 on a CPU, "
        "an exported file's own)",
    )
    add_common_flags(parser)


def add_place_flags(parser):
    """The flags that say how a data set's files lie, where they aren't found by themselves."""
    parser.add_argument(
        "--layout",
        type=given_name,
        metavar="NAME",
        help="how the labels are written, such as voc, coco or yolo (default: as found)",
    )
    parser.add_argument(
        "--images", type=given_text, metavar="DIR", help="the folder of the images, below ROOT or anywhere"
    )
    parser.add_argument(
        "--annotations", type=given_text, metavar="PATH", help="the file or folder of the annotations, or of the masks"
    )


def add_weights_flags(parser, use, *, required=False, exported=False):
    """--weights, whose use is said in words, and --offline.

    Args:
        exported: whether files of trizoo export will do as well
    """
    files = "a file of trizoo export (.onnx, .xml, .tflite, .pt2, .keras, a SavedModel's folder)"
    others = f", {files}" if exported else ""
    parser.add_argument(
        "--weights",
        required=required,
        metavar="FILE|TAG|URL",
        help=f"{use}: a checkpoint (.h5){others}, a tag that trizoo weights list shows, or the address of a "
        "weight file (https://…, hf://OWNER/REPOSITORY/FILE)",
    )
    parser.add_argument("--offline", action="store_true", help="with a tag: only what was downloaded before")


def add_task_flags(parser, command):
    """The flags that are for some tasks' models alone, in a group that says whose they are."""
    owners = {}
    for task in FLAGS.values():
        for flag in task.of(command):
            owners.setdefault(flag, []).append(task.models)
    groups = {}
    for flag, models in owners.items():
        title = f"{' and '.join(models)} alone"
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        add_flag(groups[title], flag)


def add_flag(parser, flag):
    """argparse's of a `trizoo.tasks.flags.Flag`."""
    if flag.is_switch:
        parser.add_argument(*flag.options, dest=flag.name, action="store_true", help=flag.help)
        return
    parser.add_argument(
        *flag.options,
        dest=flag.name,
        nargs="+" if flag.several else None,
        type=_converter(flag.parse),
        choices=flag.choices,
        metavar=flag.metavar,
        help=flag.help,
    )


def _converter(parse):
    """The same function with argparse's error, so that the sentence is printed with the flag's name."""
    if parse is None:
        return str

    def convert(text):
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert
