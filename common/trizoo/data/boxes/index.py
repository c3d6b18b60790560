"""All that is known of a data set with boxes before a pixel is read, in a few arrays: two million images fit.

An image takes some 100 bytes and what its paths are long, and 22 bytes a box.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from trizoo.data.boxes.dataset import BoxSet
from trizoo.data.boxes.placing import place as place_boxes
from trizoo.data.boxes.placing import shares_suspected
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.images import CUT_OFF, Header, sound_headers
from trizoo.data.name_files import class_order
from trizoo.data.reading import Problem
from trizoo.data.texts import Chosen, Texts
from trizoo.ground.errors import UserError

_TEXTS = ("ids", "images")
_OF_RECORDS = ("sizes", "ends", "boxes", "names", "difficult", "crowd")
_AT_ONCE = 4096  # annotations that are in memory as objects at the same time


@dataclass(frozen=True)
class BoxIndex:
    """The images and boxes of a whole data set, every box with an area within its image.

    Row r is an image; its boxes are those from `ends[r - 1]` to `ends[r]`.

    Args:
        ids, images: names and files, the latter seen from root; "" where there is none
        annotated: bool (R,), whether there is an annotation
        sizes: int32 (R, 2), width and height as a viewer shows the image; 0 where that is unknown
        ends: int64 (R,)
        boxes: float32 (N, 4)
        names: int32 (N,), places in class_names
        difficult, crowd: bool (N,)
        same_as: int64 (R,), the row that an annotation of the same picture was put into, else the own row
        class_names: all that annotations use, in the order of their first use
        rows_of: split -> int64 rows, repeats and all
        list_files, list_notes, list_error: as in `trizoo.data.splits.Lists`
        problems: row -> what was put right or left out of it
        errors: row -> why it can't be used
        general: problems of no image
        classes, image_folder, annotation_folder, masks: as in `trizoo.data.boxes.listing.Listing`, masks their number
        find: gives that listing
    """

    root: Path
    layout: str
    ids: Texts
    images: Texts
    annotated: np.ndarray
    sizes: np.ndarray
    ends: np.ndarray
    boxes: np.ndarray
    names: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    same_as: np.ndarray
    class_names: tuple[str, ...]
    rows_of: dict[str, np.ndarray]
    list_files: dict[str, Path]
    list_notes: tuple[str, ...]
    list_error: str | None
    problems: dict[int, list[Problem]]
    errors: dict[int, str]
    general: tuple[Problem, ...]
    classes: tuple[str, ...] | None
    image_folder: Path | None
    annotation_folder: Path | None
    masks: int
    find: Callable[[], Any] = field(default=None, compare=False)

    def __len__(self):
        return len(self.ids)

    @property
    def splits(self):
        """Split -> ids of its images, repeats and all. Raises UserError for lists that can't be read."""
        if self.list_error:
            raise UserError(self.list_error)
        return {name: Chosen(self.ids, rows) for name, rows in self.rows_of.items()}

    @property
    def annotations(self):
        """Ids of the images that are annotated."""
        return Chosen(self.ids, np.flatnonzero(self.annotated))

    @property
    def has_image(self):
        """bool (R,)."""
        return np.diff(self.images.ends, prepend=0) > 0

    @property
    def notes(self):
        """Sentences about the boxes as a whole."""
        suspicion = shares_suspected(self.boxes, self.layout in OF_POINTS)
        return (f"{self.root}: {suspicion}",) if suspicion else ()

    def place_of(self, row, name):
        """Where the first object of a name stands, such as "a.xml, line 7"."""
        annotation = self.find().read(self.ids[row])
        thing = next((thing for thing in annotation.objects if thing.name == name), None)
        return f"{annotation.file}, {thing.where}" if thing and str(thing.where) else str(annotation.file)

    def objects_of(self, row):
        """The slice of a row's boxes."""
        return slice(int(self.ends[row - 1]) if row else 0, int(self.ends[row]))

    def open(self, split=None, classes=None, classes_map=None):
        """The `BoxSet` of a split; see `trizoo.data.boxes.listing.Listing.open`."""
        return BoxSet(self, split, classes, classes_map)

    def __getstate__(self):
        """What records need, for a loader process: of arrays that lie in files the files' names."""
        needed = {name: getattr(self, name) for name in ("root", "ids", "images", *_OF_RECORDS)}
        texts = {name: (stored(text.letters), stored(text.ends)) for name, text in needed.items() if name in _TEXTS}
        return {"root": self.root, **{name: stored(needed[name]) for name in _OF_RECORDS}, **texts}

    def __setstate__(self, state):
        for name, value in state.items():
            value = Texts(*map(loaded, value)) if name in _TEXTS else loaded(value)
            object.__setattr__(self, name, value)


def stored(array):
    """An array for another process: the path of the file that it is mapped from, else itself."""
    return Path(array.filename) if isinstance(array, np.memmap) else array


def loaded(value):
    """What `stored` gave, as an array that shares its memory with other processes where it lies in a file."""
    return np.load(value, mmap_mode="r") if isinstance(value, Path) and value.suffix == ".npy" else value


