"""What summary takes."""

from trizoo.commands.flags.shared import Parser, add_common_flags, positive_int, size_argument
from trizoo.weights.names import models


def parser(prog="trizoo summary"):
    """The command line of summary."""
    flags = Parser(
        prog=prog, description="A model's layers, outputs, parameters and multiply-adds; nothing is trained."
    )
    flags.add_argument("model", metavar="MODEL", help=f"one of {', '.join(models())}")
    flags.add_argument("--input-size", type=size_argument, metavar="N|WxH", help="pixels (default: its recipe's)")
    flags.add_argument(
        "--batch-size", type=positive_int, metavar="N", help="estimate the memory of training at it; of --speed, too"
    )
    flags.add_argument("--classes", type=positive_int, metavar="N", help="default: 80, or 21 of segmentation models")
    flags.add_argument("--speed", action="store_true", help="time a forward pass on --device too")
    add_common_flags(flags)
    return flags
