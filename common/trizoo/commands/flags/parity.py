"""What parity takes."""

from importlib import resources

from trizoo.commands.flags.shared import Parser, given_text, positive_int


def parser(prog="trizoo parity"):
    """The command line of parity."""
    goldens = (path.name for path in (resources.files("trizoo.parity") / "golden").iterdir())
    models = sorted(name.removesuffix(".npz") for name in goldens)
    flags = Parser(
        prog=prog, description="Compare every installed framework with the committed goldens, and with one another."
    )
    flags.add_argument("model", nargs="*", help=f"of {', '.join(models)} (default: all)")
    flags.add_argument(
        "--jobs", type=positive_int, default=1, help="frameworks measured at once (default: %(default)s)"
    )
    flags.add_argument("--json", type=given_text, metavar="FILE", help="write all differences and curves")
    flags.add_argument(
        "--plot", type=given_text, metavar="FILE", help="draw the training curves over one another (PNG, PDF or SVG)"
    )
    return flags
