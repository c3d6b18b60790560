"""Recipes from YAML files, inheritance and command lines, checked against a pydantic schema.

Precedence: command line > file > base > default. `_base_: yolov3` in a file names the recipe (or, as a list, the
recipes, the later over the earlier) that it changes: mappings merge deeply, lists and scalars replace. A bare name is
a recipe of this folder; a name that ends in .yaml or has a slash is a path, seen from the file that says it. So is the
data set that a file names by a relative path; the command line's is seen from the folder that one is in.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from trizoo.ground.errors import UserError
from trizoo.ground.files import open_ordinary
from trizoo.ground.text import suggest
from trizoo.ground.yaml_tree import MOST_CHARACTERS, Location, Node, find, parse, unwrap, wrap
from trizoo.recipes.explain import explain
from trizoo.recipes.outline import Spot, default_tree, displace, merge, spell_out, spot_of, to_plain

RECIPES = Path(__file__).parent
BASE = "_base_"
PATHS = {"data": "root", "distill": "teacher"}  # section -> key of a path that counts from the recipe file
DEEPEST = 20
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Loaded:
    """A valid recipe, and for each of its dotted keys, in its order, where the value comes from."""

    recipe: BaseModel
    origins: dict[str, str]


def load(schema, *, file=None, overrides=(), base=None, folder=RECIPES):
    """A recipe of the pydantic model class `schema`.

    Args:
        file, base: a path or the name of a recipe in `folder`
        overrides: (dotted key, value, origin) for each value of the command line, the later over the earlier;
            `parse_assignment` makes one of `key=value`

    Raises:
        UserError: for files that cannot be read, unknown keys and values that the schema refuses
    """
    tree = _tree(schema, file, overrides, base, Path(folder))
    recipe = _validate(schema, tree)
    return Loaded(recipe, {".".join(path): _origin(tree, path) for path, _ in leaves(to_plain(recipe))})


def value_of(key, schema, *, file=None, overrides=()):
    """What a recipe's file and overrides say at a dotted key, as it stands there, before the schema has checked it.

    Raises UserError for files that cannot be read, and for unknown keys.
    """
    return unwrap(find(_tree(schema, file, overrides, None, RECIPES), key.split(".")))


def _tree(schema, file, overrides, base, folder):
    """The tree of what `load` is given."""
    spot = Spot((schema,))
    tree = default_tree(schema, Location("default", "the recipe"))
    for kind, name in (("base", base), ("file", file)):
        if name is not None and not os.fspath(name):
            raise UserError(
                "the recipe's name is empty; a file, or the name of a recipe that comes with the zoo, is needed"
            )
        if name is not None:
            tree = merge(tree, _read(os.fspath(name), kind, Path(), folder, spot), spot)
    for key, value, origin in _displacing(_spelt_out(overrides, schema), schema):
        leaf = wrap(value, Location(origin, origin))
        tree = merge(tree, _change(tree, _split(key, origin), leaf, spot), spot)
    return tree


def parse_assignment(text):
    """One `key=value` of `--set` as the (dotted key, value, origin) that `load` takes.

    The value is read as YAML, so lists, numbers (1e-3), true and null do; `none` is null too, a quoted "none" is text.
    Raises UserError where there is no key, no value or no valid YAML.
    """
    key, equals, value_text = text.partition("=")
    key = key.strip()
    if not key or not equals:
        raise UserError(f"--set {text}: an assignment is needed, as in --set schedule.epochs=50")
    origin = f"command line --set {key}"
    _split(key, origin)
    node = parse(value_text, lambda line: Location(origin, origin))
    if node is None:
        raise UserError(f"{origin}: there is no value after the equals sign; null or '' would do")
    value = unwrap(node)
    return key, None if value_text.strip().lower() == "none" else value, origin


def is_of_the_zoo(name):
    """Whether a recipe's name means one that comes with the zoo, and no file of a user's."""
    return _resolve(os.fspath(name), Path(), RECIPES)[0].parent == RECIPES


def to_dict(recipe):
    """A recipe as JSON-able data, for a checkpoint. The inverse of `from_dict`."""
    return to_plain(recipe)


def from_dict(schema, mapping, where):
    """The recipe of a mapping that `to_dict` gave; `where` names its source in errors, as in "checkpoint last.h5"."""
    return _validate(schema, wrap(mapping, Location(where, where)))


def leaves(value, path=()):
    """(path, value) of everything in plain data that has no keys of its own, in order.

    A list without mappings in it is one leaf, and so is an empty mapping.
    """
    if is_branch(value):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, str(key)))
    else:
        yield path, value


def is_branch(value):
    """Whether plain data has keys below it that are listed by themselves."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _validate(schema, tree):
    values = unwrap(tree)
    try:
        recipe = schema.model_validate(values)
    except ValidationError as error:
        raise UserError(explain(error, schema, tree)) from None
    for path in _truths(values, recipe):
        word = "true" if find(tree, path).value else "false"
        raise UserError(f"{find(tree, path).location.where}: {'.'.join(path)} is {word}; it should be a number")
    return recipe


