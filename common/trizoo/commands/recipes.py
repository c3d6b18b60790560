"""What `trizoo recipes` does: the recipes that come with the zoo, one of them, or the schema of all."""

import json
import re

from trizoo.commands.cli import say
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggest
from trizoo.recipes.json_schema import schema
from trizoo.recipes.load import RECIPES


def run(args):
    """The command. Returns the exit code; raises UserError for a recipe that there isn't and a file that there is."""
    text = _schema() if args.schema else _file(args.name) if args.name else _list()
    if args.out is None:
        say(text.rstrip("\n"))
        return 0
    try:
        with args.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{args.out} is there already; another --out would do, or remove it") from None
    say(args.out)
    return 0


def _schema():
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _file(name):
    path = RECIPES / f"{name}.yaml"
    known = [path.stem for path in RECIPES.glob("*.yaml")]
    if name not in known:
        raise UserError(f"there is no recipe {name!r}{suggest(name, known)}; trizoo recipes lists them")
    return path.read_text(encoding="utf-8")


def _list():
    """A line a recipe: its name, and the first sentence of the comment that it begins with."""
    paths = sorted(RECIPES.glob("*.yaml"))
    width = max(len(path.stem) for path in paths)
    return "\n".join([f"{path.stem:<{width}}  {_about(path)}" for path in paths]) + "\n"


def _about(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    first, *_ = re.split(r"(?<!et al)\. ", " ".join(comment))
    return first.rstrip(".")
