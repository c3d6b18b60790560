"""Key points' outputs to candidates in an exported graph: what `decode_keypoints` does before its best are chosen."""

import numpy as np

from trizoo.families.base.graph import NOTHING, best_pairs, count_up, int64, is_finite, part, side
from trizoo.families.keypoints.decode import HALF

MAX_MARKS = 1000  # of one image, the best ones


def keypoint_candidates(ops, outputs, stride, num_classes, least):
    """The map (B, rows, columns, 3 + C) -> boxes (B, K, 4) on the input, scores (B, K), labels (B, K).

    Args:
        ops: see `trizoo.families.base.graph`
        stride: pixels per cell
        least: score of a candidate
    """
    (cells,) = outputs
    shares = part(ops, ops("Softmax", part(ops, cells, 2, 3 + num_classes), axis=-1), 1, 1 + num_classes)
    shares = ops("Where", is_finite(ops, cells), shares, NOTHING)
    scores = ops("Reshape", shares, int64(0, -1, num_classes))
    best, _ = ops("TopK", scores, int64(1), axis=2, outputs=2)  # (B, N, 1)
    scores = ops("Where", ops("GreaterOrEqual", scores, best), scores, NOTHING)
    first, last = [], []
    for axis, shape in ((0, (1, 1, -1, 1)), (1, (1, -1, 1, 1))):
        number = count_up(ops, side(ops, cells, 2 - axis), shape)
        place = ops("Add", ops("Add", part(ops, cells, axis, axis + 1), number), np.float32(0.5))
        place = ops("Mul", place, np.float32(stride))
        first.append(ops("Sub", place, np.float32(HALF)))
        last.append(ops("Add", place, np.float32(HALF)))
    boxes = ops("Reshape", ops("Concat", *first, *last, axis=-1), int64(0, -1, 4))
    return best_pairs(ops, boxes, scores, least, MAX_MARKS)
