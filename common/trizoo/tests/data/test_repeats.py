"""Repeat factors of images with rare classes."""

import numpy as np
import pytest

from trizoo.data.repeats import image_repeats, repeat_factors


class Source:
    """A data set of label sets alone."""

    label_sets = ({0}, {0}, {0, 1}, set())

    def labels_in(self, place):
        return self.label_sets[place]


def test_an_images_factor_is_that_of_its_rarest_class():
    # class 1 in a quarter of four images: sqrt(0.5 / 0.25); class 0 in three quarters is not rare
    factors = repeat_factors(Source.label_sets, 0.5)
    np.testing.assert_allclose(factors, [1, 1, 2**0.5, 1])


@pytest.mark.parametrize("rare_below", [0, 0.25])
def test_without_a_rare_class_there_is_nothing_to_repeat(rare_below):
    assert image_repeats(Source(), [0, 1, 2, 3], rare_below) is None


def test_shares_are_of_the_images_that_are_trained_on():
    np.testing.assert_allclose(image_repeats(Source(), [1, 2], 1.0), [1, 2**0.5])
