"""Raw values of a YOLO head to boxes."""

import numpy as np

from trizoo.families.base.terms import sigmoid
from trizoo.ground.boxes import cxcywh_to_xyxy

MAX_LOG_SIZE = 8.0  # exp of a predicted log width or height is clamped here: anchors grow at most 2981 times


def decode_boxes(raw, cells, strides, anchors, scales):
    """Boxes that raw values stand for: (..., 4), (..., 2), (...), (..., 2), (...) -> (..., 4) corners in input pixels.

    Centre: its place in the cell plus the cell, times the stride; size: exp times the anchor.
    """
    centre = (place_in_cell(raw[..., :2], scales) + cells) * strides[..., None]
    sides = np.exp(np.minimum(raw[..., 2:4], MAX_LOG_SIZE)) * anchors
    return cxcywh_to_xyxy(np.concatenate([centre, sides], axis=-1))


def place_in_cell(raw, scales):
    """Where raw x and y put a centre, in cells from the cell's corner: (..., 2), (...) -> (..., 2).

    The sigmoid, stretched about its middle by the grid's scales, so that the cell's borders are within reach (grid
    sensitivity, Bochkovskiy et al. 2020, section 3.4; Darknet's scale_x_y); with a scale of 1 the sigmoid itself.
    """
    return sigmoid(raw) * scales[..., None] - (scales[..., None] - 1) / 2
