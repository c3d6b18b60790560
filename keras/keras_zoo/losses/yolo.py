"""The YOLO loss; the reference, with its definition in words, is `common.losses.yolo_loss`."""

import math

import numpy as np
from keras import ops

from common.boxes import LEAST_SIDE
from common.losses import MAX_LOG_SIZE

_TINY = float(np.finfo(np.float32).tiny)


class YOLOLoss:
    """Raw heads and targets -> {"loss", "box", "objectness", "class"}: scalars, each term with its gain applied.

    targets: arrays or tensors of `common.targets.yolo.assign`.
    """

    terms = ("box", "objectness", "class")

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets):
        options = self.options
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        width = 5 + self.spec.num_classes
        flat = [ops.reshape(head, (ops.shape(head)[0], -1, width)) for head in heads]
        raw = ops.cast(ops.concatenate(flat, axis=1), "float32")  # (B, h, w, A, 5 + C) -> (B, N, 5 + C)
        cells, strides, anchors, balance, size = self._grid(heads)
        boxes, positives, normaliser = targets["boxes"], targets["positives"], targets["num_positives"]
        # Every box keeps its slot, also those without a prediction, which count nothing: a number of positives that
        # only the data knows can't be compiled.
        taken = ops.cast(positives >= 0, "float32")  # (B, M)
        index = ops.maximum(positives, 0)

        here = ops.expand_dims(ops.arange(ops.shape(raw)[1], dtype="int32"), -1)  # (N, 1)
        positive = ops.cast(ops.any(here == positives[:, None], axis=2), "float32")  # (B, N)
        decoded = decode_boxes(ops.stop_gradient(raw), cells, strides, anchors)
        overlaps = ops.max(overlap(decoded[:, :, None], boxes[:, None]), axis=2)
        counted = ops.maximum(positive, ops.cast(overlaps <= options.ignore_iou, "float32"))
        objectness = ops.binary_crossentropy(positive, raw[..., 4], from_logits=True)
        objectness = ops.sum(objectness * balance * counted)

        chosen = ops.take_along_axis(raw, index[..., None], axis=1)  # (B, M, 5 + C)
        classes = ops.cast(targets["labels"][..., None] == ops.arange(self.spec.num_classes, dtype="int32"), "float32")
        classification = ops.binary_crossentropy(classes, chosen[..., 5:], from_logits=True)
        classification = ops.sum(classification * taken[..., None])

        place = (ops.take(cells, index, axis=0), ops.take(strides, index, axis=0), ops.take(anchors, index, axis=0))
        boxes = ops.where(taken[..., None] > 0, boxes, ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0]))  # or log of 0
        if options.box == "mse":
            box = squared_errors(chosen, boxes, *place, size)
        else:
            box = 1 - overlap(decode_boxes(chosen, *place), boxes, options.box)
        box = ops.sum(box * taken)

        terms = {
            "box": box * options.box_gain / normaliser,
            "objectness": objectness * options.objectness_gain / normaliser,
            "class": classification * options.class_gain / normaliser,
        }
        return {"loss": sum(terms.values()), **terms}

    def _grid(self, heads):
        """The constants of `common.grid.yolo_grid` as tensors, for sizes that may be known only when the step runs."""
        parts = []
        for head, stride, pairs, balance in zip(
            heads, self.spec.strides, self.spec.anchors, self.options.balance, strict=False
        ):
            rows, columns = ops.shape(head)[1:3]
            ranges = (ops.arange(side, dtype="float32") for side in (columns, rows))
            cells = ops.reshape(ops.stack(ops.meshgrid(*ranges), axis=-1), (-1, 2))  # (h * w, 2)
            cells = ops.repeat(cells, len(pairs), axis=0)  # (h * w * A, 2)
            anchors = ops.tile(ops.convert_to_tensor(pairs, dtype="float32"), (rows * columns, 1))
            parts.append(
                (cells, ops.full_like(cells[:, 0], stride), anchors, ops.full_like(cells[:, 0], balance)),
            )
        stride = self.spec.strides[0]
        rows, columns = ops.shape(heads[0])[1:3]
        constants = (ops.concatenate(part, axis=0) for part in zip(*parts, strict=True))
        return *constants, (columns * stride, rows * stride)


def decode_boxes(raw, cells, strides, anchors):
    """Boxes that raw values stand for: (..., >= 4), (..., 2), (...), (..., 2) -> (..., 4) corners in input pixels."""
    centre = (ops.sigmoid(raw[..., :2]) + cells) * strides[..., None]
    half = ops.exp(ops.minimum(raw[..., 2:4], MAX_LOG_SIZE)) * anchors / 2
    return ops.concatenate([centre - half, centre + half], axis=-1)


def overlap(a, b, kind="iou"):
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...); see `common.boxes.overlap`."""
    sides = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0)
    wh_a, wh_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    intersection = sides[..., 0] * sides[..., 1]
    union = wh_a[..., 0] * wh_a[..., 1] + wh_b[..., 0] * wh_b[..., 1] - intersection
    iou = intersection / ops.maximum(union, _TINY)
    if kind == "iou":
        return iou
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull_area = hull[..., 0] * hull[..., 1]
        return iou - (hull_area - union) / ops.maximum(hull_area, _TINY)
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    diou = iou - ops.sum(offset**2, axis=-1) / ops.maximum(ops.sum(hull**2, axis=-1), _TINY)
    if kind == "diou":
        return diou
    wh_a, wh_b = ops.maximum(wh_a, LEAST_SIDE), ops.maximum(wh_b, LEAST_SIDE)
    angle = ops.arctan2(wh_a[..., 0], wh_a[..., 1]) - ops.arctan2(wh_b[..., 0], wh_b[..., 1])
    v = 4 / math.pi**2 * angle**2
    trade_off = ops.stop_gradient(v / ops.maximum(1 - iou + v, _TINY))
    return diou - trade_off * v


def squared_errors(raw, boxes, cells, strides, anchors, size):
    """The "mse" box term, element by element: (..., >= 4), (..., 4), (..., 2), (...), (..., 2) -> (...)."""
    wh = boxes[..., 2:] - boxes[..., :2]
    place = (boxes[..., :2] + boxes[..., 2:]) / 2 / strides[..., None] - cells
    weight = 2 - wh[..., 0] * wh[..., 1] / ops.cast(size[0] * size[1], "float32")
    errors = ops.concatenate([ops.sigmoid(raw[..., :2]) - place, raw[..., 2:4] - ops.log(wh / anchors)], axis=-1)
    return weight * ops.sum(errors**2, axis=-1) / 2
