"""One COCO file of boxes as arrays, from which the objects of an image are made when they are asked for."""

from array import array
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from trizoo.data.boxes.listing import AnnotatedObject
from trizoo.data.class_names import class_name
from trizoo.data.coco_json import Category, Id, Image, decode, in_order, shown
from trizoo.data.reading import Problem
from trizoo.data.run_lengths import bounds_of_runs
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, first_few

_corners = msgspec.json.Decoder(tuple[float, float, float, float])
_NO_BOX = (np.nan,) * 4
_SHOWN = 60  # characters of what is no box


class _Entry(msgspec.Struct, gc=False):
    image_id: Id
    category_id: Id | None = None
    id: Any = None
    bbox: msgspec.Raw = msgspec.Raw()
    iscrowd: Any = 0
    ignore: Any = 0
    segmentation: msgspec.Raw = msgspec.Raw()
    segments_info: msgspec.Raw = msgspec.Raw()


class _Content(msgspec.Struct):
    images: list[Image]
    annotations: list[_Entry]
    categories: list[Category]


@dataclass(frozen=True)
class CocoBoxes:
    """The boxes of one JSON file. Rows are those of its images, and of its objects in the order of their images.

    Args:
        image_ids: as the file has them, each once
        file_names: of the images
        sizes: int64 (I, 2), width and height as the file says, 0 where it doesn't
        categories: id -> name, by id
        parents: names of categories that others have as their supercategory
        starts: int64 (I + 1): the objects of image i are rows starts[i] to starts[i + 1]
        boxes: float64 (N, 4), xmin, ymin, xmax, ymax
        labels: int64 (N,), places of categories in `categories`
        crowd: bool (N,)
        ignore: bool (N,)
        numbers: int64 (N,), the annotations' ids, or -1 - their place where that is no whole number
        problems: image's row -> what was left out of it
        others: what was left out of the file
        outlined: how many boxes are the bounds of a segmentation, since there is no bbox
    """

    path: Path
    image_ids: list
    file_names: list[str]
    sizes: np.ndarray
    categories: dict
    parents: frozenset[str]
    starts: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray
    ignore: np.ndarray
    numbers: np.ndarray
    problems: dict[int, list[Problem]]
    others: tuple[Problem, ...]
    outlined: int

    def objects(self, row):
        """The `AnnotatedObject`s of an image."""
        names = list(self.categories.values())
        rows = slice(self.starts[row], self.starts[row + 1])
        columns = (array[rows].tolist() for array in (self.labels, self.boxes, self.ignore, self.crowd, self.numbers))
        return [
            AnnotatedObject(names[label], tuple(box), ignore, crowd, _where(number))
            for label, box, ignore, crowd, number in zip(*columns, strict=True)
        ]


def read_boxes(path):
    """The `CocoBoxes` of a JSON file, None of one of panoptic segments.

    A bbox is x, y, width, height in pixels. Where there is none the bounds of the segmentation are the box; bounds of
    keypoints would be none of the object's. Left out, and told of: objects without a box, or one without area, of a
    category or an image that isn't listed. Raises UserError where the file isn't COCO's (see `decode`), or where an id
    stands for two images or categories.
    """
    content = decode(path, _Content)
    entries = content.annotations
    if any(bytes(entry.segments_info) for entry in entries[:1]):
        return None
    categories, parents = _categories(path, content.categories)
    images, others = unique_images(path, content.images)
    rows = {image.id: row for row, image in enumerate(images)}
    places = {id: place for place, id in enumerate(categories)}
    image_of = np.fromiter((rows.get(entry.image_id, -1) for entry in entries), np.int64, len(entries))
    labels = np.fromiter((places.get(entry.category_id, -1) for entry in entries), np.int64, len(entries))
    boxes, outlined, wrong = _boxes(entries)
    unlisted = np.flatnonzero(image_of < 0)
    if len(unlisted):
        named = first_few(
            [f"annotation {shown(entries[i].id)} of image {shown(entries[i].image_id)}" for i in unlisted]
        )
        text = f"{of_no_image(len(unlisted))}: {named}"
        others.append(Problem("annotation of no image", path, text))
    problems = defaultdict(list)
    for index in np.flatnonzero((labels < 0) & (image_of >= 0)):
        entry = entries[index]
        text = f"is of category {shown(entry.category_id)}, which isn't listed, and is left out"
        problems[int(image_of[index])].append(Problem("object without name", path, f"{_named(entry, index)} {text}"))
    names = list(categories.values())
    for index, (kind, text) in wrong.items():
        if image_of[index] >= 0 and labels[index] >= 0:
            text = f"{_named(entries[index], index)} ({names[labels[index]]}) {text} and is left out"
            problems[int(image_of[index])].append(Problem(kind, path, text))
    kept = np.flatnonzero((image_of >= 0) & (labels >= 0) & ~np.isnan(boxes[:, 0]))
    kept = kept[np.argsort(image_of[kept], kind="stable")]
    return CocoBoxes(
        path,
        [image.id for image in images],
        [image.file_name for image in images],
        np.array([image.size or (0, 0) for image in images], np.int64).reshape(-1, 2),
        categories,
        parents,
        np.searchsorted(image_of[kept], np.arange(len(images) + 1)),
        boxes[kept],
        labels[kept],
        np.fromiter((is_set(entries[index].iscrowd) for index in kept), bool, len(kept)),
        np.fromiter((is_set(entries[index].ignore) for index in kept), bool, len(kept)),
        np.fromiter((number_of(entries[index], index) for index in kept), np.int64, len(kept)),
        dict(problems),
        tuple(others),
        int(np.isin(kept, outlined).sum()),
    )


