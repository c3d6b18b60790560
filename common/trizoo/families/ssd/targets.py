"""SSD targets: which anchor is assigned to which box."""

import numpy as np

from trizoo.families.anchored.matching import NEGATIVE, targets_of


def assign(boxes, labels, grid, num_classes, positive_iou=0.5):
    """Targets of a batch: boxes, labels, matches, num_positives; see `trizoo.families.anchored.matching.targets_of`.

    Each anchor is assigned to the box that it overlaps most, the first of equals, where their IoU is at least
    `positive_iou`. Besides, each box gets the anchor that overlaps it most, the first of equals, however little that
    is, and whatever else that anchor would go to (Liu et al. 2016, section 2.2). Where two boxes want the same anchor
    the one of the higher IoU gets it, and of equals the first; the other one is left with what else it reaches. A box
    without area, or one that no anchor touches, gets none.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        grid: `ssd_grid`'s
        num_classes: without a background
        positive_iou: in [0, 1]

    Raises:
        ValueError: where labels don't match boxes or classes
    """
    return targets_of(boxes, labels, grid, num_classes, lambda _, overlaps: _match(overlaps, positive_iou))


def _match(overlaps, positive_iou):
    """Matches of one image's anchors: IoU (n, N) -> (N,)."""
    matches = np.where(overlaps.max(axis=0) >= positive_iou, overlaps.argmax(axis=0), NEGATIVE)
    best, anchors = overlaps.max(axis=1), overlaps.argmax(axis=1)
    order = np.lexsort((-np.arange(len(best)), best))  # what is written last stays
    order = order[best[order] > 0]
    matches[anchors[order]] = order
    return matches
