"""Shares that aren't defined where there is nothing to count."""

import numpy as np

from trizoo.metrics.shares import mean, ratio


def test_a_share_of_nothing_is_nan_and_shapes_broadcast():
    found = ratio([[1, 2], [3, 0]], [4, 0])
    assert found.dtype == np.float64
    assert np.array_equal(found, [[0.25, np.nan], [0.75, np.nan]], equal_nan=True)
    assert float(ratio(1, 2)) == 0.5
    assert mean([1, 2, 6]) == 3
    assert np.isnan(mean([]))
