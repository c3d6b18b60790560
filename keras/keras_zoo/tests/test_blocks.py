"""Building blocks, as in every framework."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_zoo import blocks as module
from keras_zoo import layout
from keras_zoo.blocks import ConvBlock, SeparableConv, concat, global_average_pool, max_pool, resize, size_of, upsample
from keras_zoo.learner import Learner
from keras_zoo.network import Network
from trizoo.families import model_spec
from trizoo.tests.contract.blocks import *  # noqa: F403


class EveryBlock(Network):
    """See `trizoo.tests.contract.blocks.EVERY_BLOCK`."""

    def __init__(self, spec):
        super().__init__(spec)
        self.stem = ConvBlock(3, 8, 3, 2, "relu", norm="group")
        self.separable = SeparableConv(8, 12, 3, dilation=2)
        self.plain = ConvBlock(12, 6, 3, activation="relu6", dilation=3, norm=None)
        self.strided = ConvBlock(6, 6, 3, 2, "linear", groups=6)

    def call(self, images):
        x = self.stem(layout.from_images(ops.cast(images, "float32") / 255))
        y = self.separable(max_pool(x, 3, 2, padding=1))
        z = self.strided(self.plain(y))
        head = concat(resize(y, size_of(x)), upsample(z, size_of(x)), x * global_average_pool(x))
        return [layout.to_images(head)]


class Square:
    """The gain times the mean square of the head."""

    terms = ("square",)

    def __init__(self, gain):
        self.gain = gain

    def __call__(self, heads, targets, size):
        square = self.gain * ops.mean(ops.square(heads[0]))
        return {"loss": square, "square": square}


@pytest.fixture(scope="module")
def blocks():
    """The package's module."""
    return module


@pytest.fixture(scope="module")
def run():
    """A block or function, (B, H, W, C) and arguments -> what it makes of it."""

    def of(block, x, *arguments, **options):
        x = layout.from_images(ops.convert_to_tensor(x))
        return ops.convert_to_numpy(layout.to_images(block(x, *arguments, **options)))

    return of


@pytest.fixture(scope="module")
def forward():
    """A network and uint8 (B, H, W, 3) -> its head, by stored statistics."""

    def of(model, images):
        return ops.convert_to_numpy(model(images)[0])

    return of


@pytest.fixture(scope="module")
def every_block():
    """A gain and a recipe -> the learner of a network of all blocks."""

    def of(gain, recipe):
        model = EveryBlock(model_spec("yolov3-tiny", 1))  # any: its graph is its own
        return Learner(model, Square(gain), recipe, "cpu")

    return of


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the others pool by their own operation")
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), [(2, 2, None), (2, 1, None), (3, 1, None), (3, 2, 1)])
def test_a_pool_of_shifts_is_that_of_windows_also_of_equals_and_of_what_is_no_number(kernel_size, stride, padding):
    import jax

    x = np.random.default_rng(0).integers(0, 4, (2, 9, 8, 3)).astype(np.float32)  # many are equal

    def windows(x):
        missing = kernel_size - stride
        before, after = (missing // 2, missing - missing // 2) if padding is None else (padding, padding)
        x = layout.pad(x, before, after, value=float("-inf"))
        return ops.max_pool(x, kernel_size, stride, padding="valid")

    (output, back), (expected, expected_back) = (
        jax.vjp(pool, x) for pool in (lambda x: max_pool(x, kernel_size, stride, padding=padding), windows)
    )
    np.testing.assert_array_equal(output, expected)
    gradient = np.random.default_rng(1).integers(1, 9, output.shape).astype(np.float32)
    np.testing.assert_array_equal(back(gradient)[0], expected_back(gradient)[0])
    x[0, 3, 3, 0] = np.nan
    assert np.isnan(max_pool(x, kernel_size, stride, padding=padding)).any()
