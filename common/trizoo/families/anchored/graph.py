"""Offsets from anchors to boxes in an exported graph, for SSD and RetinaNet."""

import numpy as np

from trizoo.families.anchored.coding import MAX_LOG_SIZE, CentreCoding
from trizoo.families.base.graph import part


def decode_in_graph(ops, coding, deltas, anchors):
    """As `coding.decode(deltas, anchors)`: (B, N, 4), (N, 4) -> (B, N, 4) corners.

    Args:
        ops: see `trizoo.families.base.graph`
        coding: a CentreCoding or CornerCoding
    """
    low, high = part(ops, anchors, 0, 2), part(ops, anchors, 2, 4)
    sides = ops("Sub", high, low)
    if not isinstance(coding, CentreCoding):
        offsets = ops("Mul", ops("Div", deltas, np.float32(coding.weight)), ops("Concat", sides, sides, axis=-1))
        return ops("Add", offsets, anchors)
    deltas = ops("Div", deltas, np.array(coding.weights, np.float32))
    middles = ops("Div", ops("Add", low, high), np.float32(2))
    centres = ops("Add", ops("Mul", part(ops, deltas, 0, 2), sides), middles)
    logs = ops("Min", part(ops, deltas, 2, 4), np.float32(MAX_LOG_SIZE))
    half = ops("Div", ops("Mul", ops("Exp", logs), sides), np.float32(2))
    return ops("Concat", ops("Sub", centres, half), ops("Add", centres, half), axis=-1)
