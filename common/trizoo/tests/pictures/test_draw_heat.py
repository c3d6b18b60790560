import numpy as np
import pytest

from trizoo.pictures.draw_heat import draw_heat


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (640, 480)])
def test_the_hottest_place_is_the_brightest_and_a_scale_stands_below(size):
    heat = np.zeros(size[::-1])
    heat[size[1] // 2, size[0] // 3] = 1
    picture = draw_heat(np.full((*size[::-1], 3), 128, np.uint8), heat)
    assert picture.dtype == np.uint8
    assert picture.shape[0] > size[1]
    assert picture.shape[1:] == (size[0], 3)
    brightness = picture[: size[1]].sum(axis=2)
    assert np.unravel_index(brightness.argmax(), brightness.shape) == (size[1] // 2, size[0] // 3)


def test_the_scale_has_the_colours_of_the_map_and_marks_that_do_not_touch():
    picture = draw_heat(np.zeros((100, 400, 3), np.uint8), np.zeros((100, 400)))
    bar, marks = picture[100], picture[-10:].min(axis=(0, 2)) < 200
    assert bar[0].sum() < bar[200].sum() < bar[-1].sum()
    gaps = np.diff(np.flatnonzero(marks))
    assert (gaps > 20).sum() == 4  # between five numbers


def test_a_map_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"heat is \(3, 4\); \(4, 3\), the image's size, is needed"):
        draw_heat(np.zeros((4, 3, 3), np.uint8), np.zeros((3, 4)))
