"""Crosses at marks."""

import numpy as np
import pytest

from trizoo.pictures.draw_points import draw_points
from trizoo.pictures.palette import class_colours

GREY = np.full((120, 400, 3), 128, np.uint8)


def test_a_cross_of_the_classes_colour_stands_at_the_mark():
    picture = draw_points(GREY, [(100.4, 60.2)], [1], ("a", "b"), labelled=False)
    assert picture[60, 100].tolist() == class_colours(2)[1].tolist()
    changed = np.argwhere((picture != GREY).any(axis=-1))
    assert np.abs(changed.mean(axis=0) - [60, 100]).max() < 1
    assert (GREY == 128).all()


def test_names_and_scores_stand_beside_it_and_lines_are_as_thick_as_asked():
    bare = draw_points(GREY, [(100, 60)], [0], ("a",), labelled=False)
    named = draw_points(GREY, [(100, 60)], [0], ("a",), [0.9])
    thick = draw_points(GREY, [(100, 60)], [0], ("a",), labelled=False, thickness=9)
    counts = [(picture != GREY).any(axis=-1).sum() for picture in (bare, named, thick)]
    assert counts[1] > 2 * counts[0]
    assert counts[2] > 2 * counts[0]


def test_marks_outside_are_left_out_and_wrong_arrays_are_errors():
    assert (draw_points(GREY, [(-3, 5), (401, 5), (np.nan, 5)], [0, 0, 0], ("a",)) == GREY).all()
    assert (draw_points(GREY, np.zeros((0, 2)), [], ()) == GREY).all()
    with pytest.raises(ValueError, match=r"points, labels and scores have lengths \(1, 2, None\)"):
        draw_points(GREY, [(1, 2)], [0, 0], ("a",))
    with pytest.raises(ValueError, match="labels holds 3"):
        draw_points(GREY, [(1, 2)], [3], ("a",))
