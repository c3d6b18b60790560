"""SSD's and RetinaNet's outputs to detections, in NumPy."""

import numpy as np

from trizoo.families.base.decode import highest, suppressed


def decode_anchors(outputs, grid, placements, coding, candidates, options):
    """Detections of a batch.

    Args:
        outputs: deltas (B, N, 4) and logits (B, N, K)
        grid: the AnchorGrid
        placements: per image how it was laid on the input (`trizoo.augment.letterbox.Placement`)
        coding: what the deltas are
        candidates: one image's logits (N, K) -> rows, labels, scores (n,)
        options: of NMS

    Raises:
        ValueError: where outputs don't match the anchors
    """
    if any(output.shape[1] != len(grid.boxes) for output in outputs):
        shapes = " and ".join(str(output.shape) for output in outputs)
        raise ValueError(f"outputs have shapes {shapes}; {len(grid.boxes)} anchors need as many rows an image")
    results = []
    for deltas, logits, placement in zip(*outputs, placements, strict=True):
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
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    best = [of_group[highest(scores[of_group], count)] for of_group in np.split(order, starts)]
    return np.sort(np.concatenate(best))
