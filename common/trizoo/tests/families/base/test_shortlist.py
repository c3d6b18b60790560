"""When the rows taken are enough; that they give the same detections is in tests/contract/shortlist.py."""

import numpy as np
import pytest

from trizoo.families.base.decode import greatest_of_rows, promising
from trizoo.families.base.shortlist import Ranking
from trizoo.families.base.terms import sigmoid

FINE = Ranking((10,), 4, 2)
EXACT = Ranking((10,), 4, 2, sigmoid, exact=True)


@pytest.mark.parametrize(
    ("promises", "least", "suffices"),
    [
        ((0.9, 0.8, 0.7, 0.6), 0.1, True),  # the second is above all that is left out
        ((0.9, 0.8, 0.8, 0.8), 0.1, False),  # one left out may be as good as the second
        ((0.9, 0.8, 0.8, 0.79999), 0.1, False),  # nearer than rounding, 1e-4 of 0.8
        ((0.9, 0.8, 0.8, 0.79), 0.1, True),
        ((0.9, 0.8, 0.8, 0.8), 0.81, True),  # but it is below the threshold
        ((0.9, 0.8, 0.8, 0.8), 0.8, False),
        ((0.9, -np.inf, -np.inf, -np.inf), 0.0, True),  # no other is a candidate
    ],
)
def test_rows_suffice_where_no_other_can_be_among_those_needed(promises, least, suffices):
    assert FINE.suffices(np.array(promises, np.float32), np.array([-np.inf]), least) is suffices


def test_without_places_the_threshold_alone_keeps_rows_out():
    ranking = Ranking((10,), 4, None)
    promises = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    assert not ranking.suffices(promises, np.array([0.5]), 0.6)
    assert ranking.suffices(promises, np.array([0.5]), 0.61)


@pytest.mark.parametrize(
    ("promises", "below", "suffices"),
    [
        ((1, 0, 0, 0), -1, True),  # those left out come later, or are clearly lower
        ((0, 0, 0, 0), -1, True),
        ((0, 0, 0, 0), -1e-5, False),  # a lower one whose score may be taken for the same
        ((1e-5, 0, 0, 0), -1, False),  # the first may be taken for an equal one, before which others come
        ((40, 30, 30, 30), 20, False),  # the sigmoid of all is 1
        ((1, 0, 0, -1e-5), -1, False),  # the last isn't the second's equal, and too near
    ],
)
def test_equal_rows_suffice_where_equal_promises_are_equal_scores(promises, below, suffices):
    assert EXACT.suffices(np.array(promises, np.float32), np.array([below], np.float32), 0.1) is suffices


def test_each_group_has_to_suffice_and_a_whole_one_does():
    ranking = Ranking((2, 10), 4, 2)
    assert ranking.taken == [2, 4]
    below = np.zeros(2)
    assert ranking.suffices(np.array([0.5, 0.5, 0.9, 0.8, 0.7, 0.6]), below, 0.1)
    assert not ranking.suffices(np.array([0.5, 0.5, 0.9, 0.8, 0.8, 0.8]), below, 0.1)


def test_promising_rows_hold_the_best_scores_and_those_that_may_equal_them():
    scores = np.array([0.2, 0.5, 0.9, 0.5, 0.49999994, 0.1], np.float32)
    assert promising(scores, 2).tolist() == [1, 2, 3, 4]
    assert promising(scores, 1).tolist() == [2]
    assert promising(scores, 6).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_greatest_of_rows_is_their_maximum_and_nan_where_one_is():
    x = np.array([[1, 3, 2], [-5, -np.inf, -4], [np.nan, 1, 2], [0, 1, np.inf]], np.float32)
    np.testing.assert_array_equal(greatest_of_rows(x), [3, -4, np.nan, np.inf])
    assert greatest_of_rows(np.zeros((0, 3), np.float32)).shape == (0,)
