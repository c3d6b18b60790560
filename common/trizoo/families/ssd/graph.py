"""SSD's outputs to candidates in an exported graph: what `decode_ssd` does before NMS."""

import numpy as np

from trizoo.families.anchored.graph import decode_in_graph
from trizoo.families.base.graph import NOTHING, gather_rows, int64, is_finite, part, side
from trizoo.families.ssd.decode import SSD_CANDIDATES


def ssd_candidates(ops, outputs, grid, coding, num_classes, least):
    """Deltas (B, N, 4), logits (B, N, 1 + C) -> boxes (B, K, 4) on the input, scores (B, K), labels (B, K).

    Args:
        ops: see `trizoo.families.base.graph`
        grid: the AnchorGrid
        coding: what the deltas are
        least: score of a candidate
    """
    deltas, logits = outputs
    scores = part(ops, ops("Softmax", logits, axis=-1), 1, 1 + num_classes)  # without the background
    is_candidate = ops("And", ops("GreaterOrEqual", scores, least), is_finite(ops, logits))
    is_candidate = ops("And", is_candidate, is_finite(ops, deltas))
    scores = ops("Transpose", ops("Where", is_candidate, scores, NOTHING), perm=[0, 2, 1])  # -> (B, C, N)
    count = ops("Min", side(ops, scores, 2), int64(SSD_CANDIDATES))
    scores, rows = ops("TopK", scores, count, axis=2, outputs=2)
    classes = np.arange(num_classes, dtype=np.int64)[:, None]
    labels = ops("Expand", classes, ops("Shape", rows))  # (C, 1) -> (B, C, k)
    scores, rows, labels = (ops("Reshape", values, int64(0, -1)) for values in (scores, rows, labels))
    return gather_rows(ops, decode_in_graph(ops, coding, deltas, grid.boxes), rows), scores, labels
