"""Building blocks, as in every framework."""

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo import attention, weights
from tf2_zoo import blocks as module
from tf2_zoo.blocks import (
    ConvBlock,
    SeparableConv,
    YOLOHead,
    average_pool,
    concat,
    global_average_pool,
    max_pool,
    resize,
    size_of,
    upsample,
)
from tf2_zoo.layers import Module
from tf2_zoo.learner import Learner
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.tests.contract.blocks import *  # noqa: F403


class EveryBlock(Module):
    """See `trizoo.tests.contract.blocks.EVERY_BLOCK`."""

    def __init__(self, spec=None):
        super().__init__()
        self.stem = ConvBlock(3, 8, 3, 2, "relu", norm="group")
        self.separable = SeparableConv(8, 12, 3, dilation=2)
        self.plain = ConvBlock(12, 6, 3, activation="relu6", dilation=3, norm=None)
        self.strided = ConvBlock(6, 6, 3, 2, "linear", groups=6)

    def call(self, images):
        x = self.stem(tf.cast(images, tf.float32) / 255)
        y = self.separable(max_pool(x, 3, 2, padding=1))
        z = self.strided(self.plain(y))
        return [concat(resize(y, size_of(x)), upsample(z, size_of(x)), x * global_average_pool(x))]


@pytest.fixture(scope="module")
def blocks():
    """The package's module."""
    return module


@pytest.fixture(scope="module")
def run():
    """A block or function, (B, H, W, C) and arguments -> what it makes of it."""

    def of(block, x, *arguments, **options):
        return block(tf.constant(x), *arguments, **options).numpy()

    return of


@pytest.fixture(scope="module")
def forward():
    """A network and uint8 (B, H, W, 3) -> its head, by stored statistics."""

    def of(model, images):
        return model(tf.constant(images))[0].numpy()

    return of


@pytest.fixture(scope="module")
def every_block():
    """A gain and a recipe -> the learner of a network of all blocks."""

    def of(gain, recipe):
        def loss(heads, targets, size):
            square = gain * tf.reduce_mean(heads[0] ** 2)
            return {"loss": square, "square": square}

        return Learner(EveryBlock(), loss, recipe, "/CPU:0")

    return of


def filled(block):
    """The block with pseudo-weights."""
    weights.assign(block, pseudo_arrays(weights.shapes(block)))
    return block


def all_blocks():
    """See `EveryBlock`; of images."""
    return filled(EveryBlock())


def head():
    """Predictions of 2 anchors and 3 classes."""
    return filled(YOLOHead(3, 8, 2, 3))


def pools():
    """Means over bins that share pixels, resized."""
    return lambda x: [resize(average_pool(x, bins), size_of(x)) for bins in (1, 2, 3, 6)]


def attended():
    """Features weighted in each way that there is."""
    convolved = filled(ConvBlock(3, 32, 3))
    kinds = [filled(attention.make_attention(kind, 32)) for kind in attention.KINDS if kind]
    return lambda x: [kind(convolved(x)) for kind in kinds]


@pytest.mark.parametrize("make", [all_blocks, head, pools, attended])
def test_a_graph_that_knows_no_size_gives_what_one_of_the_size_gives(make):
    function = make()
    known = tf.function(lambda x: function(x))
    unknown = tf.function(lambda x: function(x), input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    for size in ((33, 45), (20, 17)):
        x = tf.constant(np.random.default_rng(0).normal(0, 1, (2, *size, 3)).astype(np.float32))
        found, expected = (tf.nest.flatten(each(x)) for each in (unknown, known))
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(theirs).max()


@pytest.mark.parametrize("make", [all_blocks, head, pools, attended])
def test_a_graph_that_knows_the_size_of_its_input_knows_that_of_what_it_gives(make):
    function = make()
    graph = tf.function(lambda x: function(x)).get_concrete_function(tf.TensorSpec((None, 33, 45, 3), tf.float32))
    found = function(tf.zeros((1, 33, 45, 3)))
    for ours, theirs in zip(graph.outputs, tf.nest.flatten(found), strict=True):
        assert ours.shape.as_list() == [None, *theirs.shape[1:]]
