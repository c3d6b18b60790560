"""Layers against numbers worked out by NumPy, and names of what lies below a layer."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_zoo.blocks import ConvBlock, max_pool
from keras_zoo.layers import BatchNorm, get_array, named_layers, named_parameters, named_variables
from keras_zoo.layout import from_images, to_images


def run(layer, x, **arguments):
    """What a layer or function makes of an array (B, H, W, C): the same as an array."""
    return ops.convert_to_numpy(to_images(layer(from_images(ops.convert_to_tensor(x)), **arguments)))


def stored(channels=1):
    """A batch norm with a mean of 2, a variance of 3.75, a scale of 6 and a shift of 1; eps is 0.25."""
    layer = BatchNorm(channels, eps=0.25, momentum=0.9)
    for variable, value in (
        (layer.running_mean, 2.0),
        (layer.running_var, 3.75),
        (layer.weight, 6.0),
        (layer.bias, 1.0),
    ):
        variable.assign(np.full(channels, value, np.float32))
    return layer


def fours(dtype="float32"):
    return ops.full((2, 1, 1, 1), 4.0, dtype=dtype)


def test_batch_norm_normalises_with_the_biased_variance_and_stores_the_unbiased_one():
    x = np.random.default_rng(0).normal(3, 2, (2, 3, 4, 5)).astype(np.float32)
    layer = BatchNorm(5, eps=1e-5, momentum=0.9)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    output = run(layer, x, training=True)
    assert output == pytest.approx((x - mean) / np.sqrt(variance + 1e-5), abs=1e-5)
    assert get_array(layer.running_mean) == pytest.approx(0.1 * mean, rel=1e-5)
    # 2 * 3 * 4 = 24 values per channel
    assert get_array(layer.running_var) == pytest.approx(0.9 + 0.1 * variance * 24 / 23, rel=1e-5)


def test_batch_norm_keeps_its_accuracy_far_from_zero():
    x = np.random.default_rng(0).normal(1000, 0.1, (2, 4, 4, 1)).astype(np.float32)
    layer = BatchNorm(1, eps=1e-5, momentum=0.0)
    run(layer, x, training=True)
    # a mean square minus a squared mean, 1e6 - 1e6, would be off by more than the variance of 0.01
    assert get_array(layer.running_var).item() == pytest.approx(x.astype(np.float64).var(ddof=1), rel=1e-3)


@pytest.mark.parametrize("training", [False, None])
def test_batch_norm_out_of_training_uses_what_is_stored_and_leaves_it(training):
    layer = stored()
    # (4 - 2) / sqrt(3.75 + 0.25) * 6 + 1 = 7
    assert ops.convert_to_numpy(layer(fours(), training=training)).ravel() == pytest.approx([7.0, 7.0])
    assert get_array(layer.running_mean) == [2.0]
    assert get_array(layer.running_var) == [3.75]


def test_a_held_batch_norm_uses_what_is_stored_and_leaves_it_in_training_too():
    layer = stored()
    layer.held = True
    assert ops.convert_to_numpy(layer(fours(), training=True)).ravel() == pytest.approx([7.0, 7.0])
    assert get_array(layer.running_mean) == [2.0]
    assert [v.trainable for v in (layer.weight, layer.bias)] == [True, True]


def test_a_folded_batch_norm_only_adds_its_shift():
    layer = stored()
    layer.folded = True
    assert ops.convert_to_numpy(layer(fours())).ravel() == pytest.approx([5.0, 5.0])  # 4 + 1


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_batch_norm_in_half_precision_computes_in_float32(precision):
    layer = stored()
    layer.dtype_policy = keras.dtype_policies.get(f"mixed_{precision}")
    output = layer(fours(precision), training=True)
    assert keras.backend.standardize_dtype(output.dtype) == precision
    assert all(v.dtype == "float32" for v in layer.variables)


def test_a_block_of_stride_2_pads_all_sides_alike():
    block = ConvBlock(1, 1, 3, stride=2)
    block.conv.kernel.assign(np.ones((3, 3, 1, 1)))
    output = run(block, np.ones((1, 4, 4, 1), np.float32))[0, :, :, 0]
    # windows begin at -1 and 1: the corner sees 2 x 2 pixels, the middle of a side 2 x 3, the inside 3 x 3
    assert output == pytest.approx(np.array([[4, 6], [6, 9]]) / np.sqrt(1 + 1e-5))


def test_a_pool_of_stride_1_keeps_the_size_and_pads_with_nothing():
    x = -np.arange(1.0, 5.0, dtype=np.float32).reshape(1, 2, 2, 1)
    # [-1 -2; -3 -4]: windows at the right and bottom hold what is there, not zeros
    assert run(max_pool, x, kernel_size=2, stride=1).ravel().tolist() == [-1, -2, -3, -4]


class Pair(keras.layers.Layer):
    """A list of layers before a single one, to see that the order of assignment is kept."""

    def __init__(self):
        super().__init__()
        self.second = [ConvBlock(1, 2, 1)]
        self.first = BatchNorm(2, eps=1e-5, momentum=0.9)


def test_names_are_attribute_paths_in_the_order_of_assignment():
    leaves = ["weight", "bias", "running_mean", "running_var"]
    names = ["second.0.conv.weight", *(f"second.0.bn.{leaf}" for leaf in leaves), *(f"first.{leaf}" for leaf in leaves)]
    pair = Pair()
    assert list(named_variables(pair)) == names
    assert list(named_parameters(pair)) == [name for name in names if "running" not in name]
    assert {name for name, _ in named_layers(pair)} == {"second.0", "second.0.conv", "second.0.bn", "first"}
