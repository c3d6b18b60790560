import numpy as np
import pytest

from trizoo.pictures.counts import draw_counts
from trizoo.pictures.palette import class_colours

GREY = np.full((200, 300, 3), 128, np.uint8)


def changed_rows(picture):
    return np.flatnonzero((picture != GREY).any(axis=(1, 2)))


def test_each_class_that_there_is_has_a_line_of_its_colour_at_the_top_left():
    one, two = draw_counts(GREY, ["cat", "dog"], [0, 3]), draw_counts(GREY, ["cat", "dog"], [2, 3])
    assert (one[0, 0] == class_colours(2)[1]).all()
    assert (two[0, 0] == class_colours(2)[0]).all()
    assert len(changed_rows(two)) == 2 * len(changed_rows(one))
    assert not np.array_equal(draw_counts(GREY, ["cat", "dog"], [2, 4]), two)
    assert (GREY == 128).all()


def test_without_counts_the_picture_stays_and_what_has_no_room_is_left_out():
    assert np.array_equal(draw_counts(GREY, ["cat", "dog"], [0, 0]), GREY)
    many = draw_counts(GREY, [f"class {number}" for number in range(99)], [1] * 99)
    assert many.shape == GREY.shape
    with pytest.raises(ValueError, match="a uint8 array"):
        draw_counts(GREY.astype(float), ["cat"], [1])
