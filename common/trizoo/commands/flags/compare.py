"""What compare takes."""

from trizoo.commands.flags.shared import Parser, given_text


def parser(prog="trizoo compare"):
    """The command line of compare."""
    flags = Parser(
        prog=prog,
        description="Draw the losses and validation metrics of several runs over one another, and print their ends.",
    )
    flags.add_argument("runs", type=given_text, nargs="+", metavar="RUN", help="run folder; its name labels its curve")
    flags.add_argument(
        "--out", type=given_text, metavar="FILE", default="compare.png", help="picture to write (default: compare.png)"
    )
    return flags
