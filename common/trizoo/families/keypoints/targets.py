"""Key points' targets: the cell that holds a mark, and where in it the mark is."""

import numpy as np

from trizoo.families.anchored.matching import NEGATIVE
from trizoo.families.base.padding import in_a_row, places
from trizoo.ground.boxes import centres


def cells_of(size, stride):
    """Columns and rows at an input size (width, height). Raises ValueError for sides that aren't its multiples."""
    if any(side % stride or side < 1 for side in size):
        raise ValueError(f"size is {tuple(size)}; both sides must be multiples of the stride {stride}")
    return size[0] // stride, size[1] // stride


def assign(boxes, labels, num_classes, size, stride):
    """Targets of a batch at an input size (width, height), of N cells, rows first. A mark is the centre of a box.

    A mark outside of the input has no cell. Of several in one cell the last one counts: a cell holds one.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        num_classes: without the background
        size: (width, height) of the input
        stride: pixels per cell

    Returns:
        matches: int32 (B, N), the class of each cell's mark, or NEGATIVE
        offsets: float32 (B, N, 2), x and y of the mark less those of the cell's centre, in cells: -0.5 to 0.5; 0
            without a mark
        num_positives: float32 (), how many cells of the batch have a mark, at least 1; losses are divided by it

    Raises:
        ValueError: where labels don't match boxes or classes, and for a size that isn't a multiple of the stride
    """
    columns, rows = cells_of(size, stride)
    flat_boxes, flat_labels, counts = in_a_row(boxes, labels, num_classes)
    image, _ = places(counts)
    marks = centres(flat_boxes) / stride
    inside = ((marks >= 0) & (marks <= [columns, rows])).all(axis=1)
    image, marks, flat_labels = image[inside], marks[inside], flat_labels[inside]
    # a mark on the right or lower border belongs to the last cell
    cells = np.minimum(marks.astype(np.int64), [columns - 1, rows - 1])
    where = image, cells[:, 1] * columns + cells[:, 0]
    matches = np.full((len(boxes), rows * columns), NEGATIVE, np.int32)
    offsets = np.zeros((*matches.shape, 2), np.float32)
    matches[where], offsets[where] = flat_labels, marks - cells - 0.5
    return {"matches": matches, "offsets": offsets, "num_positives": np.float32(max(1, (matches >= 0).sum()))}
