"""Boxes as offsets from anchors, which is what SSD and RetinaNet predict, and back."""

import math
from dataclasses import dataclass

import numpy as np

from trizoo.ground.boxes import LEAST_SIDE, cxcywh_to_xyxy, xyxy_to_cxcywh

MAX_LOG_SIZE = math.log(
    1000 / 16
)  # log sizes are clamped here on decoding: anchors grow at most 62.5 times; torchvision


@dataclass(frozen=True)
class CentreCoding:
    """Centre's offset in sides of the anchor, log of the sides in those of the anchor, each times its weight.

    Girshick et al. 2014, appendix C. `decode(encode(boxes, anchors), anchors)` are the boxes, of up to 62.5 times the
    anchor's sides.

    Args:
        weights: x, y, width, height; Caffe's variances are 1 / weight
    """

    weights: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)

    def encode(self, boxes, anchors):
        """Deltas of boxes from anchors: (..., 4), (..., 4) that broadcast -> (..., 4).

        A side of a box below LEAST_SIDE counts as that long, so that its log is finite.
        """
        boxes, anchors = xyxy_to_cxcywh(boxes), xyxy_to_cxcywh(anchors)
        offsets = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
        logs = np.log(np.maximum(boxes[..., 2:], LEAST_SIDE) / anchors[..., 2:])
        deltas = np.concatenate([offsets, logs], axis=-1)
        return deltas * np.array(self.weights, deltas.dtype)

    def decode(self, deltas, anchors):
        """Boxes that deltas from anchors stand for: (..., 4), (..., 4) that broadcast -> (..., 4) corners."""
        anchors = xyxy_to_cxcywh(anchors)
        deltas = deltas / np.array(self.weights, deltas.dtype)
        centres = deltas[..., :2] * anchors[..., 2:] + anchors[..., :2]
        sides = np.exp(np.minimum(deltas[..., 2:], MAX_LOG_SIZE)) * anchors[..., 2:]
        return cxcywh_to_xyxy(np.concatenate([centres, sides], axis=-1))


@dataclass(frozen=True)
class CornerCoding:
    """Offset of each corner in sides of the anchor, times a weight, as in keras-retinanet (1 / 0.2)."""

    weight: float = 5.0

    def encode(self, boxes, anchors):
        """Deltas of boxes from anchors: (..., 4), (..., 4) that broadcast -> (..., 4)."""
        return (boxes - anchors) / _sides(anchors) * self.weight

    def decode(self, deltas, anchors):
        """Boxes that deltas from anchors stand for: (..., 4), (..., 4) that broadcast -> (..., 4) corners."""
        return deltas / self.weight * _sides(anchors) + anchors


def _sides(anchors):
    """Width, height, width, height: (..., 4) -> (..., 4)."""
    return np.tile(anchors[..., 2:] - anchors[..., :2], 2)
