"""Boxes of many images from files that hold a box a row, kept as numbers until an image's are asked for."""

import math
import re
from array import array

import numpy as np

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.class_names import class_name
from trizoo.data.image_tree import bare_id, files_below, parts_of
from trizoo.data.name_files import MOST_CLASSES, ClassNames, numbered_names
from trizoo.data.reading import Problem
from trizoo.data.splits import SPLIT_NAMES, Lists, find_lists
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted

FARTHEST = 1e6  # pixels; what is farther from the image is no number that anybody meant
_LONGEST_NUMBER = 64  # characters
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_SPLITS = {**SPLIT_NAMES, "trainval": "trainval"}
_LABEL = re.compile(r"([0-9]{1,9})(?:\.0*)?")  # 1.0 is 1
_NO_IMAGE = -1


def split_of(path, root):
    """The split that a file's name tells (train.csv, 2007_train.txt, val_annotations.csv), else its folder's; or ""."""
    words = re.split("[^a-z]+", path.stem.casefold())
    folders = [part.casefold() for part in path.relative_to(root).parts[-2::-1]] if path.is_relative_to(root) else []
    return next((_SPLITS[name] for name in (*words, *folders) if name in _SPLITS), "")


def number(text):
    """The number in a text, nan where it is none or out of reach."""
    try:
        value = float(text) if len(text) <= _LONGEST_NUMBER else math.nan
    except ValueError:
        return math.nan
    return value if abs(value) < FARTHEST and "_" not in text else math.nan


class Rows:
    """Boxes of the images of a data set, row by row.

    An image's boxes are those of the first file that names it.

    Args:
        tree: the `trizoo.data.image_tree.ImageTree` in which images are found by whatever a row calls them
        points: whether boxes stand for their centres, which is what is told

    Attributes:
        annotations: id -> the file that annotates the image
        problems: list of `Problem`
    """

    def __init__(self, tree, points=False):
        self._ids_of = {path: id for id, path in tree.by_id.items()}
        self.tree, self._points = tree, points
        self.annotations, self.problems = {}, []
        self._indices = {}  # id -> its place in the order of appearance
        self._files, self._relative = [], []
        self._file_of = array("i")  # image -> file
        self._sizes = {}  # image -> (width, height)
        self._classes = {}  # text -> its place in the order of appearance
        self._corners, self._lines = array("d"), array("q")
        self._images, self._labels, self._crowds = array("i"), array("i"), array("b")
        self._offsets, self._order = None, None
        self._named = ClassNames(())
        self._labelled = ()

    def __len__(self):
        return len(self.annotations)

    def begin(self, path, split=""):
        """Rows that follow are of this file; `split` is the one whose images it lists."""
        self._files.append((path, split))
        self._relative.append(False)
        self._near = [path.parent.name, *(name for name, meant in SPLIT_NAMES.items() if meant == split)]
        self._called, self._listed, self._others = {}, {}, set()
        self._first = len(self._lines)

    def image(self, name, width="", height=""):
        """The number of the image that a row names, for `add`; of an image that another file has: none that is kept.

        Args:
            width, height: as the row says
        """
        if name not in self._called:
            path = self.tree.named(name, self._near)
            id = self._ids_of.get(path) or bare_id("/".join(parts_of(name)) or name)
            self._called[name] = self._register(id, number(width), number(height))
        return self._called[name]

    def _register(self, id, width, height):
        self._listed[id] = None
        file = len(self._files) - 1
        if id not in self._indices:
            self._indices[id] = index = len(self._indices)
            self._file_of.append(file)
            self.annotations[id] = self._files[file][0]
            if width >= 1 and height >= 1:  # nan is not
                self._sizes[index] = round(width), round(height)
        elif self._file_of[self._indices[id]] != file:
            self._others.add(id)
            return _NO_IMAGE
        return self._indices[id]

    def add(self, image, corners, text, line, crowd=False):
        """A box of the image with this number.

        Args:
            corners: xmin, ymin, xmax, ymax, nan where one can't be read
            text: of its class, "" for none
            line: where it stands

        Raises:
            UserError: where the class has no end
        """
        if image == _NO_IMAGE:
            return
        try:
            text = class_name(text)
        except UserError as error:
            raise UserError(f"{self._files[-1][0]}, line {line}: {error}") from error
        self._images.append(image)
        self._corners.extend(corners)
        self._labels.append(self._classes.setdefault(text, len(self._classes)))
        self._lines.append(line)
        self._crowds.append(crowd)

    def end(self, may_be_shares=False):
        """The file is read to its end. Gives the ids that it lists.

        Args:
            may_be_shares: whether its numbers count as shares of the image's sides where all of them are below 1.5 and
                one isn't whole
        """
        path = self._files[-1][0]
        if may_be_shares and len(self._lines) > self._first:
            numbers = np.frombuffer(self._corners, np.float64)[4 * self._first :]
            numbers = numbers[np.isfinite(numbers)]  # a copy: the array can't grow while NumPy looks at it
            self._relative[-1] = bool(len(numbers) and (abs(numbers) < 1.5).all() and (numbers % 1 != 0).any())
        if self._others:
            text = f"has boxes of {counted(len(self._others), 'image')} that another file has too, whose boxes count"
            self.problems.append(Problem("annotated twice", path, text))
        return list(self._listed)

    def finish(self, named=None, called=None):
        """All files are read. Gives the names of classes in order, None for those in all rows, sorted.

        Classes that are whole numbers are labels: of `named`, else of class_0, class_1 …

        Args:
            named: the `ClassNames` of a class file
            called: text of a class -> the name that it stands for
        """
        texts = [text for text in self._classes if text]
        numbers = [int(match[1]) for text in texts if (match := _LABEL.fullmatch(text))]
        labels = bool(texts) and len(numbers) == len(texts) and not (named and all(t in named.names for t in texts))
        if labels and named is None and max(numbers) < MOST_CLASSES:
            named = ClassNames(numbered_names(max(numbers) + 1))
        labels = labels and named is not None
        self._named = named or ClassNames(())
        self._labelled = [
            int(_LABEL.fullmatch(text)[1]) if labels and text else (called or {}).get(text, text)
            for text in self._classes
        ]
        images = np.frombuffer(self._images, np.int32) if self._images else np.zeros(0, np.int32)
        self._order = np.argsort(images, kind="stable")
        self._offsets = np.searchsorted(images[self._order], np.arange(len(self._indices) + 1))
        if named:
            return named.names
        numbered = len(numbers) == len(texts)
        return tuple(sorted(texts, key=float)) if texts and numbered else None

    def read(self, id):
        """The `Annotation` of an image."""
        index = self._indices[id]
        path = self._files[self._file_of[index]][0]
        objects, problems = [], []
        for row in self._order[self._offsets[index] : self._offsets[index + 1]].tolist():
            found = self._object(row, path)
            (problems if isinstance(found, Problem) else objects).append(found)
            if isinstance(found, AnnotatedObject):
                problems += self._swapped(row, path, found)
        size = self._sizes.get(index)
        relative = self._relative[self._file_of[index]]
        return Annotation(path, tuple(objects), tuple(problems), size=size, relative=relative)

    def _object(self, row, path):
        """The object of a row, or the Problem that leaves it out."""
        where = f"line {self._lines[row]}"
        numbers = self._corners[4 * row : 4 * row + 4]
        name = self._labelled[self._labels[row]]
        if name == "":
            return Problem("object without name", path, f"{where}: an object without a class is left out")
        if isinstance(name, int):
            name = self._named.name_of(name)
        sides = ("x", "y") if self._points else _CORNERS
        wrong = [side for side, value in zip(sides, numbers, strict=False) if math.isnan(value)]
        if wrong:
            text = f"{where}: {name} has no number for {', '.join(wrong)} and is left out"
            return Problem("object without point" if self._points else "object without box", path, text)
        (left, right), (top, bottom) = sorted(numbers[::2]), sorted(numbers[1::2])
        if left == right or top == bottom:
            return Problem("box without area", path, f"{where}: {name} ({_shown(numbers)}) has no area and is left out")
        return AnnotatedObject(name, (left, top, right, bottom), crowd=bool(self._crowds[row]), where=where)

    def _swapped(self, row, path, found):
        numbers = self._corners[4 * row : 4 * row + 4]
        if found.box == tuple(numbers):
            return []
        text = found.located(f"{found.name} ({_shown(numbers)}) has its corners swapped")
        return [Problem("swapped corners", path, text)]


