"""Outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.base.decode import highest, logit, promising, suppressed
from trizoo.families.base.terms import sigmoid
from trizoo.families.yolo.coding import decode_boxes
from trizoo.families.yolo.grid import flatten_outputs, yolo_grid

MAX_CANDIDATES = 1000  # boxes of one image that reach NMS, the best ones


def decode_yolo(outputs, spec, placements, *, score, threshold, max_detections=100, method="hard"):
    """Detections of a batch: outputs, float (B, H, W, A, 5 + C) per level -> a list of B `Detections`.

    Boxes come back in the original's pixels, clipped to it; one that has no area there is no detection. A prediction's
    score for a class is objectness times class, so it may be detected as several; those of at least `score` go through
    NMS per class. Predictions that aren't finite count as no detection.

    Args:
        outputs: coarsest level first
        spec: a YOLOSpec
        placements: per image how it was laid on the input (`trizoo.augment.letterbox.Placement`)
        score: the least, in [0, 1]
        threshold: IoU above which NMS removes the weaker box
        max_detections: of an image
        method: of NMS, see `trizoo.ground.boxes.nms`
    """
    size = (outputs[0].shape[2] * spec.strides[0], outputs[0].shape[1] * spec.strides[0])
    options = {"score": score, "threshold": threshold, "max_detections": max_detections, "method": method}
    return decode_rows(flatten_outputs(outputs), yolo_grid(spec, size), placements, coding=spec.coding, **options)


def decode_rows(raw, grid, placements, *, coding, score, threshold, max_detections=100, method="hard"):
    """The same of predictions (B, N, 5 + C) in the order of a YOLOGrid, and by the spec's coding."""
    # a score can't exceed its objectness, so most predictions fall before anything is computed for them
    candidates = raw[..., 4] >= logit(score)
    options = {"threshold": threshold, "method": method, "min_score": score, "max_detections": max_detections}
    results = []
    for values, chosen, placement in zip(raw, candidates, placements, strict=True):
        rows = np.nonzero(chosen)[0]
        rows = rows[np.isfinite(values[rows]).all(axis=1)]
        best = sigmoid(values[rows, 4]) * sigmoid(values[rows, 5:].max(axis=1))
        rows = rows[promising(best, MAX_CANDIDATES)]
        scores = sigmoid(values[rows, 4:5]) * sigmoid(values[rows, 5:])  # (K, C)
        rows_above, labels = np.nonzero(scores >= score)
        scores = scores[rows_above, labels]
        if len(scores) > MAX_CANDIDATES:
            best = highest(scores, MAX_CANDIDATES)
            rows_above, labels, scores = rows_above[best], labels[best], scores[best]
        index = rows[rows_above]
        place = (grid.cells[index], grid.strides[index], grid.anchors[index], grid.scales[index])
        boxes = decode_boxes(values[index], *place, coding)
        results.append(suppressed(boxes, scores, labels, placement, **options))
    return results
