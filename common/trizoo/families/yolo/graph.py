"""YOLO's outputs to candidates in an exported graph: what `decode_yolo` does before NMS."""

import numpy as np

from trizoo.families.base.graph import NOTHING, best_pairs, count_up, int64, is_finite, part, side
from trizoo.families.yolo.coding import MAX_LOG_SIZE
from trizoo.families.yolo.decode import MAX_CANDIDATES


def yolo_candidates(ops, outputs, spec, least):
    """Outputs (B, H, W, A, 5 + C) per level -> boxes (B, K, 4) on the input, scores (B, K), labels (B, K).

    Args:
        ops: see `trizoo.families.base.graph`
        spec: a YOLOSpec
        least: score of a candidate
    """
    boxes, scores = [], []
    for output, stride, anchors, scale in zip(outputs, spec.strides, spec.anchors, spec.scale_xy, strict=True):
        boxes.append(ops("Reshape", _boxes(ops, output, stride, anchors, scale, spec.coding), int64(0, -1, 4)))
        of_class = ops("Sigmoid", part(ops, output, 5, 5 + spec.num_classes))
        product = ops("Mul", ops("Sigmoid", part(ops, output, 4, 5)), of_class)
        product = ops("Where", is_finite(ops, output), product, NOTHING)
        scores.append(ops("Reshape", product, int64(0, -1, spec.num_classes)))
    together = (ops("Concat", *levels, axis=1) for levels in (boxes, scores))
    return best_pairs(ops, *together, least, MAX_CANDIDATES)


def _boxes(ops, output, stride, anchors, scale, coding):
    """The corners of a level's boxes: (B, H, W, A, 5 + C) -> (B, H, W, A, 4)."""
    cells = count_up(ops, side(ops, output, 2), (1, 1, -1, 1, 1)), count_up(ops, side(ops, output, 1), (1, -1, 1, 1, 1))
    low, high = [], []
    for axis, cell in enumerate(cells):
        place = ops("Sigmoid", part(ops, output, axis, axis + 1))
        place = ops("Sub", ops("Mul", place, np.float32(scale)), np.float32((scale - 1) / 2))
        centre = ops("Mul", ops("Add", place, cell), np.float32(stride))
        factor = _anchor_factor(ops, part(ops, output, 2 + axis, 3 + axis), coding)
        half = ops("Mul", factor, np.array(anchors, np.float32)[:, axis : axis + 1] / 2)
        low.append(ops("Sub", centre, half))
        high.append(ops("Add", centre, half))
    return ops("Concat", *low, *high, axis=-1)


def _anchor_factor(ops, raw, coding):
    """See `trizoo.families.yolo.coding.anchor_factors`."""
    if coding == "squared":
        double = ops("Mul", ops("Sigmoid", raw), np.float32(2))
        return ops("Mul", double, double)
    return ops("Exp", ops("Min", raw, np.float32(MAX_LOG_SIZE)))
