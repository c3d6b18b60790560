"""SSD's outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.anchored.decode import best_of_each, decode_anchors
from trizoo.families.base.terms import log_softmax
from trizoo.families.ssd.anchors import SSD_CODING

SSD_CANDIDATES = 400  # boxes of one image and class that reach NMS, the best ones; as the original and torchvision


def decode_ssd(outputs, grid, placements, *, score, threshold, max_detections=200, method="hard", coding=SSD_CODING):
    """Detections of a batch: outputs, deltas (B, N, 4) and logits (B, N, 1 + C) -> a list of B `Detections`.

    Boxes come back in the original's pixels, clipped to it; one that has no area there is no detection. An anchor's
    score for a class is the softmax's, the first one, background, left out, so it may be detected as several. Those of
    at least `score`, of each class the SSD_CANDIDATES highest, go through NMS per class. Predictions that aren't finite
    count as no detection.

    Args:
        outputs: deltas and logits, in the order of the grid
        grid: `ssd_grid`'s
        placements: per image how it was laid on the input (`trizoo.augment.letterbox.Placement`)
        score: the least, in [0, 1]
        threshold: IoU above which NMS removes the weaker box
        max_detections: of an image
        method: of NMS, see `trizoo.ground.boxes.nms`
        coding: what the deltas are

    Raises:
        ValueError: where outputs don't match the anchors
    """

    def candidates(logits):
        rows = np.nonzero(np.isfinite(logits).all(axis=1))[0]
        scores = np.exp(log_softmax(logits[rows]))[:, 1:]
        least = np.full(scores.shape[1], score, scores.dtype)
        if len(scores) > SSD_CANDIDATES:  # far cheaper than sorting them all
            least = np.maximum(least, np.partition(scores, -SSD_CANDIDATES, axis=0)[-SSD_CANDIDATES])
        places, labels = np.divmod(np.flatnonzero(scores >= least), scores.shape[1])
        scores = scores[places, labels]
        best = best_of_each(scores, labels, SSD_CANDIDATES)
        return rows[places[best]], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return decode_anchors(outputs, grid, placements, coding, candidates, options)
