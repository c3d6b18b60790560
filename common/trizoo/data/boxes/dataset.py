"""Data sets with boxes, whatever their format: records of a split, samples, and what was wrong with them."""

import numpy as np

from trizoo.data.boxes.records import DROPPED, UNKNOWN, Records
from trizoo.data.class_maps import SYNONYMS, mapped, new_name, offer, without_use
from trizoo.data.class_names import class_name
from trizoo.data.images import read_image
from trizoo.data.reading import LEFT_OUT, Problem, listed_twice
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Sample
from trizoo.ground.text import first_few, hint


class BoxSet:
    """Images and boxes of a data set, or of one split of it.

    Boxes are clipped to the image's real size, on the upright image. What can't be read is left out, and a problem.

    Args:
        index: a `trizoo.data.boxes.index.BoxIndex`
        split: a name among its splits, None for every image that is annotated
        classes: names in the order of their labels, None for the format's own, else for all names in the annotations
            of the whole data set, sorted, so that splits agree
        classes_map: name in the annotations -> name of the class, "" leaves its objects out; see
            `trizoo.data.class_maps`. What is said of names is about the new ones

    Attributes:
        root, layout: the index's
        records: `Records` of `Record`
        problems: list of `Problem`: what was put right or left out
        notes: list of sentences worth a line in a log
        labels_are_read: whether `labels_in` reads a file each time: it doesn't

    Raises:
        UserError: for an unknown or empty split, missing images and annotations (a missing file is an error; an
            annotation without objects is an image without objects), where nothing can be read, and names that aren't
            among `classes`
    """

    labels_are_read = False

    def __init__(self, index, split=None, classes=None, classes_map=None):
        if isinstance(classes, str):
            raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
        self.root, self.layout, self.split = index.root, index.layout, split
        self.notes = [*index.notes] if split is None else [*index.list_notes, *index.notes]
        self.problems = list(index.general)
        rows = self._rows(index)
        self._require(index, rows, index.annotated, index.annotation_folder)
        self._require(index, rows, index.has_image, index.image_folder)
        rows = self._usable(index, rows)
        self._map = dict(classes_map or {})
        self.notes += without_use(self._map, (*index.class_names, *(index.classes or ())))
        if classes is None:
            own = sorted(index.class_names) if index.classes is None else index.classes
            classes = mapped(own, self._map)
            classes = sorted(classes) if index.classes is None else classes
        self.classes = tuple(classes)
        if len(set(self.classes)) < len(self.classes):
            raise UserError(f"a class is named twice in {', '.join(self.classes)}")
        numbers = {text: label for label, name in enumerate(self.classes) for text in (name, class_name(name))}
        numbers[""] = DROPPED
        names = [new_name(name, self._map) for name in index.class_names]
        labels = np.array([numbers.get(name, UNKNOWN) for name in names], np.int64)
        self._refuse_unknown(index, rows, labels)
        for row in rows.tolist():
            self.problems += index.problems.get(row, ())
        self.records = Records(index, rows, labels)

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        """Image, boxes and labels of `records[index]` as a `Sample`.

        With `at_least=(width, height)` a JPEG may be decoded smaller, but no smaller than that (see `read_image`), and
        the boxes are scaled with it. Raises UserError for an unreadable image.
        """
        record = self.records[index]
        image = read_image(record.image, at_least)
        height, width = image.shape[:2]
        scale = np.array([width / record.size[0], height / record.size[1]] * 2, np.float32)
        return Sample(image, record.boxes * scale, record.labels)

    def labels_in(self, index):
        """The set of labels of `records[index]`."""
        return set(self.records[index].labels.tolist())

    def _rows(self, index):
        """The rows of the split, each image once."""
        if self.split is None:
            rows, source = np.flatnonzero(index.annotated), self.root
        else:
            splits = index.splits
            if self.split not in splits:
                raise UserError(f"{self.root} has no split {self.split!r}; there are {', '.join(sorted(splits))}")
            rows, source = index.rows_of[self.split], index.list_files.get(self.split, self.root)
        if not len(rows):
            which = f"split {self.split!r} of " if self.split and source == self.root else ""
            raise UserError(f"{which}{source} lists no images")
        first = np.sort(np.unique(rows, return_index=True)[1])
        if len(first) < len(rows):
            self.problems.append(listed_twice(source, len(rows) - len(first)))
        rows = index.same_as[rows[first]]
        return rows[np.sort(np.unique(rows, return_index=True)[1])]

    def _require(self, index, rows, present, folder):
        missing = rows[~present[rows]]
        if len(missing):
            which = f"of split {self.split!r} " if self.split else ""
            raise UserError(
                f"{len(missing)} of {len(rows)} images {which}have no file in {folder or self.root}: "
                f"{first_few([index.ids[row] for row in missing.tolist()])}"
            )

    def _usable(self, index, rows):
        """The rows without those that can't be read, which become problems. Raises UserError where none is left."""
        wrong = [row for row in rows.tolist() if row in index.errors] if index.errors else []
        if len(wrong) == len(rows):
            raise UserError(index.errors[wrong[0]])
        for row in wrong:
            file = self.root / index.images[row]
            self.problems.append(Problem(LEFT_OUT, file, index.errors[row]))
        return rows[~np.isin(rows, wrong)] if wrong else rows

    def _refuse_unknown(self, index, rows, labels):
        """UserError for the first object of the rows whose name is none of the classes."""
        unknown = np.flatnonzero(labels == UNKNOWN)
        if not len(unknown):
            return
        for row in rows.tolist():
            names = index.names[index.objects_of(row)]
            wrong = names[np.isin(names, unknown)]
            if len(wrong):
                others = [index.class_names[number] for number in unknown]
                raise UserError(self._unknown(index, row, index.class_names[wrong[0]], others))

    def _unknown(self, index, row, name, others):
        """The sentence about an object of no known class; others: all names in the annotations that are none."""
        known = f"the classes are {first_few(self.classes)}" if self.classes else "no class is given"
        new = new_name(name, self._map)
        called = f"class {new!r} ({name} by the class map)" if new != name else f"class {name!r}"
        instead = offer(others, self.classes, self._map)
        near = "" if SYNONYMS.get(name) in self.classes else hint(new, self.classes)
        sentence = f"{index.place_of(row, name)}: unknown {called}{near}; {known}"
        if instead:
            return f"{sentence}; {instead} maps synonyms"
        return f'{sentence}; --classes-map "{name}=NAME" makes it one of them, and "{name}=" leaves it out'
