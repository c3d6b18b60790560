"""The file that describes a data set with YOLO's labels: Ultralytics' and Roboflow's YAML, and Darknet's `.data`."""

import re
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.class_names import class_name
from trizoo.data.image_tree import LONGEST_PATH
from trizoo.data.name_files import MOST_CLASSES, checked_names, numbered_names
from trizoo.data.reading import POINTER, PointerError, Problem, read_text
from trizoo.data.splits import SPLIT_NAMES
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few
from trizoo.ground.yaml_tree import Location, parse

CONFIG_SUFFIXES = (".yaml", ".yml", ".data")
_MOST_BYTES = 1 << 17  # names of 10,000 classes; PyYAML takes seconds for more
_MOST_READ = 8  # of one rank
_MOST_ENTRIES = 1000  # of a split
_USUAL = ("data", "dataset")
_KEY = r"(?m)^[\"']?(?:%s)[\"']?[ \t]*[:=]"
_OF_CLASSES = re.compile(_KEY % "names|nc|classes")
_OF_SPLITS = re.compile(_KEY % "|".join(SPLIT_NAMES))
_NAMES_AND_NUMBER = [re.compile(_KEY % key) for key in ("names", "nc")]


@dataclass(frozen=True)
class Config:
    """What such a file says.

    Args:
        names: of the classes in order, None where it has none
        names_file: where they are, as it is written, "" where they are not in a file of their own
        splits: split -> entries as they are written, each a folder of images or a list of them
        root: that relative entries start from, as it is written
        keypoints: whether labels have points of a pose after their boxes
        pose: how many, and what they are called, None where it doesn't say so as Ultralytics does
        problems: what was put right
        background: whether what no outline covers is a class beside these
        gaps: labels that have no name of their own, below the highest that has one
    """

    path: Path
    names: tuple[str, ...] | None = None
    names_file: str = ""
    splits: dict[str, tuple[str, ...]] | None = None
    root: str = ""
    keypoints: bool = False
    pose: "Pose | None" = None
    problems: tuple[Problem, ...] = ()
    background: bool = True
    gaps: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Pose:
    """The key points of an object.

    Args:
        count: how many each object has
        numbers: of each: 2, x and y, or 3, with how visible it is
        names: of those of each class, by its label; of those that aren't in it by the name of their class
    """

    count: int
    numbers: int
    names: dict[int, tuple[str, ...]]

    def names_of(self, label, name):
        """What the key points of a class are called; one alone is called as the class."""
        own = self.names.get(label, ())
        if len(own) == self.count:
            return own
        return (name,) if self.count == 1 else tuple(f"{name} {number}" for number in range(self.count))


def find_config(folder, relatives):
    """The `Config` among files: the one fewest folders down; called data or dataset before others; None without any.

    A YAML file that has no names of classes beside its splits is some other's, and left alone.

    Args:
        relatives: of the files with one of CONFIG_SUFFIXES below the folder

    Raises:
        UserError: where the file can't be read, and where several of one rank say different things; also where none of
            them is one and a data.yaml is empty or no mapping
    """
    ranked = {}
    for relative in relatives:
        rank = relative.count("/"), Path(relative).stem.casefold() not in _USUAL
        ranked.setdefault(rank, []).append(relative)
    for rank in sorted(ranked):
        paths = [folder / relative for relative in ranked[rank] if _is_config(folder / relative)]
        if not paths:
            continue
        found = [read_config(path) for path in paths[:_MOST_READ]]
        if (
            len(paths) > _MOST_READ
            or len({repr((config.names, config.names_file, config.splits)) for config in found}) > 1
        ):
            several = first_few(paths)
            raise UserError(f"{folder} has several files of YOLO data sets, name one by --annotations: {several}")
        return found[0]
    for relative in relatives:
        if Path(relative).stem.casefold() in _USUAL and not relative.endswith(".data"):
            _require_mapping(folder / relative)
    return None


def _require_mapping(path):
    """UserError for a file that is no mapping."""
    if path.is_file() and path.stat().st_size <= _MOST_BYTES:
        text = read_text(path)[0]
        if not text.strip():
            raise UserError(f"{path} is empty; it has to say names, train and val, or be taken away")
        _mapping(path, text)


def _mapping(path, text):
    tree = parse(text, lambda line: Location(f"file {path}", f"{path} line {line}"), aliases=False)
    if tree is None or not isinstance(tree.value, dict):
        raise UserError(f"{path} is no mapping, so it describes no YOLO data set: names, train and val are needed")
    return tree.value


def _is_config(path):
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except OSError:
        return False
    if data.startswith(POINTER):
        raise PointerError(path)
    head = data.replace(b"\0", b"").decode("utf-8-sig", "replace").replace("\r", "\n")
    if _OF_CLASSES.search(head) and _OF_SPLITS.search(head):
        return True
    return path.suffix.lower() != ".data" and all(key.search(head) for key in _NAMES_AND_NUMBER)