def _shown(numbers):
    return ", ".join(f"{value:g}" for value in numbers)


def listing_of(root, layout, rows, listed, classes, annotations):
    """The `Listing` of a data set whose rows have been read.

    Args:
        listed: list of (split, Path, ids), split "" for a file that is of none
        classes: names, as `Rows.finish` gives them
        annotations: where the files were looked for, None for root
    """
    tree = rows.tree
    return Listing(
        root,
        layout,
        tree.by_id,
        rows.annotations,
        rows.read,
        _lists_of(root, listed, rows, tree.by_id),
        classes,
        tuple(rows.problems),
        tuple(Problem("same id", path, f"has the id of {first}, which counts") for path, first in tree.doubles),
        tree.folder,
        annotations,
    )


def _lists_of(root, listed, rows, images):
    """The `Lists` of files that list images themselves, else as `find_lists` finds them."""
    ids, files = {}, {}
    for split, path, named in listed:
        if split:
            ids.setdefault(split, []).extend(named)
            files.setdefault(split, []).append(path)
    if not ids:
        return find_lists(root, rows.annotations, others=images)
    ids = {split: list(dict.fromkeys(named)) for split, named in ids.items()}
    return Lists(ids, {split: paths[0] for split, paths in files.items() if len(paths) == 1})


def text_files(root, annotations, suffixes):
    """The files to look at: the one that a person named, else those with these suffixes, those of splits first."""
    if annotations is not None and annotations.is_file():
        return [annotations]
    folder = annotations or root
    paths = [folder / relative for relative in files_below(folder, suffixes)]
    return sorted(paths, key=lambda path: (not split_of(path, folder), path))
