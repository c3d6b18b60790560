"""Boxes drawn on an image as it is stored, turned to where a viewer shows them."""

import numpy as np

from trizoo.ground.boxes import as_boxes

# EXIF orientation -> (whether x and y change places, whether the upright x, and y, counts from the far side)
# (EXIF 2.3, section 4.6.4: which side of the picture the first stored row and column are)
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


def upright_boxes(boxes, stored_size, orientation):
    """Boxes in pixels of the stored image -> the same in pixels of the upright one: (N, 4) -> (N, 4).

    Args:
        stored_size: (width, height) before turning
        orientation: EXIF's, 1 to 8

    Raises:
        ValueError: for another orientation
    """
    if orientation not in _TURNS:
        raise ValueError(f"orientation is {orientation!r}; EXIF knows 1 to 8")
    boxes = as_boxes(boxes)
    swapped, from_right, from_bottom = _TURNS[orientation]
    width, height = stored_size
    if swapped:
        boxes, width, height = boxes[..., [1, 0, 3, 2]], height, width
    xmin, ymin, xmax, ymax = np.moveaxis(boxes, -1, 0)
    if from_right:
        xmin, xmax = width - xmax, width - xmin
    if from_bottom:
        ymin, ymax = height - ymax, height - ymin
    return np.stack([xmin, ymin, xmax, ymax], axis=-1)
