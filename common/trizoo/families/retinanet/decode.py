"""RetinaNet's outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.anchored.decode import best_of_each, decode_anchors
from trizoo.families.base.decode import logit
from trizoo.families.base.terms import sigmoid
from trizoo.families.retinanet.anchors import RETINANET_CODING

RETINANET_CANDIDATES = 1000  # boxes of one image and level that reach NMS, the best ones (Lin et al. 2017, section 4.1)
ROUNDING = 1e-6  # relative: more than a sigmoid in float32 is off, so that no equal score is taken for a lower one


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
        rows = np.flatnonzero((logits >= least).any(axis=1))
        logits = logits[rows]
        finite = np.isfinite(logits).all(axis=1)
        rows, logits = (rows, logits) if finite.all() else (rows[finite], logits[finite])
        chosen = _promising(logits, grid.levels[rows])
        rows, logits = rows[chosen], logits[chosen]
        places, labels = np.divmod(np.flatnonzero(logits >= least), logits.shape[1])
        scores = sigmoid(logits[places, labels])
        best = best_of_each(scores, grid.levels[rows[places]], RETINANET_CANDIDATES)
        return rows[places[best]], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return decode_anchors(outputs, grid, placements, coding, candidates, options)


def _promising(logits, levels):
    """Indices of the anchors that can have one of the RETINANET_CANDIDATES best scores of their level: -> (k,).

    An untrained network has millions of scores and few anchors whose best one is among their level's best: each anchor
    above it has at least one score above it too.

    Args:
        logits: (n, C)
        levels: (n,), ascending
    """
    promising = []
    for anchors in np.split(np.arange(len(levels)), np.flatnonzero(np.diff(levels)) + 1):
        if len(anchors) > RETINANET_CANDIDATES:
            scores = sigmoid(logits[anchors].max(axis=1))
            least = np.partition(scores, -RETINANET_CANDIDATES)[-RETINANET_CANDIDATES]
            anchors = anchors[scores >= least * (1 - ROUNDING)]
        promising.append(anchors)
    return np.concatenate(promising)
