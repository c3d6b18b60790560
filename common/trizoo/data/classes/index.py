"""All that is known of a data set of classes before a pixel is read, in a few arrays: a million images fit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trizoo.data.classes.dataset import ClassSet
from trizoo.data.classes.labels import count_labels, labels_of
from trizoo.data.images import sound_headers
from trizoo.data.name_files import class_order, order_files
from trizoo.data.reading import Problem
from trizoo.data.texts import Chosen, Texts


@dataclass(frozen=True)
class ClassIndex:
    """The images of a whole data set, each of a class, or each with any number of labels. Row r is an image.

    Args:
        ids, images: names and files, the latter seen from `folder`
        labels: int32 (R,), places in class_names; of several labels an image bool (R, C), which of them it has
        class_names: in the order of their ids
        rows_of: split -> int64 rows
        files: those that say what the splits are
        looked: row -> what `look` gave
    """

    root: Path
    layout: str
    folder: Path
    ids: Texts
    images: Texts
    labels: np.ndarray
    class_names: tuple[str, ...]
    rows_of: dict[str, np.ndarray]
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    looked: dict[int, object] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self):
        return len(self.ids)

    @property
    def splits(self):
        """Split -> ids of its images."""
        return {name: Chosen(self.ids, rows) for name, rows in self.rows_of.items()}

    def path(self, row):
        """The image file of a row."""
        return self.folder / self.images[row]

    def look(self, rows):
        """The `trizoo.data.images.Header` of each of these rows' images, or the UserError about it; read once."""
        new = [row for row in rows if row not in self.looked]
        self.looked.update(zip(new, sound_headers([self.path(row) for row in new]), strict=True))
        return [self.looked[row] for row in rows]

    def class_names_of(self, split):
        """The names of the classes that a split has images of, None for all images; in the order of their ids."""
        rows = slice(None) if split is None else self.rows_of.get(split, ())
        return tuple(name for name, count in zip(self.class_names, self.counts(rows), strict=True) if count)

    def counts(self, rows):
        """How many of these rows' images are of each class: int64 (C,)."""
        return count_labels(self.labels[rows], len(self.class_names))

    def names_of(self, row):
        """The class of a row's image, or its labels, as text."""
        labels = labels_of(self.labels[row])
        return ", ".join(self.class_names[label] for label in labels) or "no class"

    def open(self, split=None, classes=None):
        """The `ClassSet` of a split, None for all images."""
        return ClassSet(self, split, classes)


def make_index(root, layout, folder, images, names, splits, *, ids=None, files=(), apart=(), notes=(), problems=()):
    """A `ClassIndex`.

    Args:
        images: files as text, seen from `folder`
        names: the class of each; of several labels an image a tuple of them
        splits: name -> ids
        ids: of each image; None: made of `images`
        apart: files that don't say the order of classes, whatever they are called
    """
    ids = image_ids(images) if ids is None else ids
    several = any(isinstance(name, tuple) for name in names)
    found = {name for of_image in names for name in of_image} if several else {*names}
    order, told = class_order([path for path in order_files(root) if path not in apart], found)
    class_names = order or tuple(sorted(found))
    label_of = {name: label for label, name in enumerate(class_names)}
    row_of = {id: row for row, id in enumerate(ids)}
    if several:
        labels = np.zeros((len(names), len(class_names)), bool)
        for row, of_image in enumerate(names):
            labels[row, [label_of[name] for name in of_image]] = True
    else:
        labels = np.array([label_of[name] for name in names], np.int32)
    return ClassIndex(
        root,
        layout,
        folder,
        Texts.of(ids),
        Texts.of(images),
        labels,
        class_names,
        {name: np.array([row_of[id] for id in splits[name]], np.int64) for name in sorted(splits, key=_place)},
        tuple(files),
        (*told, *notes),
        tuple(problems),
    )


def _place(split):
    """Where a split stands among others: train, val, test, then by name."""
    usual = ("train", "val", "test")
    return usual.index(split) if split in usual else len(usual), split


def image_ids(images: Sequence[str]):
    """What images are called: their paths without suffix, with it where two would be the same -> list."""
    ids, seen = [], set()
    for image in images:
        stem = image.rpartition(".")[0]
        ids.append(image if stem in seen else stem)
        seen.add(stem)
    return ids
