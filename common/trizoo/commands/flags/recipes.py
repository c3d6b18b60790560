"""What recipes takes."""

from pathlib import Path

from trizoo.commands.flags.shared import Parser, given_name


def parser(prog="trizoo recipes"):
    """The command line of recipes."""
    flags = Parser(
        prog=prog,
        description="List the recipes that come with the zoo, print one of them to change it, or print the JSON schema "
        "by which editors complete and check recipe files. Every key stands in docs/recipes.md.",
    )
    what = flags.add_mutually_exclusive_group()
    what.add_argument(
        "name", type=given_name, metavar="NAME", nargs="?", help="the recipe to print (default: list all)"
    )
    what.add_argument("--schema", action="store_true", help="the JSON schema of recipe files")
    flags.add_argument("--out", type=Path, metavar="FILE", help="write it there; a file that is there stays as it is")
    return flags