def _categories(path, entries):
    """Id -> name by id, numbers before texts, without those that have none; the names that are supercategories."""
    names = {}
    for entry in in_order(entries):
        name = class_name(str(entry.name))
        if names.get(entry.id, name) != name:
            raise UserError(f"{path}: category {shown(entry.id)} is {names[entry.id]!r} and {name!r}; one is needed")
        names[entry.id] = name
    parents = {
        class_name(entry.supercategory)
        for entry in entries
        if isinstance(entry.supercategory, str) and class_name(entry.supercategory) != names[entry.id]
    }
    return {id: name for id, name in names.items() if name}, frozenset(parents)


def unique_images(path, entries):
    """The images, each id once, and a list of problems."""
    first, twice = {}, []
    for entry in entries:
        known = first.setdefault(entry.id, entry)
        if known is entry:
            continue
        if known.file_name != entry.file_name:
            text = f"{known.file_name!r} and {entry.file_name!r} both have the id {shown(entry.id)}"
            raise UserError(f"{path}: images {text}, so which one annotations mean can't be known")
        twice.append(entry.file_name)
    if not twice:
        return entries, []
    stand, count = ("stands", "counts") if len(twice) == 1 else ("stand", "count")
    text = f"{counted(len(twice), 'image')} {stand} more than once and {count} once: {first_few(twice)}"
    return list(first.values()), [Problem("listed twice", path, text)]


def _boxes(entries):
    """Boxes (N, 4), nan for none; places of those that are bounds of segmentations; place -> (kind, what is wrong)."""
    written, missing = array("d"), []
    for index, entry in enumerate(entries):
        try:
            written.extend(_corners.decode(entry.bbox))
        except (ValueError, RecursionError):
            written.extend(_NO_BOX)
            missing.append(index)
    boxes = np.array(written, np.float64).reshape(-1, 4)
    sides = boxes[:, 2:].copy()
    with np.errstate(over="ignore"):
        boxes[:, 2:] += boxes[:, :2]
    outlined, wrong = [], {}
    for index in missing:
        bounds = _bounds(entries[index].segmentation)
        if bounds is None:
            text = bytes(entries[index].bbox)[:_SHOWN].decode("utf-8", "replace")
            has = f"has the box {text}, not four numbers," if text not in ("", "null", "[]") else "has no box"
            wrong[index] = "object without box", has
        else:
            outlined.append(index)
            boxes[index], sides[index] = bounds, (bounds[2] - bounds[0], bounds[3] - bounds[1])
    broken = np.isinf(boxes).any(axis=1) | ((sides <= 0) | (boxes[:, 2:] <= boxes[:, :2])).any(axis=1)
    for index in np.flatnonzero(broken).tolist():
        x, y, width, height = (f"{number:g}" for number in (*boxes[index, :2], *sides[index]))
        wrong[index] = "box without area", f"has a box of {width}x{height} at ({x}, {y})"
    boxes[broken] = np.nan
    return boxes, outlined, wrong


def _bounds(raw):
    """The bounds of a segmentation, outlines or run lengths: four numbers, None where it has none."""
    try:
        segmentation = msgspec.json.decode(raw)
        if isinstance(segmentation, dict):
            height, width = segmentation["size"]
            return bounds_of_runs(segmentation["counts"], (width, height))
        points = np.concatenate([np.array(outline, np.float64).reshape(-1, 2) for outline in segmentation])
        return (*points.min(axis=0), *points.max(axis=0))
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError, MemoryError):
        return None


def of_no_image(count):
    """What is said of so many annotations whose image a file doesn't list."""
    are = ("is of an image that isn't", "is") if count == 1 else ("are of images that aren't", "are")
    return f"{counted(count, 'annotation')} {are[0]} listed and {are[1]} left out"


def is_set(value):
    return value in (1, "1", "true")


def number_of(entry, index):
    return entry.id if type(entry.id) is int and 0 <= entry.id < 1 << 62 else -1 - int(index)


def _where(number):
    return f"annotation {number}" if number >= 0 else f"annotation at place {-1 - number}"


def _named(entry, index):
    return _where(number_of(entry, index))
