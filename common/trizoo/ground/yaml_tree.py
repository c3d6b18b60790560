"""YAML as a tree in which every value remembers where it was written.

Limits: 524,288 characters, 100,000 values with those that aliases repeat, 64 open brackets: within 300 MiB and
10 seconds.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from trizoo.ground.errors import UserError

# YAML 1.2's core schema. 1.1, PyYAML's default, reads 1e-3 as text, 12:30 as 750, 010 as 8 and the class "no" as false.
SCALARS = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
TAG = "tag:yaml.org,2002:"
MOST_CHARACTERS = 1 << 19  # of a text; PyYAML takes seconds for more
MOST_VALUES = 100_000  # with those that aliases repeat
_LONGEST_INTEGER = 1024  # bits
_DEEPEST = 64  # brackets that are open at once


@dataclass(frozen=True)
class Location:
    """Where a value comes from: `origin` for a listing ("file my.yaml"), `where` for an error ("my.yaml line 12")."""

    origin: str
    where: str


@dataclass(frozen=True)
class Node:
    """A value and its location; a mapping is a dict of nodes with text keys, a list is a list of nodes."""

    value: object
    location: Location


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 (PyYAML's own attribute)

    def fetch_flow_collection_start(self, TokenClass):  # noqa: N803 (PyYAML's own name)
        """For [ and {, each of which it compares with all that are open."""
        if self.flow_level >= _DEEPEST:
            raise RecursionError
        super().fetch_flow_collection_start(TokenClass)


class _WithoutAliases(_Loader):
    """Refuses what a small text could grow to gigabytes by."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            problem = f"the alias *{event.anchor} has no place here; write out what it stands for"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def _represent_text(dumper, text):
    # In the other styles PyYAML writes line breaks out, and a recipe's lines would no longer be its keys.
    return dumper.represent_scalar(TAG + "str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
for _name, _pattern, _first in SCALARS:
    # The dumper keeps YAML 1.1's scalars as well: text that either version takes for something else is quoted.
    for _class in (_Loader, _WithoutAliases, _Dumper):
        _class.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))


def parse(text, locate: Callable[[int], Location], aliases=True):
    """The tree of a YAML text, or None where it holds nothing. `locate` gives the location of a line, from 1.

    A text of at most MOST_CHARACTERS gives at most MOST_VALUES values, however often aliases repeat them: within 10
    seconds and 300 MiB.

    Args:
        aliases: whether `*name` may stand for what `&name` marks; not in a stranger's file, which could grow by them

    Raises:
        UserError: with the line, for a text that is larger, a syntax error, a key that occurs twice, a key that is no
            scalar and for tags other than YAML's plain types
    """
    if len(text) > MOST_CHARACTERS:
        where = locate(1).where
        raise UserError(f"{where}: the text has more than {MOST_CHARACTERS:,} characters, as no recipe has")
    try:
        loader = _Loader(text) if aliases else _WithoutAliases(text)
        root = loader.get_single_node()
        return None if root is None else _convert(loader, root, locate, itertools.count(1))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = error.problem if not error.problem.startswith("but ") else f"{error.context}, {error.problem}"
        reason = reason.replace("'<stream end>'", "the end of the text")
        raise UserError(f"{locate(line).where}: this is no YAML: {reason}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UserError(f"{locate(line).where}: YAML cannot hold the character U+{error.character:04X}") from None
    except (ValueError, OverflowError):  # an escape such as "\\U00110000"
        raise UserError(f"{locate(1).where}: this is no YAML: an escape means no character") from None
    except RecursionError:
        raise UserError(f"{locate(1).where}: the values are nested too deeply, or an alias contains itself") from None


def render(value):
    """A plain value on one line of YAML that `parse` gives back: scalars, lists and mappings in flow style."""
    # In a list, so that it is written as flow style needs it: a text with ", " or ": " in it is quoted.
    text = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, sort_keys=False, width=2**31)
    return text.strip()[1:-1]


def wrap(value, location):
    """Plain data as a tree, all of it from one location."""
    if isinstance(value, dict):
        return Node({str(key): wrap(item, location) for key, item in value.items()}, location)
    if isinstance(value, list | tuple):
        return Node([wrap(item, location) for item in value], location)
    return Node(value, location)


def unwrap(node):
    """The plain data of a tree. The inverse of `wrap`."""
    if isinstance(node.value, dict):
        return {key: unwrap(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [unwrap(item) for item in node.value]
    return node.value


def find(node, path):
    """The node at `path`, a sequence of keys and indices as text; the last that exists on the way to it otherwise."""
    for key in path:
        if isinstance(node.value, dict) and key in node.value:
            node = node.value[key]
        elif isinstance(node.value, list) and key.isdecimal() and int(key) < len(node.value):
            node = node.value[int(key)]
        else:
            break
    return node


def _convert(loader, node, locate, counter):
    """PyYAML's node as a tree. counter: gives the number of each value."""
    line = node.start_mark.line + 1
    here = locate(line)
    if next(counter) > MOST_VALUES:
        raise UserError(f"{here.where}: there are more than {MOST_VALUES:,} values, those that aliases repeat included")
    if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
        mapping, lines = {}, {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UserError(f"{locate(key_line).where}: a key is a list or a mapping; a name is needed")
            key = key_node.value
            if key in mapping:
                where = locate(key_line).where
                raise UserError(f"{where}: the key {key!r} is there already, on line {lines[key]}; one has to go")
            child = _convert(loader, value_node, locate, counter)
            # The line of the key is where a reader looks, also for a list that starts on the next one.
            mapping[key], lines[key] = Node(child.value, locate(key_line)), key_line
        return Node(mapping, here)
    if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
        return Node([_convert(loader, item, locate, counter) for item in node.value], here)
    if isinstance(node, yaml.ScalarNode) and node.tag in {
        TAG + name for name in ("str", "bool", "null", "int", "float")
    }:
        try:
            value = loader.construct_object(node)
            if isinstance(value, int) and value.bit_length() > _LONGEST_INTEGER:
                raise ValueError
            return Node(value, here)
        except (KeyError, ValueError):  # `!!int many`, or more digits than Python reads
            raise UserError(f"{here.where}: {_short(node.value)} is no {node.tag.removeprefix(TAG)}") from None
    raise UserError(f"{here.where}: the tag {node.tag!r} has no place here; a plain value is needed")


def _short(text):
    return repr(text if len(text) <= 40 else text[:39] + "…")
