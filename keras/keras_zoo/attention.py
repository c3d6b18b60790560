"""Attention: features weighted by what they themselves say, channel by channel or pixel by pixel."""

import math
from functools import partial

import keras
from keras import ops

from keras_zoo import layout
from keras_zoo.blocks import concat
from keras_zoo.layers import make_conv

REDUCTION = 16  # channels of a block : of its hidden layer


class NoAttention(keras.layers.Layer):
    """What comes in: (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()

    def call(self, x):
        return x


class SqueezeExcitation(keras.layers.Layer):
    """Channels weighted by two layers on their means (Hu et al. 2018): (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()
        self.reduce = make_conv(channels, channels // REDUCTION, 1)
        self.expand = make_conv(channels // REDUCTION, channels, 1)

    def call(self, x):
        return x * ops.sigmoid(self.expand(ops.relu(self.reduce(mean_of_pixels(x)))))


class CBAM(keras.layers.Layer):
    """Channels weighted by their means and greatest values, then pixels by theirs (Woo et al. 2018).

    (B, H, W, C) -> (B, H, W, C). One pair of layers serves the means and the greatest values of the channels.

    Args:
        reduction: channels of the block : of its hidden layer
    """

    def __init__(self, channels, reduction=REDUCTION):
        super().__init__()
        self.reduce = make_conv(channels, channels // reduction, 1)
        self.expand = make_conv(channels // reduction, channels, 1)
        self.spatial = make_conv(2, 1, 7, use_bias=False)

    def call(self, x):
        greatest = ops.max(x, axis=(layout.HEIGHT, layout.WIDTH), keepdims=True)
        x = x * ops.sigmoid(self._weigh(mean_of_pixels(x)) + self._weigh(greatest))
        means, greatest = (f(x, axis=layout.CHANNELS, keepdims=True) for f in (ops.mean, ops.max))
        return x * ops.sigmoid(self.spatial(concat(means, greatest)))

    def _weigh(self, x):
        return self.expand(ops.relu(self.reduce(x)))


class ECA(keras.layers.Layer):
    """Channels weighted by a convolution along their means (Wang et al. 2020): (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()
        size = eca_kernel_size(channels)
        self.along = make_conv(1, 1, (1, size), use_bias=False)

    def call(self, x):
        means = layout.to_images(mean_of_pixels(x))  # (B, 1, 1, C)
        means = layout.from_images(ops.transpose(means, (0, 1, 3, 2)))  # (B, 1, C, 1): an image one pixel high
        weights = ops.transpose(layout.to_images(self.along(means)), (0, 1, 3, 2))
        return x * ops.sigmoid(layout.from_images(weights))


KINDS = {
    None: NoAttention,
    "se": SqueezeExcitation,
    "cbam": CBAM,
    "cbam8": partial(CBAM, reduction=8),  # as in yolov4-tiny-pytorch of bubbliiiing
    "eca": ECA,
}


def make_attention(kind, channels):
    """The block of a kind, for features of so many channels.

    Args:
        kind: a key of `KINDS`
    """
    return KINDS[kind](channels)


def mean_of_pixels(x):
    """The mean of all pixels: (B, H, W, C) -> (B, 1, 1, C)."""
    return ops.mean(x, axis=(layout.HEIGHT, layout.WIDTH), keepdims=True)


def eca_kernel_size(channels):
    """How many channels the kernel of ECA spans: (log2(channels) + 1) / 2, made odd upwards.

    Equation 12 of the paper, its gamma 2 and b 1.
    """
    size = int((math.log2(channels) + 1) / 2)
    return size if size % 2 else size + 1
