import numpy as np
import pytest

from trizoo.parity.pseudo import calm, pseudo_array


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("a.bn.weight", 0.5, 1.5), ("a.bn.running_var", 0.5, 1.5), ("a.bias", -0.5, 0.5), ("l2_norm.scale", 10, 30)],
)
def test_vectors_lie_in_the_range_of_their_leaf(name, low, high):
    values = pseudo_array(name, (1000,))
    assert (values.shape, values.dtype) == ((1000,), np.float32)
    # of 1000 uniform values the least and the greatest come this near to the ends
    span = high - low
    assert low <= values.min() < low + 0.02 * span
    assert high - 0.02 * span < values.max() <= high


def test_a_name_without_pseudo_weights_is_refused():
    with pytest.raises(ValueError, match=r"no pseudo-weights are defined for a.gamma of shape \(3,\)"):
        pseudo_array("a.gamma", (3,))


def test_calm_normalisations_and_towers_keep_most_values_above_zero_and_leave_the_rest():
    normalised = ("a.bn.weight", "a.bn.bias", "a.bn.running_mean", "a.conv.weight", "a.conv.bias", "b.gn.weight")
    names = (*normalised, "head.tower.0.conv.weight", "head.tower.0.conv.bias")
    arrays = {name: np.full(3, 2, np.float32) for name in names}
    changed = {name: float(array[0]) for name, array in calm(arrays).items() if array[0] != 2}
    assert changed == {
        "a.bn.weight": pytest.approx(0.6),
        "a.bn.bias": 3,
        "b.gn.weight": pytest.approx(0.6),
        "head.tower.0.conv.weight": 0.5,
        "head.tower.0.conv.bias": 3,
    }
    assert {array.dtype for array in calm(arrays).values()} == {np.dtype(np.float32)}
    assert arrays["a.bn.weight"][0] == 2
