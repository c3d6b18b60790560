"""SSD's and RetinaNet's raw heads to detections, in NumPy."""

import numpy as np

from trizoo.box_coding import RETINANET_CODING, SSD_CODING
from trizoo.decode import logit, suppressed
from trizoo.losses import sigmoid
from trizoo.losses_ssd import log_softmax

SSD_CANDIDATES = 400  # boxes of one image and class that reach NMS, the best ones; as the original and torchvision
RETINANET_CANDIDATES = 1000  # boxes of one image and level that reach NMS, the best ones (Lin et al. 2017, section 4.1)


def decode_ssd(heads, grid, placements, *, score, threshold, max_detections=200, method="hard", coding=SSD_CODING):
    """Detections of a batch: raw heads, deltas (B, N, 4) and logits (B, N, 1 + C) -> a list of B `Detections`.

    grid: `ssd_grid`'s; coding: what the deltas are; placements: per image how it was laid on the input
    (`trizoo.augment.letterbox.Placement`). Boxes come back in the original's pixels, clipped to it; one that has no
    area there is no detection. An anchor's score for a class is the softmax's, the first one, background, left out, so
    it may be detected as several. Those of at least `score`, of each class the SSD_CANDIDATES highest, go through NMS
    per class at IoU `threshold`, by `method` (see `trizoo.boxes.nms`). Predictions that aren't finite count as no
    detection. Raises ValueError where heads don't answer to the anchors.
    """

    def candidates(logits):
        rows = np.nonzero(np.isfinite(logits).all(axis=1))[0]
        scores = np.exp(log_softmax(logits[rows]))[:, 1:]
        places, labels = np.nonzero(scores >= score)
        scores = scores[places, labels]
        best = _best_of_each(scores, labels, SSD_CANDIDATES)
        return rows[places[best]], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return _decode(heads, grid, placements, coding, candidates, options)


def decode_retinanet(
    heads, grid, placements, *, score, threshold, max_detections=300, method="hard", coding=RETINANET_CODING
):
    """Detections of a batch: raw heads, deltas (B, N, 4) and logits (B, N, C) -> a list of B `Detections`.

    As `decode_ssd`, but an anchor's score for a class is the sigmoid's, and of those of at least `score` the
    RETINANET_CANDIDATES highest of each level go on. grid: `retinanet_grid`'s.
    """
    least = logit(score)

    def candidates(logits):
        rows, labels = np.nonzero(logits >= least)
        finite = np.isfinite(logits[rows]).all(axis=1)
        rows, labels = rows[finite], labels[finite]
        scores = sigmoid(logits[rows, labels])
        best = _best_of_each(scores, grid.levels[rows], RETINANET_CANDIDATES)
        return rows[best], labels[best], scores[best]

    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    return _decode(heads, grid, placements, coding, candidates, options)


def _decode(heads, grid, placements, coding, candidates, options):
    """Detections of a batch. candidates: one image's logits (N, K) -> rows, labels, scores (n,); options: of NMS."""
    if any(head.shape[1] != len(grid.boxes) for head in heads):
        shapes = " and ".join(str(head.shape) for head in heads)
        raise ValueError(f"heads have shapes {shapes}; {len(grid.boxes)} anchors need as many rows an image")
    results = []
    for deltas, logits, placement in zip(*heads, placements, strict=True):
        rows, labels, scores = candidates(logits)
        finite = np.isfinite(deltas[rows]).all(axis=1)
        rows, labels, scores = rows[finite], labels[finite], scores[finite]
        boxes = coding.decode(deltas[rows], grid.boxes[rows])
        results.append(suppressed(boxes, scores, labels, placement, **options))
    return results


def _best_of_each(scores, groups, count):
    """Indices of the `count` highest scores of each group, in the input's order: (n,), (n,) -> (k,).

    Of equal ones the earlier.
    """
    order = np.lexsort((-scores, groups))
    in_order = groups[order]
    rank = np.arange(len(order)) - np.searchsorted(in_order, in_order)
    return np.sort(order[rank < count])
