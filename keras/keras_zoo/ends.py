"""What a Keras file ends in before the network's outputs: boxes after NMS, or a mask, by `keras.ops`.

Boxes are those of the family's decode.py for an image that fills the input: in pixels of the input, clipped to it,
highest score first.
"""

import math

from keras import ops

from keras_zoo.graph_ops import Ops, gather_rows
from trizoo.families.base.graph import NOTHING, voted

_NOTHING = float(NOTHING)
_KEPT = _NOTHING / 2  # between it and the least score


def find_boxes(spec, outputs, size, thresholds):
    """The network's outputs to boxes (B, M, 4), scores (B, M) and labels (B, M): {name: tensor}.

    M is max_detections, or all candidates where they are fewer. Empty places have score 0, label -1 and a box of zeros.

    Args:
        spec: the model's
        outputs: float32
        size: (width, height) of the input
        thresholds: a `trizoo.deploy.metadata.Thresholds`
    """
    width, height = size
    boxes, scores, labels = spec.candidates(Ops(), outputs, ((width,), (height,)), thresholds.confidence)
    limits = ops.cast(ops.stack([width, height, width, height]), "float32")
    boxes = ops.minimum(ops.maximum(boxes, 0.0), limits)
    has_area = ops.all(boxes[..., 2:] > boxes[..., :2], axis=-1)
    scores = ops.where(has_area, scores, _NOTHING)
    found = suppress(boxes, scores, labels, thresholds.nms, thresholds.max_detections)
    found = dict(zip(("boxes", "scores", "labels"), found, strict=True))
    if thresholds.nms_method == "vote":
        found["boxes"] = voted(Ops(), found["boxes"], found["labels"], boxes, scores, labels)
    return found


def likeliest(logits):
    """The mask of logits: (B, H, W, C) -> uint8 (B, H, W)."""
    return ops.cast(ops.argmax(logits, axis=-1), "uint8")


def suppress(boxes, scores, labels, threshold, most):
    """NMS per class, highest scores first: (B, N, 4), (B, N), (B, N) -> the same of M = at most `most` places.

    Exact and greedy: each round keeps the best box left of each image and drops what it overlaps, until none is left.

    Args:
        scores: of what is no candidate NOTHING
        threshold: IoU above which the weaker box of a class goes
        most: boxes of an image
    """
    threshold = threshold if threshold < 1 else math.inf  # no IoU is above it, but for rounding
    count, candidates = ops.shape(scores)
    most = min(most, candidates) if isinstance(candidates, int) else ops.minimum(most, candidates)
    sides = boxes[..., 2:] - boxes[..., :2]
    areas = sides[..., 0] * sides[..., 1]
    turns, rows = ops.arange(most), ops.arange(candidates)

    def goes_on(step, left, places, kept):
        return ops.logical_and(step < most, ops.max(left) > _KEPT)

    def round_of_all(step, left, places, kept):
        place = ops.cast(ops.argmax(left, axis=1), "int32")[:, None]  # the first of equal ones; (B, 1)
        score = ops.max(left, axis=1)[:, None]
        best = gather_rows(boxes, place)  # (B, 1, 4)
        common = ops.minimum(boxes[..., 2:], best[..., 2:]) - ops.maximum(boxes[..., :2], best[..., :2])
        common = ops.maximum(common, 0.0)
        common = common[..., 0] * common[..., 1]
        union = areas + ops.take_along_axis(areas, place, axis=1) - common
        clashes = common / ops.maximum(union, 1e-12) > threshold
        clashes = ops.logical_and(clashes, labels == ops.take_along_axis(labels, place, axis=1))
        left = ops.where(ops.logical_or(clashes, rows == place), _NOTHING, left)
        now = turns == step
        return step + 1, left, ops.where(now, place, places), ops.where(now, score, kept)

    places = ops.zeros((count, most), "int32")
    state = ops.convert_to_tensor(0, "int32"), scores, places, ops.full((count, most), _NOTHING, "float32")
    _, _, places, kept = ops.while_loop(goes_on, round_of_all, state)
    found = kept > _KEPT
    return (
        ops.where(found[..., None], gather_rows(boxes, places), 0.0),
        ops.where(found, kept, 0.0),
        ops.where(found, ops.take_along_axis(labels, places, axis=1), -1),
    )
