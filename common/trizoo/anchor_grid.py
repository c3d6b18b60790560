"""Anchors of SSD and RetinaNet in one flat order: levels finest first, then rows, columns, anchors of a cell."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trizoo.boxes import cxcywh_to_xyxy


@dataclass(frozen=True)
class AnchorGrid:
    """The N anchors of an input, and so its predictions' order; N = sum over levels of rows * columns * anchors.

    boxes: float32 (N, 4) in pixels of the input, not clipped to it; levels: int64 (N,), index of the level
    """

    boxes: np.ndarray
    levels: np.ndarray


@dataclass(frozen=True)
class DefaultBoxes:
    """Which anchors an SSD has. A level's anchors share its size s; the next level's, or the last of `sizes`, is t.

    Of each cell, in this order: s x s, a square of sqrt(s * t), and for each ratio r two of area s^2, one r times as
    wide as high and then one r times as high as wide (Liu et al. 2016, section 2.2).
    side: pixels of the square input; cells: per level, a side; steps: per level, pixels from cell to cell, the first
    centre being at half of it; sizes: pixels, one more than levels; ratios: per level, above 1
    clipped: whether no side exceeds the input's, as in torchvision
    """

    side: int
    cells: tuple[int, ...]
    steps: tuple[float, ...]
    sizes: tuple[float, ...]
    ratios: tuple[tuple[float, ...], ...]
    clipped: bool = False

    def __post_init__(self):
        lengths = [len(self.cells), len(self.steps), len(self.sizes) - 1, len(self.ratios)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"cells, steps, sizes and ratios have lengths {lengths[0]}, {lengths[1]}, {len(self.sizes)} and "
                f"{lengths[3]}; one each a level is needed, and one more of sizes"
            )

    @property
    def anchors_per_cell(self):
        """How many anchors a cell of each level has: a tuple."""
        return tuple(2 + 2 * len(ratios) for ratios in self.ratios)


CELLS_300 = (38, 19, 10, 5, 3, 1)
STEPS_300 = (8, 16, 32, 64, 100, 300)
RATIOS_300 = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
SSD_ANCHORS = {
    # torchvision's ssd300_vgg16: scales times 300
    "ssd300": DefaultBoxes(300, CELLS_300, STEPS_300, (21, 45, 99, 153, 207, 261, 315), RATIOS_300, clipped=True),
    # the original's ssd_pascal.py
    "ssd300-caffe": DefaultBoxes(300, CELLS_300, STEPS_300, (30, 60, 111, 162, 213, 264, 315), RATIOS_300),
    # the original's for VOC: 0.07, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05 times 512
    "ssd512": DefaultBoxes(
        512,
        (64, 32, 16, 8, 4, 2, 1),
        (8, 16, 32, 64, 128, 256, 512),
        (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6),
        ((2,), (2, 3), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    ),
    # the sizes of "ssd300" on the levels of MobileNetV2, which begin at stride 16
    "ssd300-mobilenetv2": DefaultBoxes(
        300, (19, 10, 5, 3, 2, 1), (16, 32, 64, 100, 150, 300), (21, 45, 99, 153, 207, 261, 315), ((2, 3),) * 6
    ),
}


@lru_cache(maxsize=16)
def ssd_grid(anchors):
    """The AnchorGrid of DefaultBoxes. The arrays are shared and can't be written to."""
    boxes = []
    for level, (cells, step, ratios) in enumerate(zip(anchors.cells, anchors.steps, anchors.ratios, strict=True)):
        size, root = anchors.sizes[level], math.sqrt(anchors.sizes[level] * anchors.sizes[level + 1])
        stretches = [math.sqrt(ratio) for ratio in ratios]
        wide = [(size * stretch, size / stretch) for stretch in stretches]
        sides = np.array([(size, size), (root, root), *(pair for wh in wide for pair in (wh, wh[::-1]))])
        if anchors.clipped:
            sides = np.minimum(sides, anchors.side)
        cell_anchors = cxcywh_to_xyxy(np.concatenate([np.zeros_like(sides), sides], axis=1))
        boxes.append(_laid_out(cell_anchors, cells, cells, (step, step), offset=0.5))
    return _grid(boxes)