def build_index(listing):
    """Reads every annotation and the header of every image once: a `Listing` -> its `BoxIndex`.

    Images whose header can't be read, or whose file ends early in a way that no decoder gets over, are errors.
    """
    lists = listing.lists
    listed = dict.fromkeys(id for ids in lists.ids.values() for id in ids)
    ids = sorted(listing.annotations)
    ids += [id for id in listed if id not in listing.annotations]
    class_numbers, images, sizes, problems, errors = {}, [], [], {}, {}
    parts = []  # of each chunk: boxes, names, flags, counts
    for first in range(0, len(ids), _AT_ONCE):
        chunk = ids[first : first + _AT_ONCE]
        annotations = [_read(listing, id, first + place, errors) for place, id in enumerate(chunk)]
        paths = [listing.image_of(id, annotation) for id, annotation in zip(chunk, annotations, strict=True)]
        headers = sound_headers(paths)
        for row, (header, path) in enumerate(zip(headers, paths, strict=True), start=first):
            if isinstance(header, UserError):
                errors.setdefault(row, str(header))
            elif header is not None and header.cut:
                problems.setdefault(row, []).append(Problem("image cut off", path, CUT_OFF))
        usable = [
            place
            for place, (annotation, header) in enumerate(zip(annotations, headers, strict=True))
            if annotation is not None and isinstance(header, Header)
        ]
        for place in usable:
            annotation = annotations[place]
            if annotation.problems:
                problems.setdefault(first + place, []).extend(annotation.problems)
        read = [annotations[p] for p in usable], [headers[p] for p in usable]
        boxes, kept, found, outside = place_boxes(*read, listing.layout in OF_POINTS)
        for place, more in outside.items():
            problems.setdefault(first + usable[place], []).extend(more)
        things = [thing for place in usable for thing in annotations[place].objects]
        for annotation in annotations:
            for thing in annotation.objects if annotation else ():
                class_numbers.setdefault(thing.name, len(class_numbers))
        names = np.array([class_numbers[thing.name] for thing in things], np.int32)
        flags = np.array([(thing.difficult, thing.crowd) for thing in things], bool).reshape(-1, 2)
        counts = np.zeros(len(chunk), np.int64)
        counts[usable] = found
        parts.append((boxes, names[kept], flags[kept], counts))
        images += ["" if path is None else seen_from(listing.root, path) for path in paths]
        sizes += [header.size if isinstance(header, Header) else (0, 0) for header in headers]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else _nothing()
    boxes, names, flags, counts = columns
    rows = {id: row for row, id in enumerate(ids)}
    classes, notes = listing.classes, ()
    if classes is None:
        classes, notes = class_order(listing.order_files, class_numbers)
    index = BoxIndex(
        root=listing.root,
        layout=listing.layout,
        ids=Texts.of(ids),
        images=Texts.of(images),
        annotated=np.arange(len(ids)) < len(listing.annotations),
        sizes=np.array(sizes, np.int32).reshape(-1, 2),
        ends=np.cumsum(counts),
        boxes=boxes,
        names=names,
        difficult=np.ascontiguousarray(flags[:, 0]),
        crowd=np.ascontiguousarray(flags[:, 1]),
        same_as=np.arange(len(ids)),
        class_names=tuple(class_numbers),
        rows_of={name: np.array([rows[id] for id in listed], np.int64) for name, listed in lists.ids.items()},
        list_files=dict(lists.files),
        list_notes=(*lists.notes, *notes),
        list_error=str(lists.error) if lists.error else None,
        problems=problems,
        errors=errors,
        general=tuple(listing.problems),
        classes=classes,
        image_folder=listing.image_folder,
        annotation_folder=listing.annotation_folder,
        masks=len(listing.masks),
        find=lambda: listing,
    )
    return _merged(index, listing)


def seen_from(root, path):
    """A path relative to the root where it lies below, else as it is."""
    text, base = os.fspath(path), os.fspath(root) + os.sep
    return text[len(base) :] if text.startswith(base) else text


def _nothing():
    return np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros((0, 2), bool), np.zeros(0, np.int64)


def _read(listing, id, row, errors):
    """The annotation of an id, None where there is none or it can't be read, which `errors` then tells."""
    if id not in listing.annotations:
        return None
    try:
        return listing.read(id)
    except UserError as error:
        errors[row] = str(error)
        return None


def _merged(index, listing):
    """The same with the objects of all annotations of one picture in the first of their rows, equal ones once."""
    first, same_as = {}, index.same_as
    for row, image in enumerate(index.images):
        if image and index.annotated[row]:
            same_as[row] = first.setdefault(image, row)
    doubles = np.flatnonzero(same_as != np.arange(len(same_as)))
    if not len(doubles):
        return index
    rows = [list(range(*index.objects_of(row).indices(len(index.boxes)))) for row in range(len(index))]
    for row in doubles.tolist():
        target = int(same_as[row])
        known = {(*index.boxes[i].tolist(), int(index.names[i])) for i in rows[target]}
        rows[target] += [i for i in rows[row] if (*index.boxes[i].tolist(), int(index.names[i])) not in known]
        rows[row] = []
        text = f"annotates the same picture as {index.ids[target]}, so their objects count as one image's"
        problem = Problem("annotated twice", listing.annotations[index.ids[row]], text)
        index.problems.setdefault(target, []).extend([problem, *index.problems.pop(row, ())])
    order = np.array([i for row in rows for i in row], np.int64)
    columns = {name: getattr(index, name)[order] for name in ("boxes", "names", "difficult", "crowd")}
    return replace(index, ends=np.cumsum([len(row) for row in rows]), **columns)
