"""Sentences for a person: the first of many things, the nearest of known names, and values as JSON."""

import difflib
import json
import math
import shlex

import numpy as np

FIRST_FEW = 5


def first_few(items, count=FIRST_FEW):
    """The first items and how many follow, for an error's text."""
    shown = ", ".join(str(item) for item in items[:count])
    return f"{shown} and {len(items) - count} more" if len(items) > count else shown


def counted(number, name, plural=None):
    """ "1 image" or "12,000 images"; the plural is the name and an s where none is given."""
    return f"{number:,} {name if number == 1 else plural or f'{name}s'}"


def quoted(word):
    """A path or any text as a shell takes it for one word."""
    return shlex.quote(str(word))


def nearest(name, names, count=1):
    """Those of the names that look most like this one, letters' case aside; a list of at most `count`."""
    folded = {known.casefold(): known for known in names}
    return [folded[near] for near in difflib.get_close_matches(name.casefold(), folded, n=count)]


def hint(name, names):
    """`, did you mean 'cat'?`, or nothing where no name is close."""
    near = nearest(name, names)
    return f", did you mean {near[0]!r}?" if near else ""


def suggest(name, names):
    """The end of a sentence about an unknown name: the nearest known one, else the list of them."""
    near = nearest(name, names)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""


def suggestion(name, names):
    """` (did you mean X or Y?)` for the nearest names, or nothing."""
    near = nearest(name, names, count=3)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def printable(line):
    """A line that may quote a stranger's text; what a terminal would obey instead of show is replaced."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def plain(value):
    """The same in JSON's own types: NumPy's become Python's, keys text, and None stands for what isn't finite."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(value, indent=None):
    """Values as JSON text, letters of every script as they are; see `plain` for what isn't JSON's own."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
