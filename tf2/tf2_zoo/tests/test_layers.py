"""Layers against numbers worked out by NumPy, and names of what lies below a module."""

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo.layers import BatchNorm, Conv2d, named_modules, named_variables


def test_batch_norm_normalises_with_the_biased_variance_and_stores_the_unbiased_one():
    x = np.random.default_rng(0).normal(3, 2, (2, 3, 4, 5)).astype(np.float32)
    layer = BatchNorm(5, eps=1e-5, momentum=0.1)
    layer.training = True
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    output = layer(tf.constant(x)).numpy()
    assert output == pytest.approx((x - mean) / np.sqrt(variance + 1e-5), abs=1e-5)
    assert layer.running_mean.numpy() == pytest.approx(0.1 * mean, rel=1e-5)
    # 2 * 3 * 4 = 24 values per channel
    assert layer.running_var.numpy() == pytest.approx(0.9 + 0.1 * variance * 24 / 23, rel=1e-5)


def test_batch_norm_out_of_training_uses_what_is_stored_and_leaves_it():
    layer = BatchNorm(1, eps=0.25, momentum=0.1)
    layer.running_mean.assign([2.0])
    layer.running_var.assign([3.75])
    layer.weight.assign([6.0])
    layer.bias.assign([1.0])
    # (4 - 2) / sqrt(3.75 + 0.25) * 6 + 1 = 7
    assert layer(tf.fill((1, 1, 1, 1), 4.0)).numpy().item() == pytest.approx(7.0)
    assert layer.running_mean.numpy() == [2.0]


def test_a_convolution_of_stride_2_pads_all_sides_alike():
    layer = Conv2d(1, 1, 3, stride=2)
    layer.weight.assign(tf.ones((3, 3, 1, 1)))
    # windows begin at -1 and 1: the corner sees 2 x 2 pixels, the middle of a side 2 x 3, the inside 3 x 3
    assert layer(tf.ones((1, 4, 4, 1))).numpy()[0, :, :, 0].tolist() == [[4, 6], [6, 9]]


def test_names_are_attribute_paths_in_the_order_of_assignment():
    class Pair(tf.Module):
        def __init__(self):
            super().__init__()
            self.second = [Conv2d(1, 2, 1, bias=False)]
            self.first = BatchNorm(2, 1e-5, 0.1)

    assert list(named_variables(Pair())) == [
        "second.0.weight",
        "first.weight",
        "first.bias",
        "first.running_mean",
        "first.running_var",
    ]
    assert [name for name, _ in named_modules(Pair())] == ["", "second.0", "first"]