def read_config(path):
    """The `Config` of a file. Raises UserError where it is none, with the line where there is one."""
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path} is no file of at most {_MOST_BYTES >> 10} KiB, as one that describes a data set is")
    text = read_text(path)[0].replace("\r\n", "\n").replace("\r", "\n")
    return _of_darknet(path, text) if path.suffix.lower() == ".data" else _of_yaml(path, text)


def _of_darknet(path, text):
    """Lines of `key = value`, as Darknet's obj.data has them."""
    values = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("#")[0].partition("=")
        if equals:
            values[key.strip().casefold()] = value.strip()
    splits = {}
    for key, value in values.items():
        if key in SPLIT_NAMES and 0 < len(value) <= LONGEST_PATH:
            splits[SPLIT_NAMES[key]] = (*splits.get(SPLIT_NAMES[key], ()), value)
    count = values.get("classes", "")
    names = numbered_names(min(int(count), MOST_CLASSES)) if count.isdecimal() and "names" not in values else None
    return Config(path, names or None, values.get("names", "")[:LONGEST_PATH], splits)


def _of_yaml(path, text):
    values = {key.casefold(): node for key, node in _mapping(path, text).items()}
    splits = {}
    for key, node in values.items():
        entries = [item.value for item in node.value] if isinstance(node.value, list) else [node.value]
        entries = tuple(entry for entry in entries if _is_path(entry))
        if len(entries) > _MOST_ENTRIES:
            raise UserError(f"{node.location.where}: {key} has {len(entries):,} entries; name a list of images instead")
        if key in SPLIT_NAMES and entries:
            splits[SPLIT_NAMES[key]] = splits.get(SPLIT_NAMES[key], ()) + entries
    root = values["path"].value if "path" in values and _is_path(values["path"].value) else ""
    count = values["nc"].value if "nc" in values else None
    named = values.get("names")
    if named is not None and _is_path(named.value):
        return Config(path, None, named.value, splits, root, "kpt_shape" in values, _pose(values))
    names, gaps, problems = None, frozenset(), ()
    if named is not None and (named.value or not isinstance(count, int)):
        names, gaps = _names(named)
        names = checked_names(names, named.location.where)
        if isinstance(count, int) and count != len(names):
            text = f"nc is {count}, but names has {len(names)}, which count"
            problems = (Problem("number of classes", path, text),)
    elif isinstance(count, int) and 0 < count <= MOST_CLASSES:
        names = numbered_names(count)
    if names is None and not splits:
        raise UserError(f"{path} has neither names nor train, val or test, so it describes no YOLO data set")
    background = "background" not in values or values["background"].value is not False
    pose = _pose(values)
    return Config(path, names, "", splits, root, "kpt_shape" in values, pose, problems, background, gaps)


def _pose(values):
    """The Pose of kpt_shape and kpt_names, None where the first is none."""
    shape = [item.value for item in values["kpt_shape"].value] if isinstance(_value(values, "kpt_shape"), list) else []
    if len(shape) != 2 or not all(type(number) is int for number in shape):
        return None
    count, numbers = shape
    if not 0 < count <= MOST_CLASSES or numbers not in (2, 3):
        return None
    named, names = _value(values, "kpt_names"), {}
    for label, node in named.items() if isinstance(named, dict) else [("0", values.get("kpt_names"))]:
        if node is not None and isinstance(node.value, list) and label.isdecimal() and len(label) < 7:
            names[int(label)] = tuple(class_name(_text(item)) for item in node.value)
    return Pose(count, numbers, names)


def _value(values, key):
    return values[key].value if key in values else None


def _is_path(value):
    return isinstance(value, str) and value.strip() and len(value) <= LONGEST_PATH


def _names(node):
    """The texts of a list of names, or of a mapping of labels to them, and its gaps, which are called class_N."""
    if isinstance(node.value, list):
        return [_text(item) for item in node.value], frozenset()
    if not isinstance(node.value, dict):
        raise UserError(f"{node.location.where}: names is {node.value!r}; a list, or labels and names, are needed")
    named = {}
    for key, item in node.value.items():
        if not key.isdecimal() or len(key) > 6 or int(key) >= MOST_CLASSES:
            raise UserError(f"{item.location.where}: {key!r} is no label; 0 to {MOST_CLASSES - 1:,} are")
        if int(key) in named:
            raise UserError(f"{item.location.where}: the label {int(key)} has two names")
        named[int(key)] = _text(item)
    numbered = numbered_names(max(named, default=-1) + 1)
    return [named.get(label, name) for label, name in enumerate(numbered)], frozenset(range(len(numbered))) - {*named}


def _text(node):
    if isinstance(node.value, dict | list):
        raise UserError(f"{node.location.where}: a name is a {type(node.value).__name__}; text is needed")
    if isinstance(node.value, bool):
        return str(node.value).lower()
    return "" if node.value is None else str(node.value)
