"""Anchors of SSD and RetinaNet in one flat order: levels finest first, then rows, columns, anchors of a cell."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AnchorGrid:
    """The N anchors of an input, and so its predictions' order; N = sum over levels of rows * columns * anchors.

    Args:
        boxes: float32 (N, 4) in pixels of the input, not clipped to it
        levels: int64 (N,), index of the level
    """

    boxes: np.ndarray
    levels: np.ndarray


def lay_out(cell_anchors, columns, rows, apart, offset):
    """Anchors about a centre (A, 4), laid on every cell, rows first -> float64 (rows * columns * A, 4).

    Args:
        apart: (x, y) pixels from cell to cell
        offset: where in its cell a centre is, in cells
    """
    y, x = np.divmod(np.arange(rows * columns), columns)
    centres = (np.stack([x, y], axis=1) + offset) * apart
    return (np.tile(centres, 2)[:, None] + cell_anchors).reshape(-1, 4)


def make_grid(boxes):
    """The AnchorGrid of levels of boxes, made read-only."""
    levels = np.repeat(np.arange(len(boxes)), [len(of_level) for of_level in boxes])
    grid = AnchorGrid(np.concatenate(boxes).astype(np.float32), levels)
    for array in vars(grid).values():
        array.flags.writeable = False
    return grid
