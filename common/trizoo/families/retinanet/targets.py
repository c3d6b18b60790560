"""RetinaNet targets: which anchor is assigned to which box, and which are left out."""

import numpy as np

from trizoo.families.anchored.matching import IGNORED, NEGATIVE, targets_of


def assign(boxes, labels, grid, num_classes, positive_iou=0.5, negative_iou=0.4, low_quality=True):
    """Targets of a batch: boxes, labels, matches, num_positives; see `trizoo.families.anchored.matching.targets_of`.

    Each anchor looks at the box that it overlaps most, the first of equals: from `positive_iou` on it is assigned to
    it, below `negative_iou` it is background, between them it is ignored (Lin et al. 2017, section 4). With
    `low_quality` an anchor that no other overlaps some box more than is assigned too, all of equals, to the box that
    *it* overlaps most, as in torchvision; keras-retinanet goes without. A box that no anchor touches has none assigned.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        grid: `retinanet_grid`'s
        num_classes: without a background
        positive_iou: in [0, 1]
        negative_iou: in [0, 1], at most `positive_iou`
        low_quality: whether each box's best anchors are assigned to it however little they overlap

    Raises:
        ValueError: where labels don't match boxes or classes, and where `negative_iou` is above `positive_iou`
    """
    if negative_iou > positive_iou:
        raise ValueError(f"negative_iou is {negative_iou}, above positive_iou, {positive_iou}; at most that is needed")

    def match(_, overlaps):
        best, nearest = overlaps.max(axis=0), overlaps.argmax(axis=0)
        positive = best >= positive_iou
        if low_quality:
            highest = overlaps.max(axis=1, keepdims=True)
            positive |= ((overlaps == highest) & (highest > 0)).any(axis=0)
        return np.where(positive, nearest, np.where(best < negative_iou, NEGATIVE, IGNORED))

    return targets_of(boxes, labels, grid, num_classes, match)
