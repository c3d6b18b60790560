"""What sidebyside takes."""

from trizoo.commands.flags.shared import Parser, given_text, positive_int


def parser(prog="trizoo sidebyside"):
    """The command line of sidebyside."""
    flags = Parser(
        prog=prog,
        description="Show the files of which a model is made in PyTorch, TensorFlow 2 and Keras, in three columns. A * "
        "stands before lines that don't say the same in each framework's words.",
    )
    flags.add_argument("model", metavar="MODEL", help="such as yolov3 or deeplabv3plus-resnet50")
    flags.add_argument("--html", type=given_text, metavar="FILE", help="write one page for a browser instead")
    flags.add_argument("--width", type=positive_int, metavar="N", help="characters a line (default: the terminal's)")
    flags.add_argument("--only-different", action="store_true", help="leave out what is alike, or is not in all three")
    return flags
