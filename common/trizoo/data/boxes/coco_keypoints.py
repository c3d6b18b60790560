"""COCO's JSON files of key points.

Limits: as of boxes; a file of 64 MiB is read within 600 MiB and 10 seconds, larger ones in proportion.
"""

from collections import Counter, defaultdict
from typing import Any

import msgspec
import numpy as np

from trizoo.data.boxes.coco import listing_of
from trizoo.data.boxes.coco_file import CocoBoxes, is_set, number_of, of_no_image, unique_images
from trizoo.data.boxes.points import HALF
from trizoo.data.boxes.rows import FARTHEST
from trizoo.data.class_names import class_name
from trizoo.data.coco_files import find_files
from trizoo.data.coco_json import Category, Id, Image, decode, in_order, shown
from trizoo.data.reading import Problem, json_files
from trizoo.ground.boxes import around

_numbers = msgspec.json.Decoder(list[float])


class _Entry(msgspec.Struct, gc=False):
    image_id: Id
    category_id: Id | None = None
    id: Any = None
    keypoints: msgspec.Raw = msgspec.Raw()
    iscrowd: Any = 0


class _Named(Category):
    keypoints: Any = None


class _Content(msgspec.Struct):
    images: list[Image]
    annotations: list[_Entry]
    categories: list[_Named]


def find_coco_keypoints(root, images=None, annotations=None):
    """The `Listing` of the key points in COCO's files, None where no annotation has any.

    The files are those with "keypoints" in their name, else those of `trizoo.data.boxes.coco.find_coco`, which also
    says how images and splits are found; each has up to 4 GiB. A key point is an object with a box of one pixel about
    it. Its class is the category's name where that has one key point, else the key point's own, such as left_eye, after
    the category's where two categories have one of that name. Key points with the visibility 0 aren't there.

    Raises:
        UserError: where a file can't be read as COCO's
    """
    named = [path for path in json_files(annotations or root) if "keypoints" in path.name.casefold()]
    paths = named if annotations is None or annotations.is_dir() else []
    files = [read_keypoints(path) for path in paths or find_files(root, annotations)]
    files = [file for file in files if file is not None]
    return listing_of(root, files, images, "coco-keypoints") if files else None


def read_keypoints(path):
    """The `CocoBoxes` of the key points in a JSON file, None of one without any.

    Raises UserError where the file isn't COCO's (see `trizoo.data.coco_json.decode`).
    """
    content = decode(path, _Content)
    if not any(bytes(entry.keypoints) not in (b"", b"null", b"[]") for entry in content.annotations):
        return None
    classes = _classes(content.categories)
    images, others = unique_images(path, content.images)
    rows = {image.id: row for row, image in enumerate(images)}
    starts, names = {}, []
    for id, of_category in classes.items():
        starts[id] = len(names)
        names += of_category
    places, points, labels, crowd, numbers, problems = [], [], [], [], [], defaultdict(list)
    unlisted = 0
    for index, entry in enumerate(content.annotations):
        row = rows.get(entry.image_id)
        if row is None:
            unlisted += 1
            continue
        found, wrong = _points(entry, classes)
        if wrong:
            text = f"annotation {shown(entry.id) if isinstance(entry.id, Id) else index} {wrong} and is left out"
            problems[row].append(Problem("object without key points", path, text))
        for place, point in found:
            places.append(row)
            points.append(point)
            labels.append(starts[entry.category_id] + place)
            crowd.append(is_set(entry.iscrowd))
            numbers.append(number_of(entry, index))
    if unlisted:
        others.append(Problem("annotation of no image", path, of_no_image(unlisted)))
    places = np.array(places, np.int64)
    order = np.argsort(places, kind="stable")
    points = np.array(points, np.float64).reshape(-1, 2)[order]
    return CocoBoxes(
        path,
        [image.id for image in images],
        [image.file_name for image in images],
        np.array([image.size or (0, 0) for image in images], np.int64).reshape(-1, 2),
        dict(enumerate(names, start=1)),
        frozenset(),
        np.searchsorted(places[order], np.arange(len(images) + 1)),
        around(points, HALF),
        np.array(labels, np.int64)[order],
        np.array(crowd, bool)[order],
        np.zeros(len(points), bool),
        np.array(numbers, np.int64)[order],
        dict(problems),
        tuple(others),
        0,
    )


def _classes(categories):
    """{id of a category: the class of each of its key points}."""
    of_category = {}
    for entry in in_order(categories):
        listed = entry.keypoints if isinstance(entry.keypoints, list) else []
        own = [class_name(str(name)) for name in listed]
        of_category[entry.id] = own if len(own) > 1 else [class_name(str(entry.name))]
    counts = Counter(name for names in of_category.values() for name in names)
    titles = {entry.id: class_name(str(entry.name)) for entry in categories}
    return {
        id: [name if counts[name] == 1 or len(names) == 1 else f"{titles[id]} {name}" for name in names]
        for id, names in of_category.items()
    }


def _points(entry, classes):
    """What is there of an annotation: [(place among its category's key points, (x, y))], and what is wrong, or ""."""
    if entry.category_id not in classes:
        return [], f"is of category {shown(entry.category_id)}, which isn't listed,"
    try:
        numbers = _numbers.decode(entry.keypoints)
    except (ValueError, RecursionError):
        return [], "has no list of numbers as key points"
    count = len(classes[entry.category_id])
    if len(numbers) != 3 * count:
        return [], f"has {len(numbers)} numbers as key points, and its category needs {3 * count},"
    if not all(abs(number) < FARTHEST for number in numbers):
        return [], "has key points beyond all images"
    triples = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    return [(place, (x, y)) for place, (x, y, visible) in enumerate(triples) if visible > 0], ""
