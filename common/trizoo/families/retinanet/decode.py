"""RetinaNet's outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.anchored.decode import best_of_each, decode_anchors
from trizoo.families.base.decode import greatest_of_rows, logit, promising
from trizoo.families.base.terms import sigmoid
from trizoo.families.retinanet.anchors import RETINANET_CODING

RETINANET_CANDIDATES = 1000  # boxes of one image and level that reach NMS, the best ones (Lin et al. 2017, section 4.1)


def decode_retinanet(
    outputs, grid, placements, *, score, threshold, max_detections=300, method="hard", coding=RETINANET_CODING
):
    """Detections of a batch: outputs, deltas (B, N, 4) and logits (B, N, C) -> a list of B `Detections`.

    As `trizoo.families.ssd.decode.decode_ssd`, but an anchor's score for a class is the sigmoid's, and of those of at
    least `score` the RETINANET_CANDIDATES highest of each level reach NMS.

    Args:
        outputs: deltas and logits, in the order of the grid
        grid: `retinanet_grid`'s
        placements: per image how it was laid on the input (`trizoo.augment.letterbox.Placement`)
        score: the least, in [0, 1]
        threshold: IoU above which NMS removes the weaker box
        max_detections: of an image
        method: of NMS, see `trizoo.ground.boxes.nms`
        coding: what the deltas are

    Raises:
        ValueError: where outputs don't match the anchors
    """
    least = logit(score)

    def candidates(logits):
        greatest = greatest_of_rows(logits)
        rows = np.flatnonzero((greatest >= least) & (greatest < np.inf))
        while True:
            chosen = rows[_promising(sigmoid(greatest[rows]), grid.levels[rows])]
            infinite = chosen[~np.isfinite(logits[chosen]).all(axis=1)]
            if len(infinite) == 0:
                break
            rows = np.setdiff1d(rows, infinite, assume_unique=True)
        rows, logits = chosen, logits[chosen]
        places, labels = np.divmod(np.flatnonzero(logits >= least), logits.shape[1])
        scores = sigmoid(logits[places, labels])
        best = best_of_each(scores, grid.levels[rows[places]], RETINANET_CANDIDATES)
        return rows[places[best]], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return decode_anchors(outputs, grid, placements, coding, candidates, options)


def _promising(scores, levels):
    """Indices of the anchors that can have one of the RETINANET_CANDIDATES best scores of their level: -> (k,).

    Args:
        scores: (n,), each anchor's best
        levels: (n,), ascending
    """
    of_levels = np.split(np.arange(len(levels)), np.flatnonzero(np.diff(levels)) + 1)
    return np.concatenate([anchors[promising(scores[anchors], RETINANET_CANDIDATES)] for anchors in of_levels])
