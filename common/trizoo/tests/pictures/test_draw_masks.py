import numpy as np
import pytest

from trizoo.pictures.draw_masks import blend, colours, cut_out

MASK = np.array([[0, 1], [255, 2]], np.uint8)
IMAGE = np.full((2, 2, 3), 100, np.uint8)


def test_colours_lie_over_the_classes_and_not_over_background_and_ignored_pixels():
    picture = blend(IMAGE, MASK, alpha=0.5)
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == picture[1, 0].tolist() == [100, 100, 100]
    assert picture[0, 1].tolist() == [114, 50, 50]  # VOC's colour of 1 is 128, 0, 0
    assert picture[1, 1].tolist() == [50, 114, 50]  # of 2: 0, 128, 0


def test_colours_alone_are_vocs():
    assert colours(MASK).tolist() == [[[0, 0, 0], [128, 0, 0]], [[224, 224, 192], [0, 128, 0]]]


def test_a_cut_out_is_transparent_where_there_is_no_object():
    picture = cut_out(IMAGE, MASK)
    assert picture[..., 3].tolist() == [[0, 255], [0, 255]]
    assert np.array_equal(picture[..., :3], IMAGE)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"mask is uint8 \(2, 2\); uint8 \(3, 2\)"):
        blend(np.zeros((3, 2, 3), np.uint8), MASK)
