"""A split of a data set of classes, whatever its format: records, samples, and what was wrong with them."""

from collections.abc import Sequence

import numpy as np

from trizoo.data.class_names import class_name
from trizoo.data.classes.labels import labels_of
from trizoo.data.images import CUT_OFF, read_image
from trizoo.data.reading import LEFT_OUT, Problem
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record, Sample
from trizoo.ground.text import first_few, hint


class ClassRecords(Sequence):
    """A sequence of `Record`, each made when it is asked for; a slice of it is one too.

    Args:
        index: a `trizoo.data.classes.index.ClassIndex`
        rows: int64 (N,), which of its images
        sizes: int32 (N, 2), width and height
        labels: int64 (N,), or bool (N, C) where images have several
    """

    def __init__(self, index, rows, sizes, labels):
        self.index, self.rows, self.sizes, self.labels = index, rows, sizes, labels

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, number):
        if isinstance(number, slice):
            return ClassRecords(self.index, self.rows[number], self.sizes[number], self.labels[number])
        row, size = int(self.rows[number]), tuple(self.sizes[number].tolist())
        id, path, label = self.index.ids[row], self.index.path(row), self.labels[number]
        if label.ndim:
            return Record(id, path, size, labels=np.flatnonzero(label))
        return Record(id, path, size, label=int(label))


class ClassSet:
    """Images with a class each, or with any number of labels, of a data set or of one split of it.

    What can't be read is left out, and a problem.

    Args:
        index: a `trizoo.data.classes.index.ClassIndex`
        split: a name among its splits, None for every image
        classes: names in the order of their ids, None for those of the whole data set

    Attributes:
        root, layout: the index's
        records: `ClassRecords`
        problems: list of `Problem`: what was put right or left out
        notes: list of sentences worth a line in a log
        labels_are_read: whether `labels_in` reads a file each time: it doesn't

    Raises:
        UserError: for an unknown or empty split, where nothing can be read, and for a class that isn't among `classes`
    """

    labels_are_read = False

    def __init__(self, index, split=None, classes=None):
        self.root, self.layout, self.split = index.root, index.layout, split
        self.notes, self.problems = list(index.notes), list(index.problems)
        rows = self._rows(index)
        self.classes = tuple(classes or index.class_names)
        label_of = {class_name(name): label for label, name in enumerate(self.classes)}
        new = np.array([label_of.get(name, -1) for name in index.class_names], np.int64)
        unknown = (index.labels[rows] & (new < 0)).any(axis=1) if index.labels.ndim > 1 else new[index.labels[rows]] < 0
        if unknown.any():
            first = int(rows[unknown][0])
            name = next(index.class_names[label] for label in labels_of(index.labels[first]) if new[label] < 0)
            raise UserError(
                f"{index.path(first)} is of the class {name!r}, which isn't among {first_few(self.classes)}"
                f"{hint(name, self.classes)}"
            )
        headers = index.look(rows.tolist())
        sound = np.array([not isinstance(header, UserError) for header in headers])
        if not sound.any():
            raise headers[0]
        for row, header in zip(rows.tolist(), headers, strict=True):
            if isinstance(header, UserError):
                self.problems.append(Problem(LEFT_OUT, index.path(row), str(header)))
            elif header.cut:
                self.problems.append(Problem("image cut off", index.path(row), CUT_OFF))
        sizes = [header.size for header in headers if not isinstance(header, UserError)]
        labels = index.labels[rows[sound]]
        if labels.ndim > 1:
            there = new >= 0
            table = np.zeros((len(labels), len(self.classes)), bool)
            table[:, new[there]] = labels[:, there]
        else:
            table = new[labels]
        self.records = ClassRecords(index, rows[sound], np.array(sizes, np.int32), table)

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        """Image and class or labels of `records[index]` as a `Sample`.

        With `at_least=(width, height)` a JPEG may be decoded smaller, but no smaller than that (see `read_image`).
        Raises UserError for an unreadable image.
        """
        record = self.records[index]
        image = read_image(record.image, at_least)
        shares = dict.fromkeys(labels_of(self.records.labels[index]), 1.0)
        return Sample(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), shares=shares)

    def labels_in(self, index):
        """The set of the class ids of `records[index]`."""
        return {*labels_of(self.records.labels[index])}

    def _rows(self, index):
        if self.split is None:
            if not len(index):
                raise UserError(f"{self.root} lists no images")
            return np.arange(len(index))
        rows = index.rows_of.get(self.split)
        if rows is None:
            raise UserError(f"{self.root} has no split {self.split!r}; there are {', '.join(sorted(index.rows_of))}")
        if not len(rows):
            raise UserError(f"split {self.split!r} of {self.root} lists no images")
        return rows
