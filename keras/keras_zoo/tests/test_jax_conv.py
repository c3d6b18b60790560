"""The gradient of a convolution on JAX against XLA's own."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("JAX's convolution", allow_module_level=True)

import jax

from keras_zoo import jax_conv
from keras_zoo.jax_conv import conv, plain


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that an image has several and the last one is cut off."""
    monkeypatch.setattr(jax_conv, "_BLOCK", 70_000)


@pytest.mark.parametrize(
    ("height", "width", "channels", "side", "stride", "dilation"),
    [
        (13, 11, 16, 3, 1, 1),
        (13, 11, 16, 3, 2, 1),
        (14, 11, 20, 3, 1, 2),
        (16, 16, 17, 7, 2, 1),
        (12, 13, 32, 1, 1, 1),
        (12, 13, 32, 1, 2, 1),
        (13, 11, 3, 3, 1, 1),  # XLA's own
    ],
)
def test_gradients_are_xlas(small_blocks, height, width, channels, side, stride, dilation):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, height, width, channels)).astype(np.float32)
    kernel = rng.normal(size=(side, side, channels, 24)).astype(np.float32)

    (output, back), (expected, expected_back) = (
        jax.vjp(jax.jit(lambda x, kernel, of=of: of(x, kernel, stride, dilation)), x, kernel) for of in (conv, plain)
    )
    np.testing.assert_array_equal(output, expected)
    gradient = rng.normal(size=output.shape).astype(np.float32)
    for ours, xlas in zip(back(gradient), expected_back(gradient), strict=True):
        np.testing.assert_allclose(ours, xlas, atol=1e-5 * np.abs(xlas).max())


def test_blocks_are_taken_of_float32_and_of_many_channels_on_one_device(monkeypatch):
    taken, blocks = [], jax_conv._kernel_gradient

    def noted(*given, **options):
        taken.append(1)
        return blocks(*given, **options)

    monkeypatch.setattr(jax_conv, "_kernel_gradient", noted)

    def count(channels, dtype):
        taken.clear()
        x, kernel = np.ones((1, 4, 4, channels), dtype), np.ones((3, 3, channels, 2), dtype)
        jax.grad(lambda kernel: conv(x, kernel, 1, 1).sum())(kernel)
        return len(taken)

    assert [count(16, np.float32), count(15, np.float32), count(16, jax.numpy.bfloat16)] == [1, 0, 0]
    monkeypatch.setattr(keras.distribution, "distribution", lambda: "several devices")
    assert count(16, np.float32) == 0
