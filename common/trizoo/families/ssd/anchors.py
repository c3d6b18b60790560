"""SSD's anchors, and how its boxes are offsets from them."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trizoo.families.anchored.coding import CentreCoding
from trizoo.families.anchored.grid import lay_out, make_grid
from trizoo.ground.boxes import cxcywh_to_xyxy


@dataclass(frozen=True)
class DefaultBoxes:
    """Which anchors an SSD has. A level's anchors share its size s; the next level's, or the last of `sizes`, is t.

    Of each cell, in this order: s x s, a square of sqrt(s * t), and for each ratio r two of area s^2, one r times as
    wide as high and then one r times as high as wide (Liu et al. 2016, section 2.2).

    Args:
        side: pixels of the square input
        cells: per level, a side
        steps: per level, pixels from cell to cell, the first centre being at half of it
        sizes: pixels, one more than levels
        ratios: per level, above 1
        clipped: whether no side exceeds the input's, as in torchvision
        cut: whether anchors end at the input's borders
    """

    side: int
    cells: tuple[int, ...]
    steps: tuple[float, ...]
    sizes: tuple[float, ...]
    ratios: tuple[tuple[float, ...], ...]
    clipped: bool = False
    cut: bool = False

    def __post_init__(self):
        lengths = [len(self.cells), len(self.steps), len(self.sizes) - 1, len(self.ratios)]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"cells, steps, sizes and ratios have lengths {lengths[0]}, {lengths[1]}, {len(self.sizes)} and "
                f"{lengths[3]}; one each a level is needed, and one more of sizes"
            )

    def scaled(self, factor):
        """These, so many times as large before what the preset cuts off or rounds, in the same places."""
        return replace(self, sizes=tuple(size * factor for size in self.sizes))

    @property
    def anchors_per_cell(self):
        """How many anchors a cell of each level has: a tuple."""
        return tuple(2 + 2 * len(ratios) for ratios in self.ratios)


CELLS_300 = (38, 19, 10, 5, 3, 1)


STEPS_300 = (8, 16, 32, 64, 100, 300)


RATIOS_300 = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))


CELLS_MOBILE = (19, 10, 5, 3, 2, 1)  # of MobileNetV2, whose levels begin at stride 16


SSD_ANCHORS = {
    # torchvision's ssd300_vgg16: scales times 300
    "ssd300": DefaultBoxes(300, CELLS_300, STEPS_300, (21, 45, 99, 153, 207, 261, 315), RATIOS_300, clipped=True),
    # the original's ssd_pascal.py
    "ssd300-caffe": DefaultBoxes(300, CELLS_300, STEPS_300, (30, 60, 111, 162, 213, 264, 315), RATIOS_300),
    # ssd-pytorch's, -tf2's and -keras's of bubbliiiing (utils/anchors.py): cells share the side, anchors end at borders
    "ssd300-bubbliiiing": DefaultBoxes(
        300,
        CELLS_300,
        tuple(300 / cells for cells in CELLS_300),
        (30, 60, 111, 162, 213, 264, 315),
        RATIOS_300,
        cut=True,
    ),
    # the original's for VOC: 0.07, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05 times 512
    "ssd512": DefaultBoxes(
        512,
        (64, 32, 16, 8, 4, 2, 1),
        (8, 16, 32, 64, 128, 256, 512),
        (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6),
        ((2,), (2, 3), (2, 3), (2, 3), (2, 3), (2,), (2,)),
    ),
    # the sizes of "ssd300"
    "ssd300-mobilenetv2": DefaultBoxes(
        300, CELLS_MOBILE, (16, 32, 64, 100, 150, 300), (21, 45, 99, 153, 207, 261, 315), ((2, 3),) * 6
    ),
    # ssd-pytorch's of bubbliiiing
    "ssd300-mobilenetv2-bubbliiiing": DefaultBoxes(
        300,
        CELLS_MOBILE,
        tuple(300 / cells for cells in CELLS_MOBILE),
        (30, 60, 111, 162, 213, 264, 315),
        ((2, 3),) * 6,
        cut=True,
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
        of_level = lay_out(cell_anchors, cells, cells, (step, step), offset=0.5)
        boxes.append(of_level.clip(0, anchors.side) if anchors.cut else of_level)
    return make_grid(boxes)


SSD_CODING = CentreCoding((10.0, 10.0, 5.0, 5.0))  # 1 / 0.1 and 1 / 0.2, the original's variances
