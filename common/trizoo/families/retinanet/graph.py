"""RetinaNet's outputs to candidates in an exported graph: what `decode_retinanet` does before NMS."""

import numpy as np

from trizoo.families.anchored.graph import decode_in_graph
from trizoo.families.base.graph import NOTHING, best_pairs, count_up, int64, is_finite
from trizoo.families.retinanet.anchors import PYRAMID_LEVELS, cell_anchors
from trizoo.families.retinanet.decode import RETINANET_CANDIDATES

_ACROSS, _DOWN = np.array([1, 0, 1, 0], np.float32), np.array([0, 1, 0, 1], np.float32)


def retinanet_candidates(ops, outputs, anchors, coding, size, least):
    """Deltas (B, N, 4), logits (B, N, C) -> boxes (B, K, 4) on the input, scores (B, K), labels (B, K).

    Args:
        ops: see `trizoo.families.base.graph`
        anchors: PyramidAnchors
        coding: what the deltas are
        size: width and height of the input, int64 (1,) each
        least: score of a candidate
    """
    deltas, logits = outputs
    is_candidate = ops("And", is_finite(ops, logits), is_finite(ops, deltas))
    scores = ops("Where", is_candidate, ops("Sigmoid", logits), NOTHING)
    found, first = [], int64(0)
    for level in range(len(PYRAMID_LEVELS)):
        of_level, count = _anchors(ops, anchors, level, size)
        last = ops("Add", first, count)
        boxes = decode_in_graph(ops, coding, ops("Slice", deltas, first, last, int64(1)), of_level)
        of_class = ops("Slice", scores, first, last, int64(1))
        found.append(best_pairs(ops, boxes, of_class, least, RETINANET_CANDIDATES))
        first = last
    return tuple(ops("Concat", *levels, axis=1) for levels in zip(*found, strict=True))


def _anchors(ops, anchors, level, size):
    """A level's anchors in the order of `retinanet_grid`, and how many: (n, 4), int64 (1,)."""
    step = 2 ** PYRAMID_LEVELS[level]
    cells = [ops("Div", ops("Add", length, int64(step - 1)), int64(step)) for length in size]  # columns, rows
    shapes = (1, -1, 1, 1), (-1, 1, 1, 1)
    places = []
    for length, count, shape, mask in zip(size, cells, shapes, (_ACROSS, _DOWN), strict=True):
        numbers = count_up(ops, count, shape)
        if anchors.rounded:
            place = ops("Mul", numbers, ops("Cast", ops("Div", length, count), to=np.float32))
        else:
            place = ops("Mul", ops("Add", numbers, np.float32(0.5)), np.float32(step))
        places.append(ops("Mul", place, mask))
    of_cell = cell_anchors(anchors, level).astype(np.float32)
    boxes = ops("Add", ops("Add", *places), of_cell)  # (rows, columns, A, 4)
    if anchors.cut:
        boxes = ops(
            "Min", ops("Max", boxes, np.float32(0)), ops("Cast", ops("Concat", *size, *size, axis=0), to=np.float32)
        )
    if anchors.same:
        shifts = [_same_shift(ops, length, level) for length in size]
        boxes = ops("Sub", boxes, ops("Cast", ops("Concat", *shifts, *shifts, axis=0), to=np.float32))
    return ops("Reshape", boxes, int64(-1, 4)), ops("Mul", ops("Mul", *cells), int64(len(of_cell)))


def _same_shift(ops, length, level):
    """`same_shifts` of a level along a side of the input: int64 (1,) -> int64 (1,)."""
    shift = None
    for pixels in (2, 32, 64)[: max(1, level - 1)]:  # the pool, P6's convolution, P7's
        cells = ops("Div", ops("Add", length, int64(pixels - 1)), int64(pixels))
        odd = ops("Sub", cells, ops("Mul", ops("Div", cells, int64(2)), int64(2)))
        of_window = ops("Mul", ops("Sub", int64(1), odd), int64(pixels))
        shift = of_window if shift is None else ops("Add", shift, of_window)
    return shift
