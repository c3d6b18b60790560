import numpy as np
import pytest

from common.parity.pseudo import pseudo_array


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
