"""A recipe as YAML: `dump` to keep it, `describe` to show also where each value comes from."""

from trizoo.ground.errors import UserError
from trizoo.ground.yaml_tree import Location, parse, render, unwrap
from trizoo.recipes.load import is_branch
from trizoo.recipes.outline import to_plain

VALUE_WIDTH = 72  # columns for keys and values; the origins behind them need about 30 more
REMARK = "  # "
ORIGIN_COLUMN = 44  # the origins stand here at most, and further right only behind longer values
INDENT = "  "


def describe(loaded):
    """What `--print-recipe` shows: every key in the schema's order, its value, and its origin as a comment; YAML."""
    lines = list(_lines(to_plain(loaded.recipe)))
    column = max((len(text) for text, path in lines if path and len(text) <= ORIGIN_COLUMN), default=0)
    shown = []
    for text, path in lines:
        origin = " ".join(loaded.origins[".".join(path)].split()) if path else None
        shown.append(f"{text:{column}}{REMARK}{origin}" if origin else text)
    return "\n".join(shown) + "\n"


def dump(recipe, remarks=None):
    """A recipe as YAML text that `load` reads back as the very same recipe.

    Args:
        remarks: {dotted key: text}, which become comments behind the values
    """
    lines = []
    for text, path in _lines(to_plain(recipe)):
        remark = (remarks or {}).get(".".join(path)) if path else None
        lines.append(f"{text}{REMARK}{remark}" if remark else text)
    return "\n".join(lines) + "\n"


def is_dump(text, recipe):
    """Whether a text says what `dump` gives of the recipe, with any remarks."""
    try:
        return _values(text) == _values(dump(recipe))
    except UserError:
        return False


def _values(text):
    tree = parse(text, lambda line: Location("", ""))
    return None if tree is None else unwrap(tree)


def _lines(value, path=(), indent=""):
    """(text, path) for each line of plain data, the path None where a line begins no leaf."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        here = (*path, str(key))
        if isinstance(value, list):
            yield from _list_item(item, here, indent)
        elif is_branch(item):
            yield f"{indent}{render(key)}:", None
            yield from _lines(item, here, indent + INDENT)
        else:
            yield from _leaf(f"{indent}{render(key)}: ", item, here, indent + INDENT)


def _list_item(item, path, indent):
    """The lines of one item of a block list: its first line starts with the dash."""
    if not is_branch(item):
        yield from _leaf(f"{indent}- ", item, path, indent + INDENT)
        return
    for number, (text, leaf_path) in enumerate(_lines(item, path, indent + INDENT)):
        yield (text if number else f"{indent}- {text.lstrip()}"), leaf_path


def _leaf(start, value, path, indent):
    """A value on one line; a long list on several."""
    text = start + render(value)
    if len(text) <= VALUE_WIDTH or not isinstance(value, list):
        yield text, path
        return
    line = start + "["
    for number, item in enumerate(value):
        piece = render(item) + ("," if number < len(value) - 1 else "]")
        if len(line) + len(piece) > VALUE_WIDTH and line.strip() and number:
            yield line.rstrip(), path
            line, path = indent, None
        line += piece + " "
    yield line.rstrip(), path
