"""Raw values of a YOLO head to boxes."""

import numpy as np

from trizoo.families.base.terms import sigmoid
from trizoo.ground.boxes import cxcywh_to_xyxy

MAX_LOG_SIZE = 8.0  # exp of a predicted log width or height is clamped here: anchors grow at most 2981 times
# of width and height. exponential: Darknet's (Redmon & Farhadi 2017). squared: YOLOv5's, and Darknet's new_coords (Wang
# et al. 2021, Scaled-YOLOv4): it reaches 4 times the anchor, and no slope grows without bound
CODINGS = ("exponential", "squared")
CODED = ("coding", "scale_xy")  # options of a recipe's model section that say how boxes are coded


def decode_boxes(raw, cells, strides, anchors, scales, coding="exponential"):
    """Boxes that raw values stand for: (..., 4), (..., 2), (...), (..., 2), (...) -> (..., 4) corners in input pixels.

    Centre: its place in the cell plus the cell, times the stride; size: `anchor_factors` times the anchor.
    """
    centre = (place_in_cell(raw[..., :2], scales) + cells) * strides[..., None]
    sides = anchor_factors(raw[..., 2:4], coding) * anchors
    return cxcywh_to_xyxy(np.concatenate([centre, sides], axis=-1))


def anchor_factors(raw, coding):
    """What raw widths and heights multiply the anchor's by: exp(raw), or (2 sigmoid(raw))^2.

    Args:
        coding: one of CODINGS
    """
    if coding == "squared":
        return (2 * sigmoid(raw)) ** 2
    return np.exp(np.minimum(raw, MAX_LOG_SIZE))


def log_factors(raw, coding):
    """The logarithm of `anchor_factors`, without a bound."""
    if coding == "squared":
        return 2 * (np.log(2) - np.logaddexp(0, -raw))
    return raw


def place_in_cell(raw, scales):
    """Where raw x and y put a centre, in cells from the cell's corner: (..., 2), (...) -> (..., 2).

    The sigmoid, stretched about its middle by the grid's scales, so that the cell's borders are within reach (grid
    sensitivity, Bochkovskiy et al. 2020, section 3.4; Darknet's scale_x_y); with a scale of 1 the sigmoid itself.
    """
    return sigmoid(raw) * scales[..., None] - (scales[..., None] - 1) / 2
