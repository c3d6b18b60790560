"""RetinaNet's anchors, and how its boxes are offsets from them."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trizoo.families.anchored.coding import CentreCoding, CornerCoding
from trizoo.families.anchored.grid import lay_out, make_grid


@dataclass(frozen=True)
class PyramidAnchors:
    """Which anchors a RetinaNet has on P3 to P7: of each cell ratios, and of each ratio sizes (Lin et al. 2017).

    Args:
        sizes: per level, pixels: an anchor has the area of its square
        ratios: height by width
        rounded: torchvision's way. Corners about the centre are rounded to whole pixels, half to even; the first centre
            is the input's corner, and cells are the input's side // cells apart, so 60 pixels where 608 have 10 cells.
            Otherwise keras-retinanet's: nothing is rounded, cells are 8 to 128 pixels apart and have their own centre
        shapes: in the place of ratios, (width, height) of an anchor of size 1
        shift: pixels by which anchors lie right of their place, and below it; not of rounded ones
        cut: whether anchors end at the input's borders, before any shift; not of rounded ones
        same: whether they move by `same_shifts`, for a network that pads as TensorFlow's "same"; not of rounded ones
    """

    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rounded: bool = True
    shapes: tuple[tuple[float, float], ...] = ()
    shift: float = 0.0
    cut: bool = False
    same: bool = False

    def scaled(self, factor):
        """These, so many times as large before what the preset cuts off or rounds, in the same places."""
        return replace(self, sizes=tuple(tuple(size * factor for size in sizes) for sizes in self.sizes))

    @property
    def anchors_per_cell(self):
        """How many anchors a cell of each level has: a tuple."""
        return tuple(len(sizes) * len(self.shapes or self.ratios) for sizes in self.sizes)


PYRAMID_LEVELS = (3, 4, 5, 6, 7)


SIZES = (32, 64, 128, 256, 512)


SCALES = (1, 2 ** (1 / 3), 2 ** (2 / 3))


RETINANET_ANCHORS = {
    # torchvision's retinanet_resnet50_fpn cuts off what is behind the point: 40 of 40.3, 50 of 50.8
    "retinanet": PyramidAnchors(tuple(tuple(int(size * scale) for scale in SCALES) for size in SIZES)),
    "keras-retinanet": PyramidAnchors(tuple(tuple(size * scale for scale in SCALES) for size in SIZES), rounded=False),
    # for networks of TensorFlow's padding: keras-retinanet's, and retinanet-keras's of bubbliiiing (utils/anchors.py)
    "keras-retinanet-same": PyramidAnchors(
        tuple(tuple(size * scale for scale in SCALES) for size in SIZES), rounded=False, same=True
    ),
    "retinanet-keras": PyramidAnchors(
        tuple(tuple(size * scale for scale in SCALES) for size in SIZES), rounded=False, cut=True, same=True
    ),
    # retinanet-pytorch's of bubbliiiing (utils/anchors.py). Its pool begins a pixel further on than ours, which is two
    # pixels of the input: its features see so much more of what is right and below, and anchors move the other way
    "retinanet-bubbliiiing": PyramidAnchors(
        tuple(tuple(size * scale for scale in SCALES) for size in SIZES),
        rounded=False,
        shapes=((1.0, 1.0), (1.4, 0.7), (0.7, 1.4)),
        shift=-2.0,
    ),
}


def pyramid_cells(size):
    """Columns and rows of P3 to P7 at an input size (width, height): int64 (5, 2).

    Each halving rounds up, so a level of stride s has ceil(side / s). Raises ValueError for a side below 1.
    """
    if min(size) < 1:
        raise ValueError(f"size is {size}; both sides must be at least 1")
    return -(-np.array(size) // 2 ** np.array(PYRAMID_LEVELS)[:, None])


def same_shifts(size):
    """Pixels (x, y) by which P3 to P7 of a RetinaNet that pads as "same" see further right and below: float32 (5, 2).

    A window of 3 and stride 2 that meets an even number of cells pads one cell there and none on the left, where ours
    pads one on each side: so the pool does before P3, P6's convolution and P7's.

    Args:
        size: (width, height) of the input
    """
    sides = np.array(size)
    # cells that each meets are -(-side // 2), 32, 64 pixels apart
    pool, p6, p7 = (pixels * (1 - -(-sides // pixels) % 2) for pixels in (2, 32, 64))
    return np.array([pool, pool, pool, pool + p6, pool + p6 + p7], np.float32)


@lru_cache(maxsize=16)
def retinanet_grid(size, anchors=RETINANET_ANCHORS["retinanet"]):
    """The AnchorGrid of PyramidAnchors at an input size (width, height), any. The arrays can't be written to.

    Raises ValueError for a side below 1, and for other than five levels of sizes.
    """
    if len(anchors.sizes) != len(PYRAMID_LEVELS):
        raise ValueError(f"sizes has {len(anchors.sizes)} levels; {len(PYRAMID_LEVELS)}, of P3 to P7, are needed")
    boxes = []
    for number, (level, (columns, rows)) in enumerate(zip(PYRAMID_LEVELS, pyramid_cells(size).tolist(), strict=True)):
        of_cell = cell_anchors(anchors, number)
        if anchors.rounded:
            apart = (size[0] // columns, size[1] // rows)
            boxes.append(lay_out(of_cell, columns, rows, apart, offset=0))
        else:
            boxes.append(lay_out(of_cell, columns, rows, (2**level, 2**level), offset=0.5))
        if anchors.cut:
            boxes[-1] = boxes[-1].clip(0, np.tile(size, 2))
        if anchors.same:
            boxes[-1] = boxes[-1] - np.tile(same_shifts(size)[number], 2)
    return make_grid(boxes)


def cell_anchors(anchors, level):
    """The anchors of a level's cell about its centre: float32 (A, 4).

    Args:
        anchors: PyramidAnchors
        level: 0 for P3
    """
    if anchors.shapes:
        wide, high = np.array(anchors.shapes, np.float32).T[..., None]
    else:
        high = np.sqrt(np.array(anchors.ratios, np.float32))[:, None]
        wide = 1 / high
    sizes = np.array(anchors.sizes[level], np.float32)
    half = np.stack([(wide * sizes).ravel(), (high * sizes).ravel()], axis=1) / 2
    of_cell = np.concatenate([-half, half], axis=1)
    return of_cell.round() if anchors.rounded else of_cell + np.float32(anchors.shift)


RETINANET_CODING = CentreCoding()


KERAS_RETINANET_CODING = CornerCoding()
