"""What decoding in an exported graph is made of, for every family's graph.py.

`ops` adds a node and gives the name of what comes out, as in `ops("Add", a, b)`; see `trizoo.deploy.onnx_ops.Ops`.
Arrays among the arguments become constants. Nothing here imports ONNX.
"""

import numpy as np

from trizoo.ground.boxes import VOTE_SIGMA

NOTHING = np.float32(-1)  # the score of what is no candidate
_TINY = np.float32(1e-12)  # what isn't 0 is more
_FINITE = np.float32(3e38)  # a sum of magnitudes above it, or none, comes of inf or nan alone


def int64(*values):
    """A constant: int64 (n,)."""
    return np.array(values, np.int64)


def part(ops, x, first, last):
    """x[..., first:last] of (..., K)."""
    return ops("Slice", x, int64(first), int64(last), int64(-1))


def side(ops, x, axis):
    """The length of an axis: int64 (1,)."""
    return ops("Gather", ops("Shape", x), int64(axis), axis=0)


def count_up(ops, length, shape):
    """0, 1, ... as float32 of this shape, with -1 where they run: int64 (1,) -> float32.

    Args:
        length: how many
    """
    numbers = ops("Range", np.int64(0), ops("Squeeze", length, int64(0)), np.int64(1))
    return ops("Reshape", ops("Cast", numbers, to=np.float32), int64(*shape))


def is_finite(ops, x):
    """Whether all of a row's values are finite: (..., K) -> bool (..., 1)."""
    return ops("Less", ops("ReduceL1", x, int64(-1), keepdims=1), _FINITE)


def best_pairs(ops, boxes, scores, least, count):
    """The best pairs of a box and a class: (B, N, 4), (B, N, C) -> boxes (B, K, 4), scores (B, K), labels (B, K).

    Highest first, K = count or all there are; those below `least` have the score NOTHING.
    """
    classes = side(ops, scores, 2)
    flat = ops("Reshape", scores, int64(0, -1))  # (B, N, C) -> (B, N * C)
    flat = ops("Where", ops("GreaterOrEqual", flat, least), flat, NOTHING)
    scores, places = ops("TopK", flat, ops("Min", side(ops, flat, 1), int64(count)), axis=1, outputs=2)
    rows = ops("Div", places, classes)
    labels = ops("Sub", places, ops("Mul", rows, classes))
    return gather_rows(ops, boxes, rows), scores, labels


def gather_rows(ops, values, places):
    """Rows of each image: (B, N, 4), int64 (B, K) -> (B, K, 4)."""
    return ops("GatherND", values, ops("Unsqueeze", places, int64(-1)), batch_dims=1)


def voted(ops, kept, kept_labels, boxes, scores, labels):
    """What `trizoo.ground.boxes.voted` does: kept boxes (B, M, 4) -> (B, M, 4), by the vote of all candidates.

    Args:
        kept, kept_labels: what NMS left, (B, M, 4) and (B, M); a label of -1 is an empty place, whose box stays
        boxes, scores, labels: the candidates, (B, K, 4), (B, K) and (B, K)
    """
    scores = ops("Unsqueeze", scores, int64(2))
    boxes = ops("Where", ops("Less", np.float32(0), scores), boxes, np.float32(0))  # others may be nan
    ours, theirs = [], []  # xmin, ymin, xmax, ymax: (B, M, 1) each and (B, 1, K) each
    for place in range(4):
        ours.append(part(ops, kept, place, place + 1))
        theirs.append(ops("Reshape", part(ops, boxes, place, place + 1), int64(0, 1, -1)))
    common = ops("Mul", *(_length(ops, ours, theirs, axis) for axis in (0, 1)))  # (B, M, K)
    union = ops("Sub", ops("Add", _area(ops, ours), _area(ops, theirs)), common)
    gap = ops("Sub", ops("Div", common, ops("Max", union, _TINY)), np.float32(1))
    nearness = ops("Exp", ops("Div", ops("Mul", gap, gap), np.float32(-VOTE_SIGMA)))
    votes = ops("Reshape", ops("Max", scores, np.float32(0)), int64(0, 1, -1))
    same = ops("Equal", ops("Unsqueeze", kept_labels, int64(2)), ops("Unsqueeze", labels, int64(1)))
    counts = ops("And", same, ops("Less", np.float32(0), common))
    weights = ops("Where", counts, ops("Mul", nearness, votes), np.float32(0))
    total = ops("ReduceL1", weights, int64(-1), keepdims=1)  # (B, M, 1)
    moved = ops("Div", ops("MatMul", weights, boxes), ops("Max", total, _TINY))
    return ops("Where", ops("Less", np.float32(0), total), moved, kept)


def _length(ops, ours, theirs, axis):
    """What boxes have in common along x or y, at least 0."""
    low, high = ops("Max", ours[axis], theirs[axis]), ops("Min", ours[2 + axis], theirs[2 + axis])
    return ops("Max", ops("Sub", high, low), np.float32(0))


def _area(ops, corners):
    return ops("Mul", ops("Sub", corners[2], corners[0]), ops("Sub", corners[3], corners[1]))
