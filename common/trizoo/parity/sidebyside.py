"""A model's source in the three packages side by side: what says the same stands in one row, what differs is marked.

The packages are found, not imported: no framework needs to be there, and they may come from a wheel.
"""

import ast
import importlib.util
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product, zip_longest
from pathlib import Path

from trizoo.families import ARCHITECTURES, FAMILIES, architecture
from trizoo.ground.errors import UserError
from trizoo.ground.text import suggest
from trizoo.parity.alike import PACKAGES, differences, find
from trizoo.parity.neutral import normalise

BACKBONES = "backbones/__init__.py"
SIMILAR = 0.6  # share of characters from which on two lines are taken for versions of one


@dataclass(frozen=True)
class Cell:
    """Lines of one package's file.

    Args:
        first: their number, from 1
        blank: how many empty lines come before them
    """

    lines: tuple[str, ...]
    first: int
    blank: int


@dataclass(frozen=True)
class Row:
    """What corresponds in the packages.

    Args:
        cells: one a package, None where it has nothing there
        alike: whether all say the same in neutral words
        reason: why they don't, at the first row of a known difference
        within: the class and the function that it stands in
    """

    cells: tuple[Cell | None, ...]
    alike: bool
    reason: str
    within: str


@dataclass(frozen=True)
class File:
    """A file in the packages that have it, {package: ...}, and its Rows."""

    name: str
    packages: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def alike(self):
        """How many rows say the same in all packages that have the file."""
        return sum(row.alike for row in self.rows)


def sidebyside(model, folders=None):
    """The Files of which a model is made, its network first, then what that imports of its package, and so on.

    Args:
        folders: {package: where it lies}, `find_packages()` unless given

    Raises:
        UserError: for an unknown model
    """
    if model not in ARCHITECTURES:
        raise UserError(f"unknown model {model!r}{suggest(model, list(ARCHITECTURES))}")
    folders, backbone = folders or find_packages(), ARCHITECTURES[model].backbone
    sources = {
        package: files_of(package, folder, network_file(package, folder, model), backbone)
        for package, folder in folders.items()
    }
    names = list(dict.fromkeys(name for found in sources.values() for name in found))
    return [
        compare(name, {package: found[name] for package, found in sources.items() if name in found}) for name in names
    ]


def find_packages():
    """{package: its folder}, of all three; UserError where one isn't installed."""
    folders = {}
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise UserError(f"{package} is not there to be shown; install trizoo, which has it, or its repository")
        folders[package] = Path(spec.origin).parent
    return folders


def network_file(package, folder, model):
    """The file of the package that has this model's network, such as "models/yolov3.py": by its tables.

    `families.py` says of each family its network, or the dict in `models/` that has one for each name or kind.
    """
    known = architecture(model)
    family = next(name for name, family in FAMILIES.items() if family.models.get(model) is known)
    tree = ast.parse((folder / "families.py").read_text(encoding="utf-8"))
    (network,) = (entry.args[0] for name, entry in _table(tree, "FAMILIES") if name == family)
    if isinstance(network, ast.Lambda):  # lambda spec: TABLE[spec.name](spec)
        found = network.body.func
        key = {"name": model, "kind": getattr(known, "kind", None)}[found.slice.attr]
        tree = ast.parse((folder / "models" / "__init__.py").read_text(encoding="utf-8"))
        (network,) = (entry for name, entry in _table(tree, found.value.id) if name == key)
    return _file_of_class(package, tree, network)