def _truths(given, taken, path=()):
    """The paths of true and false in plain data that the schema took for the numbers 1 and 0."""
    if isinstance(given, bool):
        if isinstance(taken, int | float) and not isinstance(taken, bool):
            yield path
    elif isinstance(given, dict):
        for key, value in given.items():
            yield from _truths(
                value, taken.get(key) if isinstance(taken, dict) else getattr(taken, key, None), (*path, key)
            )
    elif isinstance(given, list) and isinstance(taken, tuple | list):
        for number, (value, of_schema) in enumerate(zip(given, taken, strict=False)):
            yield from _truths(value, of_schema, (*path, str(number)))


def _origin(tree, path):
    """Where the value at `path` comes from; several places, joined, for a list that the command line changed."""
    node = tree
    for depth in range(len(path)):
        child = find(node, path[depth : depth + 1])
        if child is node:
            # A mapping without the key leaves it to the schema; a scalar or a list was turned into more by the schema.
            return "default" if isinstance(node.value, dict) else node.location.origin
        node = child
    return ", ".join(dict.fromkeys(_origins(node)))


def _origins(node):
    if isinstance(node.value, list) and node.value:
        for item in node.value:
            yield from _origins(item)
    else:
        yield node.location.origin


def _read(name, kind, beside, folder, spot, where=None, chain=()):
    """The tree of a recipe file, its bases below it.

    Args:
        beside: the folder that a path starts at
        where: the place that names the file, for errors
        chain: the files that led here, as (real path, name)
    """
    path, label = _resolve(name, beside, folder)
    chain = (*chain, (os.path.realpath(path), label))
    if chain[-1][0] in [real for real, _ in chain[:-1]]:
        raise UserError(f"recipes inherit in a circle through {BASE}: {' -> '.join(label for _, label in chain)}")
    try:
        tree = _parse_file(path, f"{kind} {path.name}", label)
    except FileNotFoundError:
        if (beside / name).is_file():
            raise UserError(
                f"{f'{where}: ' if where else ''}{beside / name} is there, but the name of a recipe file ends in "
                f"{' or '.join(SUFFIXES)}; rename it"
            ) from None
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        hint = suggest(Path(label).name.removesuffix(".yaml"), known)
        raise UserError(f"{f'{where}: ' if where else ''}there is no recipe {label}{hint}") from None
    values = dict(tree.value)
    for section, key in PATHS.items():
        if section in values:
            values[section] = _beside(path.parent, values[section], key)
    below = Node({}, tree.location)
    for base in _bases(values.pop(BASE, None)):
        below = merge(below, _read(base.value, "base", path.parent, folder, spot, base.location.where, chain), spot)
    return merge(below, displace(spell_out(Node(values, tree.location), spot), spot), spot)


def _beside(folder, section, key):
    """A section of a file in a folder, its path, where that is a relative one, as seen from there."""
    path = section.value.get(key) if isinstance(section.value, dict) else None
    if path is None or not isinstance(path.value, str) or not path.value:
        return section
    return Node({**section.value, key: Node(os.path.normpath(folder / path.value), path.location)}, section.location)


