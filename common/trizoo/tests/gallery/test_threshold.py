from dataclasses import replace

import numpy as np
import pytest

from trizoo.gallery.gallery import Entry, Gallery
from trizoo.gallery.threshold import DEFAULT, suggest, with_threshold
from trizoo.tests.galleries import EMBEDDING


def at(*angles):
    """A gallery of vectors in the plane: (name, degrees)."""
    pictures = []
    for number, (name, degrees) in enumerate(angles):
        vector = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)
        pictures.append(Entry(name, f"{number}.jpg", bytes([number]) * 32, vector))
    return Gallery(EMBEDDING).joined(pictures)


def test_it_lies_between_what_a_name_and_what_others_look_like():
    found = suggest(at(("a", 0), ("a", 10), ("b", 90), ("b", 100)))
    # own: cos 10 = 0.985 four times; others: cos 80 = 0.174 twice, cos 90 = 0 and cos 90 = 0; the middle of the gap
    assert found.threshold == pytest.approx((np.cos(np.radians(10)) + np.cos(np.radians(80))) / 2, abs=1e-4)
    assert (found.known, found.unknown, found.pictures) == (1.0, 1.0, 4)


def test_a_picture_among_others_of_another_name_counts_as_wrong():
    found = suggest(at(("a", 0), ("a", 10), ("a", 91), ("b", 90), ("b", 100)))
    # a at 91 and b at 90 and 100 are nearest to one another: 2 of 5 are named rightly, a at 0 and 10 alone are far off
    assert (found.known, found.unknown, found.pictures) == (0.4, 0.4, 5)


def test_pictures_that_tell_nothing_have_the_threshold_of_any_gallery():
    found = suggest(at(("a", 0), ("b", 1), ("a", 2), ("b", 3)))
    # each is nearest to one of the other name, at 1 degree: nothing is named rightly, all is above 0.5
    assert (found.threshold, found.known, found.unknown) == (DEFAULT, 0, 0)


def test_from_twenty_pictures_on_what_95_of_100_reach_counts():
    # twenty of a, one at each degree from 0 on, and ten of b at 90: nearest of a and of b is 1 degree, and 0
    pictures = [("a", degree) for degree in range(20)] + [("b", 90) for _ in range(10)]
    found = suggest(at(*pictures))
    assert found.threshold == pytest.approx(np.cos(np.radians(1)), abs=1e-4)
    assert (found.known, found.unknown, found.pictures) == (1, 1, 30)


@pytest.mark.parametrize("pictures", [[("a", 0), ("a", 10)], [("a", 0), ("b", 10)]])
def test_one_name_or_one_picture_a_name_suggests_nothing(pictures):
    assert suggest(at(*pictures)) is None
    assert with_threshold(at(*pictures))[0].threshold is None


def test_what_a_person_chose_stays():
    pictures = at(("a", 0), ("a", 10), ("b", 90), ("b", 100))
    chosen, suggestion = with_threshold(pictures, 0.9)
    assert (chosen.threshold, chosen.chosen, suggestion) == (0.9, True, None)
    assert with_threshold(chosen) == (chosen, None)
    again, suggestion = with_threshold(replace(pictures, threshold=0.1))
    assert again.threshold == suggestion.threshold == pytest.approx(0.5792, abs=1e-3)
