"""SSD's and RetinaNet's raw heads to detections, in NumPy."""

import numpy as np

from trizoo.families.base.decode import suppressed


def decode_anchors(heads, grid, placements, coding, candidates, options):
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


def best_of_each(scores, groups, count):
    """Indices of the `count` highest scores of each group, in the input's order: (n,), (n,) -> (k,).

    Of equal ones the earlier.
    """
    order = np.lexsort((-scores, groups))
    in_order = groups[order]
    rank = np.arange(len(order)) - np.searchsorted(in_order, in_order)
    return np.sort(order[rank < count])
