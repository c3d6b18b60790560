"""What a data set holds, counted: classes, sizes and shapes of boxes, pixels, and where in the images all of it lies.

Boxes are counted from records, so no image is decoded.
"""

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np

from trizoo.data.classes.labels import count_labels
from trizoo.data.images import in_threads
from trizoo.ground.conventions import IGNORE

SMALL, LARGE = 32, 96  # COCO's limits of small, medium and large, as sides of a square in pixels
GRID = 32  # cells a side of the maps of positions
MOST_MASKS = 200  # that the maps and shares of masks are made from, evenly chosen


@dataclass(frozen=True)
class BoxStatistics:
    """Of N boxes in M images.

    Args:
        objects: int64 (C,), boxes of each class
        holders: int64 (C,), images with a box of each class
        per_image: int64 (M,), boxes of each image
        sides: float64 (N,), square roots of areas in the images' pixels
        ratios: float64 (N,), width over height
        centres: int64 (GRID, GRID), boxes whose centre lies there, the image's upper left corner first
        sizes: (width, height) -> images, most frequent first
    """

    objects: np.ndarray
    holders: np.ndarray
    per_image: np.ndarray
    sides: np.ndarray
    ratios: np.ndarray
    centres: np.ndarray
    sizes: dict[tuple[int, int], int]

    @property
    def without(self):
        """How many images have no box."""
        return int((self.per_image == 0).sum())


@dataclass(frozen=True)
class MaskStatistics:
    """Of the masks of M images, M at least 1.

    Args:
        pixels: int64 (C,), see `trizoo.data.masks.dataset.MaskSet.class_pixels`
        looked_at: how many masks the rest is made from
        holders: int64 (C,), of those the ones with a pixel of each class
        ignoring: of those the ones with a pixel that is ignored
        ignored: share of their pixels that is
        coverage: float64 (C, GRID, GRID), share of the pixels there that is of the class
        sizes: (width, height) -> images, most frequent first
    """

    pixels: np.ndarray
    looked_at: int
    holders: np.ndarray
    ignoring: int
    ignored: float
    coverage: np.ndarray
    sizes: dict[tuple[int, int], int]


def of_boxes(records, num_classes):
    """The `BoxStatistics` of records; one pass over them, of any length."""
    objects, holders = np.zeros(num_classes, np.int64), np.zeros(num_classes, np.int64)
    per_image, sides, ratios, places, sizes = [], [], [], [], Counter()
    for record in records:
        corners = np.asarray(record.boxes, np.float64)
        extents = corners[:, 2:] - corners[:, :2]
        counts = np.bincount(record.labels, minlength=num_classes)
        objects += counts
        holders += counts > 0
        per_image.append(len(corners))
        sizes[tuple(record.size)] += 1
        sides.append(np.sqrt(extents.prod(axis=1)))
        ratios.append(extents[:, 0] / extents[:, 1])
        places.append((corners[:, :2] + corners[:, 2:]) / 2 / record.size)
    columns, rows = (_joined(places, (0, 2)) * GRID).astype(np.int64).clip(0, GRID - 1).T
    centres = np.bincount(rows * GRID + columns, minlength=GRID * GRID).reshape(GRID, GRID)
    return BoxStatistics(
        objects,
        holders,
        np.array(per_image, np.int64),
        _joined(sides, (0,)),
        _joined(ratios, (0,)),
        centres,
        dict(sizes.most_common()),
    )


@dataclass(frozen=True)
class ClassStatistics:
    """Of images with a class each, or with any number of labels.

    Args:
        images: int64 (C,), images of each class
        sizes: (width, height) -> images, most frequent first
    """

    images: np.ndarray
    sizes: dict[tuple[int, int], int]


def of_classes(source):
    """The `ClassStatistics` of a `trizoo.data.classes.dataset.ClassSet`."""
    records = source.records
    sizes = Counter(map(tuple, records.sizes.tolist()))
    return ClassStatistics(count_labels(records.labels, len(source.classes)), dict(sizes.most_common()))


def of_masks(source):
    """The `MaskStatistics` of a `trizoo.data.masks.dataset.MaskSet`; of many masks MOST_MASKS are looked at."""
    num_classes = len(source.classes)
    chosen = evenly(len(source), MOST_MASKS)

    def look(index):
        mask = source.mask(index)
        counts = np.bincount(mask.ravel(), minlength=256)
        maps = {
            label: cv2.resize((mask == label).astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
            for label in np.flatnonzero(counts[:num_classes]).tolist()
        }
        return counts, maps

    coverage = np.zeros((num_classes, GRID, GRID))
    values, holders = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for counts, maps in in_threads(look, chosen):
        values += counts
        holders += counts > 0
        for label, share in maps.items():
            coverage[label] += share
    sizes = Counter(tuple(record.size) for record in source.records)
    return MaskStatistics(
        source.class_pixels(),
        len(chosen),
        holders[:num_classes],
        int(holders[IGNORE]),
        float(values[IGNORE] / values.sum()),
        coverage / len(chosen),
        dict(sizes.most_common()),
    )


def evenly(count, most):
    """At most so many of the numbers 0 to count - 1, the first and the last among them where there are two or more."""
    if count <= most:
        return list(range(count))
    return np.linspace(0, count - 1, most).round().astype(int).tolist()


def _joined(arrays, shape):
    """The arrays one after the other, of this shape where there are none."""
    return np.concatenate([np.zeros(shape), *arrays])