@dataclass(frozen=True)
class PyramidAnchors:
    """Which anchors a RetinaNet has on P3 to P7: of each cell ratios, and of each ratio sizes (Lin et al. 2017).

    sizes: per level, pixels: an anchor has the area of its square; ratios: height by width
    rounded: torchvision's way. Corners about the centre are rounded to whole pixels, half to even; the first centre is
             the input's corner, and cells are the input's side // cells apart, so 60 pixels where 608 have 10 cells.
             Otherwise keras-retinanet's: nothing is rounded, cells are 8 to 128 pixels apart and have their own centre
    """

    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rounded: bool = True

    @property
    def anchors_per_cell(self):
        """How many anchors a cell of each level has: a tuple."""
        return tuple(len(sizes) * len(self.ratios) for sizes in self.sizes)


PYRAMID_LEVELS = (3, 4, 5, 6, 7)
SIZES = (32, 64, 128, 256, 512)
SCALES = (1, 2 ** (1 / 3), 2 ** (2 / 3))
RETINANET_ANCHORS = {
    # torchvision's retinanet_resnet50_fpn cuts off what is behind the point: 40 of 40.3, 50 of 50.8
    "retinanet": PyramidAnchors(tuple(tuple(int(size * scale) for scale in SCALES) for size in SIZES)),
    "keras-retinanet": PyramidAnchors(tuple(tuple(size * scale for scale in SCALES) for size in SIZES), rounded=False),
}


def pyramid_cells(size):
    """Columns and rows of P3 to P7 at an input size (width, height): int64 (5, 2).

    Each halving rounds up, so a level of stride s has ceil(side / s). Raises ValueError for a side below 1.
    """
    if min(size) < 1:
        raise ValueError(f"size is {size}; both sides must be at least 1")
    return -(-np.array(size) // 2 ** np.array(PYRAMID_LEVELS)[:, None])


@lru_cache(maxsize=16)
def retinanet_grid(size, anchors=RETINANET_ANCHORS["retinanet"]):
    """The AnchorGrid of PyramidAnchors at an input size (width, height), any. The arrays can't be written to.

    Raises ValueError for a side below 1, and for other than five levels of sizes.
    """
    if len(anchors.sizes) != len(PYRAMID_LEVELS):
        raise ValueError(f"sizes has {len(anchors.sizes)} levels; {len(PYRAMID_LEVELS)}, of P3 to P7, are needed")
    boxes = []
    stretches = np.sqrt(np.array(anchors.ratios, np.float32))[:, None]
    for level, (columns, rows), sizes in zip(PYRAMID_LEVELS, pyramid_cells(size).tolist(), anchors.sizes, strict=True):
        sizes = np.array(sizes, np.float32)
        half = np.stack([(1 / stretches * sizes).ravel(), (stretches * sizes).ravel()], axis=1) / 2
        cell_anchors = np.concatenate([-half, half], axis=1)
        if anchors.rounded:
            apart = (size[0] // columns, size[1] // rows)
            boxes.append(_laid_out(cell_anchors.round(), columns, rows, apart, offset=0))
        else:
            boxes.append(_laid_out(cell_anchors, columns, rows, (2**level, 2**level), offset=0.5))
    return _grid(boxes)


def _laid_out(cell_anchors, columns, rows, apart, offset):
    """Anchors about a centre (A, 4), laid on every cell, rows first -> float64 (rows * columns * A, 4).

    apart: (x, y) pixels from cell to cell; offset: where in its cell a centre is, in cells.
    """
    y, x = np.divmod(np.arange(rows * columns), columns)
    centres = (np.stack([x, y], axis=1) + offset) * apart
    return (np.tile(centres, 2)[:, None] + cell_anchors).reshape(-1, 4)


def _grid(boxes):
    """The AnchorGrid of levels of boxes, made read-only."""
    levels = np.repeat(np.arange(len(boxes)), [len(of_level) for of_level in boxes])
    grid = AnchorGrid(np.concatenate(boxes).astype(np.float32), levels)
    for array in vars(grid).values():
        array.flags.writeable = False
    return grid
