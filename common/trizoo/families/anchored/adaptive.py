"""Adaptive training sample selection, ATSS (Zhang et al. 2020): which anchors a box has, by its own threshold."""

import numpy as np

from trizoo.families.anchored.matching import NEGATIVE, targets_of

NEAREST = 9  # cells of a level whose anchors are looked at for a box; k in the paper, whose section 4.4 says why


def assign_adaptively(boxes, labels, grid, num_classes, anchors_per_cell):
    """Targets of a batch: boxes, labels, matches, num_positives; see `trizoo.families.anchored.matching.targets_of`.

    Of each level the anchors of the NEAREST cells to a box's centre are its candidates, with those as near as the last
    of them. It has those whose centre lies within it and whose IoU is at least the mean of its candidates' IoUs plus
    their standard deviation (of a sample, as in the authors' code). An anchor that several boxes would have goes to the
    one that it overlaps most, the first of equals. Unlike there a box that has none gets the free anchor that overlaps
    it most, where one does; all other anchors are background.

    Args:
        boxes: per image float32 (n, 4) in pixels of the input
        labels: per image int64 (n,), class ids from 0
        grid: the AnchorGrid
        num_classes: without a background
        anchors_per_cell: of each level

    Raises:
        ValueError: where labels don't match boxes or classes
    """
    return targets_of(boxes, labels, grid, num_classes, lambda *given: _match(*given, grid, anchors_per_cell))


def _match(boxes, overlaps, grid, anchors_per_cell):
    """Matches of one image's anchors: (n, 4), IoU (n, N) -> (N,)."""
    centres = (grid.boxes[:, :2] + grid.boxes[:, 2:]) / 2
    candidates = _nearest((boxes[:, :2] + boxes[:, 2:]) / 2, centres, grid.levels, anchors_per_cell)
    count = candidates.sum(axis=1, keepdims=True)
    mean = (overlaps * candidates).sum(axis=1, keepdims=True) / count
    squares = ((overlaps - mean) ** 2 * candidates).sum(axis=1, keepdims=True)
    threshold = mean + np.sqrt(squares / np.maximum(1, count - 1))

    inside = ((centres > boxes[:, None, :2]) & (centres < boxes[:, None, 2:])).all(axis=2)
    wanted = np.where(candidates & inside & (overlaps >= threshold), overlaps, 0)
    matches = np.where(wanted.max(axis=0) > 0, wanted.argmax(axis=0), NEGATIVE)
    for box in np.setdiff1d(np.arange(len(boxes)), matches):
        free = np.where(matches == NEGATIVE, overlaps[box], 0)
        if free.max() > 0:
            matches[free.argmax()] = box
    return matches


def _nearest(middles, centres, levels, anchors_per_cell):
    """Which anchors are candidates of which box: (n, 2), (N, 2), (N,) -> bool (n, N)."""
    away = np.square(middles[:, None] - centres).sum(axis=2)
    chosen = np.zeros(away.shape, bool)
    for level, anchors in enumerate(anchors_per_cell):
        of_level = np.flatnonzero(levels == level)
        last = min(NEAREST * anchors, len(of_level)) - 1
        own = away[:, of_level]
        chosen[:, of_level] = own <= np.partition(own, last, axis=1)[:, last : last + 1]
    return chosen