def _spelt_out(overrides, schema):
    """Overrides, first of all what a word in the place of a section stands for, but for keys that others set.

    Nor does it set an alternative of such a key.
    """
    overrides = [(*override, spot_of(schema, _keys(override[0])).meant_by(override[1])) for override in overrides]
    given = {key for key, _, _, meant in overrides if meant is None}
    for section, _, origin, meant in overrides:
        others = dict(spot_of(schema, _keys(section)).alternatives()) if meant else {}
        for key, value in (meant or {}).items():
            if given.isdisjoint((f"{section}.{key}", f"{section}.{others.get(key)}")):
                yield f"{section}.{key}", value, origin
    yield from (override for *override, meant in overrides if meant is None)


def _keys(dotted):
    return dotted.split(".") if dotted else []


def _displacing(overrides, schema):
    """Overrides, and before one that is given a null for its alternative, unless that is among them."""
    overrides = list(overrides)
    keys = {key for key, _, _ in overrides}
    for key, value, origin in overrides:
        above, _, last = key.rpartition(".")
        inside = spot_of(schema, _keys(above))
        for given, other in inside.alternatives():
            name = f"{above}.{other}" if above else other
            if given == last and value is not None and name not in keys:
                yield name, None, origin
        yield key, value, origin


def _resolve(name, beside, folder):
    """The path that a recipe's name means, and how to call it in messages."""
    if name.lower().endswith(SUFFIXES) or "/" in name or os.sep in name:
        path = Path(os.path.normpath(beside / name))
        return (path, path.name) if path.parent == folder else (path, str(path))
    return folder / f"{name}.yaml", f"{name}.yaml"


def _parse_file(path, origin, label):
    try:
        with open_ordinary(path) as file:
            text = file.read(4 * MOST_CHARACTERS + 1).decode("utf-8")  # a larger one is refused by `parse`
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{label} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{label} is not UTF-8 text (byte {error.start}); saving it as UTF-8 would do") from None
    tree = parse(text, lambda line: Location(origin, f"{label} line {line}"))
    if tree is None:
        raise UserError(f"{label} is empty; a recipe is a mapping of keys to values")
    if not isinstance(tree.value, dict):
        raise UserError(f"{label} holds {_kind(tree.value)}; a recipe is a mapping of keys to values")
    return Node(tree.value, Location(origin, label))


def _bases(node):
    """The nodes of `_base_`'s names."""
    if node is None or node.value is None:
        return []
    bases = node.value if isinstance(node.value, list) else [node]
    for base in bases:
        if not isinstance(base.value, str) or not base.value or "\0" in base.value:
            raise UserError(
                f"{node.location.where}: {BASE} is {unwrap(node)!r}; the name of a recipe or a list is needed"
            )
    return bases


def _split(key, origin):
    keys = key.split(".")
    if len(keys) > DEEPEST:
        raise UserError(f"{origin}: it has {len(keys):,} parts; no recipe is nested more than {DEEPEST} deep")
    if not all(keys):
        raise UserError(f"{origin}: {key!r} has an empty part; names with single dots between them are needed")
    return keys


def _change(node, keys, leaf, spot, done=()):
    """A tree that holds `leaf` at the dotted key and, to be merged over `node`, as little else as possible."""
    if not keys:
        return leaf
    head, rest = keys[0], keys[1:]
    path = ".".join(done)
    if node is not None and isinstance(node.value, list):
        count = len(node.value)
        if not (head.isdecimal() and int(head) < count):
            hint = f"an index from 0 to {count - 1} is needed" if count else "it is empty"
            raise UserError(f"{leaf.location.where}: {path} is a list of {count}, without {head!r}; {hint}")
        items = list(node.value)
        below, inside = items[int(head)], spot.step(int(head))
        items[int(head)] = merge(below, _change(below, rest, leaf, inside, (*done, head)), inside)
        return Node(items, node.location)
    if node is not None and node.value is not None and not isinstance(node.value, dict):
        raise UserError(
            f"{leaf.location.where}: {path} is {node.value!r}, a value without keys; {head!r} has no place there"
        )
    below, inside = None, Spot()
    if node is not None and node.value is not None:
        below, inside = node.value.get(head), spot.settle(node).step(head)
    return Node({head: _change(below, rest, leaf, inside, (*done, head))}, leaf.location)


def _kind(value):
    return "a list" if isinstance(value, list) else f"the value {str(value)[:40]!r}"
