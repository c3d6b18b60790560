"""Put anchors into a recipe file without disturbing the rest of it: order, comments and line ends stay."""

import yaml

from trizoo.ground.errors import UserError
from trizoo.ground.files import open_ordinary, write_atomically
from trizoo.ground.results import check_file
from trizoo.ground.yaml_tree import MOST_CHARACTERS, Location, parse, unwrap
from trizoo.recipes.load import BASE, SUFFIXES
from trizoo.recipes.schema import Recipe


def write_anchors(path, anchors, *, head=""):
    """Make `model: anchors` of a recipe file these (A, 2) numbers; a file that isn't there gets `head` before them.

    Raises UserError where the file is no recipe, can't be written, or is written in a way (aliases, one-line
    documents) that leaves no safe place for the new value; the text to paste is then in the error.
    """
    try:
        text = _text(path) if path.exists() else head
        write_atomically(path, _with_anchors(text, anchors, path))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read and written as UTF-8 text: {error}") from error


def check_recipe_file(path, option):
    """UserError unless anchors can be put into a file: a recipe, or a new one whose name ends in .yaml.

    Args:
        option: that names it, for the sentence
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{option} is {path}; the name of a recipe, which ends in .yaml, is needed")
    check_file(path, option, lambda path: True)
    if not path.exists():
        return
    try:
        values = _values(_text(path), path)
    except (OSError, UnicodeDecodeError, UserError) as error:
        raise UserError(f"{path} is no YAML file ({error}); name another file with {option}") from error
    if not isinstance(values, dict | None):
        raise UserError(f"{path} holds no keys, so it is no recipe and stays as it is; name another file with {option}")
    foreign = [key for key in values or () if key not in (BASE, *Recipe.model_fields)]
    if foreign:
        raise UserError(
            f"{path} has the key {str(foreign[0])[:40]!r}, so it is no recipe and stays as it is; name another file "
            f"with {option}"
        )


def _text(path):
    """A file's text, its line ends as they are."""
    with open_ordinary(path) as file:
        return file.read(4 * MOST_CHARACTERS + 1).decode("utf-8")  # a larger one is refused by `parse`


def _values(text, path):
    """The plain values of a YAML text, read within the budget of `trizoo.ground.yaml_tree.parse`."""
    tree = parse(text, lambda line: Location(str(path), f"{path.name} line {line}"))
    return None if tree is None else unwrap(tree)


def flow(anchors):
    """Anchors in YAML on one line: (A, 2) -> `[[10, 14], [23.5, 27]]`."""
    return f"[{', '.join(_pair(anchor) for anchor in anchors)}]"


def _pair(anchor):
    return "[{:g}, {:g}]".format(*anchor)


def _with_anchors(text, anchors, path):
    """The recipe's text with the new anchors in it."""
    try:
        expected, root = _values(text, path), yaml.compose(text, Loader=yaml.SafeLoader)
    except (UserError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no YAML file: {' '.join(str(error).split())}") from error
    expected = {} if expected is None else expected
    model = expected.get("model") if isinstance(expected, dict) else "no mapping"
    if not isinstance(model, dict | None):
        raise UserError(f"{path} holds no recipe (key: value lines with a section `model:`); {_paste(anchors)}")
    expected["model"] = {**(model or {}), "anchors": _values(flow(anchors), path)}
    edited = _edit(text, root, anchors)
    # Aliases, repeated keys and one-line documents defeat an edit by position. So: is the result what was meant?
    try:
        understood = _values(edited, path) == expected
    except UserError:
        understood = False
    if not understood:
        raise UserError(f"{path} is written in a way that can't be changed safely; {_paste(anchors)}")
    return edited


def _paste(anchors):
    return f"put this into it by hand: model: {{anchors: {flow(anchors)}}}"


def _edit(text, root, anchors):
    """The text with the value of model.anchors replaced, or with the key put in where it is missing."""
    newline = "\r\n" if "\r\n" in text else "\n"
    model = _value(root, "model")
    if model is None:
        ending = newline if text and not text.endswith("\n") else ""
        return f"{text}{ending}model:{newline}  anchors: {flow(anchors)}{newline}"
    at = model.start_mark.index
    if not isinstance(model, yaml.MappingNode):  # `model:` or `model: null`
        return f"{text[:at]}{newline}  anchors: {flow(anchors)}{text[model.end_mark.index :]}"
    old = _value(model, "anchors")
    if old is None and model.flow_style:
        separator = ", " if model.value else ""
        return f"{text[: at + 1]}anchors: {flow(anchors)}{separator}{text[at + 1 :]}"
    if old is None:
        return f"{text[:at]}anchors: {flow(anchors)}{newline}{' ' * model.start_mark.column}{text[at:]}"
    start, end = old.start_mark.index, _end(old)
    if isinstance(old, yaml.SequenceNode) and not old.flow_style:
        lines = (newline + " " * old.start_mark.column).join(f"- {_pair(anchor)}" for anchor in anchors)
        return text[:start] + lines + text[end:]
    space = " " if start == end else ""  # `anchors:` without a value
    return text[:start] + space + flow(anchors) + text[end:]


def _value(mapping, key):
    """The node under a key of a mapping node, or None."""
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _end(node):
    """Where a node's text ends. PyYAML says where the next token starts for a block, beyond comments in between."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return node.end_mark.index
