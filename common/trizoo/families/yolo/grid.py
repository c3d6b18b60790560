"""Every prediction of a YOLO model in one flat order: heads coarsest first, then rows, columns, anchors."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class YOLOGrid:
    """Constants of the N predictions of one image; N = sum over heads of H * W * A.

    Args:
        cells: float32 (N, 2), column and row
        strides: float32 (N,), input pixels per cell
        anchors: float32 (N, 2), width and height in input pixels
        heads: int64 (N,), index of the head
        scales: float32 (N,), scale_xy of the head
    """

    cells: np.ndarray
    strides: np.ndarray
    anchors: np.ndarray
    heads: np.ndarray
    scales: np.ndarray


def cells_per_head(spec, size):
    """Columns and rows of each head at an input size (width, height): int64 (heads, 2).

    Raises ValueError for a size that isn't a multiple of every stride.
    """
    strides = np.array(spec.strides)[:, None]
    if (np.array(size) % strides).any() or min(size) < 1:
        raise ValueError(f"size is {size}; both sides must be multiples of the strides {spec.strides}")
    return np.array(size) // strides


@lru_cache(maxsize=64)
def yolo_grid(spec, size):
    """The YOLOGrid of a ModelSpec at an input size (width, height). The arrays are shared and can't be written to.

    Raises ValueError for a size that isn't a multiple of every stride.
    """
    cells, strides, anchors, heads = [], [], [], []
    for head, (width, height) in enumerate(cells_per_head(spec, size)):
        stride, head_anchors = spec.strides[head], spec.anchors[head]
        count = len(head_anchors)
        rows, columns = np.divmod(np.arange(width * height), width)
        cells.append(np.repeat(np.stack([columns, rows], axis=1), count, axis=0))
        strides.append(np.full(width * height * count, stride))
        anchors.append(np.tile(np.array(head_anchors), (width * height, 1)))
        heads.append(np.full(width * height * count, head))
    grid = YOLOGrid(
        np.concatenate(cells).astype(np.float32),
        np.concatenate(strides).astype(np.float32),
        np.concatenate(anchors).astype(np.float32),
        np.concatenate(heads),
        np.array(spec.scale_xy, np.float32)[np.concatenate(heads)],
    )
    for array in vars(grid).values():
        array.flags.writeable = False
    return grid


def flatten_outputs(outputs):
    """Outputs as one array: (B, H, W, A, 5 + C) each -> (B, N, 5 + C), in the grid's order."""
    return np.concatenate([output.reshape(output.shape[0], -1, output.shape[-1]) for output in outputs], axis=1)
