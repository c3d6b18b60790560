"""The names of classes, and perhaps their colours, from a file in a data set's folder."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.masks.pair import BACKGROUND
from trizoo.data.name_files import MOST_BYTES
from trizoo.data.reading import read_marker, read_text
from trizoo.data.shapes import MARKER
from trizoo.ground.conventions import BACKGROUND_NAMES
from trizoo.ground.errors import UserError

NAMES = (
    *("labels.txt", "classes.txt", "class_names.txt", "obj.names", "names.txt", "labelmap.txt", "label_colors.txt"),
    *("class_dict.csv", "classes.csv", "class_dict_seg.csv"),
)
_SPACED = re.compile(r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\S.*)")  # CamVid's label_colors.txt
_COMMAS = re.compile(r"(.*\S)\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*")  # class_dict.csv
_COLONS = re.compile(r"([^:]*\S)\s*:\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?::.*)?")  # CVAT's labelmap.txt
_IGNORED = ("__ignore__", "_ignore_", "ignore", "void", "unlabelled", "unlabeled")
# Everingham et al. 2010, table 1, in the order of their ids from 1
VOC_NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


@dataclass(frozen=True)
class ClassFile:
    """What a file says of the classes.

    Args:
        names: in the order of the class ids
        palette: their (r, g, b), or None
        ignore_colours: of what is ignored
    """

    path: Path
    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] | None = None
    ignore_colours: tuple[tuple[int, int, int], ...] = ()


def find_classes(root):
    """The `ClassFile` in a folder, None where there is none.

    That is the first of `NAMES` (upper or lower case) with a name a line, with or without colours as CamVid, CVAT and
    class_dict.csv write them; else what the zoo's synthetic data say of themselves; else VOC's 20 names, where the
    lists of ImageSets/Main are of those classes. A line for what is ignored (`__ignore__`, `void`, …) is no class;
    its colour, where there is one, means 255. Raises UserError for a file with a name twice, or that is no text.
    """
    root = Path(root)
    there = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_file()} if root.is_dir() else {}
    for name in NAMES:
        if name in there:
            return read_classes(there[name])
    if MARKER in there:
        names = read_marker(there[MARKER]).get("classes")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return None
        return ClassFile(there[MARKER], (BACKGROUND, *names))
    lists = root / "ImageSets" / "Main"
    if all((lists / f"{name}_train.txt").is_file() or (lists / f"{name}_trainval.txt").is_file() for name in VOC_NAMES):
        return ClassFile(lists, (BACKGROUND, *VOC_NAMES))
    return None


def read_classes(path):
    """The `ClassFile` of a file."""
    path = Path(path)
    lines = [line.strip() for line in read_text(path, MOST_BYTES)[0].replace("\r", "\n").split("\n")]
    rows = [_row(line) for line in lines if line and not line.startswith("#") and not _is_heading(line)]
    kept = [(name, colour) for name, colour in rows if name.casefold() not in _IGNORED]
    names = tuple(BACKGROUND if name in BACKGROUND_NAMES else name for name, _ in kept)
    twice = {name for name, count in Counter(names).items() if count > 1}
    if twice or not names:
        what = f"names {sorted(twice)[0]!r} twice" if twice else "names no class"
        raise UserError(f"{path} {what}; one name a line, each once, is needed")
    coloured = [colour is not None for _, colour in kept]
    if not any(coloured):
        return ClassFile(path, names)
    if not all(coloured):
        raise UserError(f"{path} gives {sum(coloured)} of {len(names)} classes a colour; all or none need one")
    ignored = tuple(colour for name, colour in rows if name.casefold() in _IGNORED and colour)
    return ClassFile(path, names, tuple(colour for _, colour in kept), ignored)


def _row(line):
    """Name and colour, None where there is none."""
    if match := _SPACED.fullmatch(line):
        return match[4], tuple(int(level) for level in match.group(1, 2, 3))
    if match := _COMMAS.fullmatch(line) or _COLONS.fullmatch(line):
        return match[1], tuple(int(level) for level in match.group(2, 3, 4))
    return line, None


def _is_heading(line):
    return re.fullmatch(r"(name|label|class)\s*,\s*r\w*\s*,\s*g\w*\s*,\s*b\w*", line.lower()) is not None
