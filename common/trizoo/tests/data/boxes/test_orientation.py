import numpy as np
import pytest
from PIL import Image, ImageOps

from trizoo.data.boxes.orientation import upright_boxes


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_as_pillow_turns_the_picture(orientation):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[3:8, 10:26] = 1  # the box 10, 3, 26, 8
    pixels[12:19, 2:5] = 2  # and 2, 12, 5, 19
    stored = Image.fromarray(pixels)
    stored.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(stored))
    expected = []
    for value in (1, 2):
        ys, xs = np.nonzero(upright == value)
        expected.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    boxes = upright_boxes(np.array([[10, 3, 26, 8], [2, 12, 5, 19]], np.float32), (30, 20), orientation)
    np.testing.assert_array_equal(boxes, expected)
    assert boxes.dtype == np.float32


def test_no_boxes_stay_none():
    assert upright_boxes(np.zeros((0, 4)), (30, 20), 6).shape == (0, 4)


@pytest.mark.parametrize("orientation", [0, 9, None])
def test_unknown_orientation_is_refused(orientation):
    with pytest.raises(ValueError, match=f"orientation is {orientation}; EXIF knows 1 to 8"):
        upright_boxes(np.zeros((1, 4)), (30, 20), orientation)