def _file_of_class(package, tree, name):
    """The file that a name's class is imported from. tree: of the module that uses it; name: its node."""
    modules = {
        alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return modules[name.id].removeprefix(f"{package}.").replace(".", "/") + ".py"


def _table(tree, name):
    """The (key, value) nodes of a dict that a module assigns to a name."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(_target(node)) == name:
            return [(key.value, value) for key, value in zip(node.value.keys, node.value.values, strict=True)]
    raise ValueError(f"the module has no table {name}")


def files_of(package, folder, name, backbone=None):
    """{file: text} of a file of the package and of all that it imports of the package at its top, nearest first.

    Args:
        backbone: the only one to follow of those that `backbones/__init__.py` has, None for none
    """
    found, waiting = {}, [name]
    for name in waiting:
        if name not in found:
            found[name] = (folder / name).read_text(encoding="utf-8")
            if name == BACKBONES:
                waiting += _backbone_file(package, ast.parse(found[name]), backbone)
                continue
            for module in imports(found[name], package):
                path = module.replace(".", "/")
                waiting += [file for file in (f"{path}.py", f"{path}/__init__.py") if (folder / file).is_file()]
    return found


def _backbone_file(package, tree, name):
    """The file of the named backbone as a list, by the table of all: a class, or a call that makes one of it."""
    for known, made in _table(tree, "BACKBONES"):
        if known == name:
            return [_file_of_class(package, tree, made.args[0] if isinstance(made, ast.Call) else made)]
    return []


def imports(text, package):
    """The modules of the package that a text imports at its top, without the package's name; some may be functions."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module == package:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package}."):
            yield node.module.removeprefix(f"{package}.")


def compare(name, texts):
    """The File of this name.

    Args:
        texts: {package: source}, of the packages that have it, others being left empty
    """
    lines = {package: normalise(text, package) for package, text in texts.items()}
    neutral = {package: [line.text for line in found] for package, found in lines.items()}
    cells = {package: _cells(texts[package], found) for package, found in lines.items()}
    reasons = _reasons(name, neutral)
    rows, within, waiting = [], [], ""
    for places in align(list(neutral.values())):
        here = dict(zip(texts, places, strict=True))
        said = [neutral[package][place] for package, place in here.items() if place is not None]
        alike = len(set(said)) == 1 and (len(said) == len(texts) or not said[0])
        within = _within(within, said[0])
        if begun := [reasons[key] for key in here.items() if key in reasons]:
            waiting = begun[0]
            reasons = {key: reason for key, reason in reasons.items() if reason != waiting}
        row = tuple(cells[package][here[package]] if here.get(package) is not None else None for package in PACKAGES)
        rows.append(Row(row, alike, "" if alike else waiting, " ".join(within)))
        waiting = waiting if alike else ""
    return File(name, tuple(texts), tuple(rows))


def align(texts):
    """What corresponds in several lists of lines: tuples of a place in each, None where it has nothing to correspond.

    Lines of another list correspond to those of the first; where they don't, the others' are side by side in order.
    """
    ours, *others = texts
    partners, extra = [], []
    for theirs in others:
        pairs = dict(_pairs(ours, theirs))
        partners.append({our: their for their, our in pairs.items()})
        gaps, before = [[] for _ in range(len(ours) + 1)], 0
        for place in range(len(theirs)):
            if place in pairs:
                before = pairs[place] + 1
            else:
                gaps[before].append(place)
        extra.append(gaps)
    for place in range(len(ours) + 1):
        yield from ((None, *row) for row in zip_longest(*[gaps[place] for gaps in extra]))
        if place < len(ours):
            yield (place, *[found.get(place) for found in partners])


def _pairs(ours, theirs):
    """(place in theirs, place in ours) of lines that are equal, then of similar ones between, then of what is left."""
    sides = [
        [text or f"{side} {place}" for place, text in enumerate(lines)] for side, lines in enumerate((ours, theirs))
    ]
    for tag, start, end, first, last in SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from zip(range(first, last), range(start, end), strict=True)
        elif tag == "replace":
            near = {}
            for our, their in product(range(start, end), range(first, last)):
                matcher = SequenceMatcher(None, ours[our], theirs[their], autojunk=False)
                if matcher.quick_ratio() >= SIMILAR and (ratio := matcher.ratio()) >= SIMILAR:
                    near[their, our] = ratio
            for their, our in _nearest(near, range(first, last), range(start, end)):
                if bool(theirs[their]) == bool(ours[our]):  # what counts as nothing meets its like, or nothing
                    yield their, our


def _nearest(near, theirs, ours):
    """Pairs of places that keep both orders: the most similar one, and the same before and after it.

    near: {pair: how similar}; where there is none, places meet in order.
    """
    inside = [pair for pair in near if pair[0] in theirs and pair[1] in ours]
    if not inside:
        yield from zip(theirs, ours, strict=False)
        return
    their, our = max(inside, key=near.get)
    yield from _nearest(near, range(theirs.start, their), range(ours.start, our))
    yield their, our
    yield from _nearest(near, range(their + 1, theirs.stop), range(our + 1, ours.stop))


def _target(node):
    """What an assignment, with or without a type hint, assigns to."""
    return node.target if isinstance(node, ast.AnnAssign) else node.targets[0]


def _cells(text, lines):
    """A Cell of each Line of a text."""
    physical, cells, before = text.splitlines(), [], 0
    for line in lines:
        cells.append(Cell(tuple(physical[line.first - 1 : line.last]), line.first, line.first - before - 1))
        before = line.last
    return cells


def _reasons(name, neutral):
    """{(package, place in its lines): reason} of the known differences that begin there."""
    return {
        (package, place): difference.reason
        for difference in differences()
        if difference.file == name
        for package, lines in neutral.items()
        for place in find(difference.sides[package], lines)
    }


def _within(names, text):
    """The classes and functions that a line stands in or begins, outermost first. names: those of the line before."""
    if text:
        names = names[: (len(text) - len(text.lstrip())) // 4]
    kind, _, rest = text.lstrip().partition(" ")
    return [*names, rest.split("(")[0].rstrip(":")] if kind in ("class", "def") else names
