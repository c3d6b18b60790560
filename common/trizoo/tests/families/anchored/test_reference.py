import numpy as np

from trizoo.families.anchored.reference import smooth_l1


def test_smooth_l1_by_hand():
    values, slopes = smooth_l1(np.array([-3, -0.5, 0, 1, 2]), 1)
    np.testing.assert_allclose(values, [2.5, 0.125, 0, 0.5, 1.5])
    np.testing.assert_allclose(slopes, [-1, -0.5, 0, 1, 1])
    values, slopes = smooth_l1(np.array([0.1, -1]), 0.5)  # 0.01 / (2 * 0.5), 1 - 0.25
    np.testing.assert_allclose(values, [0.01, 0.75])
    np.testing.assert_allclose(slopes, [0.2, -1])


def test_smooth_l1_of_beta_zero_is_l1():
    values, slopes = smooth_l1(np.array([-3, 0, 0.5]), 0)
    assert values.tolist() == [3, 0, 0.5]
    assert slopes.tolist() == [-1, 0, 1]
