"""What doctor takes."""

from trizoo.commands.flags.shared import Parser


def parser(prog="trizoo doctor"):
    """The command line of doctor."""
    flags = Parser(prog=prog, description="What is installed, what the machine has, and what is missing.")
    flags.add_argument("--json", action="store_true", help="print it as JSON")
    return flags
