"""RetinaNet's outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.anchored.decode import best_of_each, decode_anchors
from trizoo.families.base.decode import logit
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
        rows, labels = np.nonzero(logits >= least)
        finite = np.isfinite(logits[rows]).all(axis=1)
        rows, labels = rows[finite], labels[finite]
        scores = sigmoid(logits[rows, labels])
        best = best_of_each(scores, grid.levels[rows], RETINANET_CANDIDATES)
        return rows[best], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return decode_anchors(outputs, grid, placements, coding, candidates, options)
