"""Building blocks, as in every framework."""

import pytest
import tensorflow as tf

from tf2_zoo import blocks as module
from tf2_zoo.blocks import ConvBlock, SeparableConv, concat, global_average_pool, max_pool, resize, size_of, upsample
from tf2_zoo.layers import BatchNorm, named_modules
from tf2_zoo.learner import Learner
from trizoo.tests.contract.blocks import *  # noqa: F403


class EveryBlock(tf.Module):
    """See `trizoo.tests.contract.blocks.EVERY_BLOCK`."""

    def __init__(self, spec=None):
        super().__init__()
        self.stem = ConvBlock(3, 8, 3, 2, "relu", norm="group")
        self.separable = SeparableConv(8, 12, 3, dilation=2)
        self.plain = ConvBlock(12, 6, 3, activation="relu6", dilation=3, norm=None)
        self.strided = ConvBlock(6, 6, 3, 2, "linear", groups=6)

    def __call__(self, images):
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
        for _, part in named_modules(model):
            if isinstance(part, BatchNorm):
                part.training = False
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
