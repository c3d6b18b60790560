"""Attention: features weighted by what they themselves say, channel by channel or pixel by pixel."""

import math
from functools import partial

import tensorflow as tf

from tf2_zoo.blocks import concat
from tf2_zoo.layers import Conv2d, Module

REDUCTION = 16  # channels of a block : of its hidden layer


class NoAttention(Module):
    """What comes in: (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()

    def call(self, x):
        return x


class SqueezeExcitation(Module):
    """Channels weighted by two layers on their means (Hu et al. 2018): (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()
        self.reduce = Conv2d(channels, channels // REDUCTION, 1)
        self.expand = Conv2d(channels // REDUCTION, channels, 1)

    def call(self, x):
        return x * tf.sigmoid(self.expand(tf.nn.relu(self.reduce(mean_of_pixels(x)))))


class CBAM(Module):
    """Channels weighted by their means and greatest values, then pixels by theirs (Woo et al. 2018).

    (B, H, W, C) -> (B, H, W, C). One pair of layers serves the means and the greatest values of the channels.

    Args:
        reduction: channels of the block : of its hidden layer
    """

    def __init__(self, channels, reduction=REDUCTION):
        super().__init__()
        self.reduce = Conv2d(channels, channels // reduction, 1)
        self.expand = Conv2d(channels // reduction, channels, 1)
        self.spatial = Conv2d(2, 1, 7, bias=False)

    def call(self, x):
        greatest = tf.reduce_max(x, axis=(1, 2), keepdims=True)
        x = x * tf.sigmoid(self._weigh(mean_of_pixels(x)) + self._weigh(greatest))
        of_channels = concat(tf.reduce_mean(x, axis=-1, keepdims=True), tf.reduce_max(x, axis=-1, keepdims=True))
        return x * tf.sigmoid(self.spatial(of_channels))

    def _weigh(self, x):
        return self.expand(tf.nn.relu(self.reduce(x)))


class ECA(Module):
    """Channels weighted by a convolution along their means (Wang et al. 2020): (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()
        size = eca_kernel_size(channels)
        self.along = Conv2d(1, 1, (1, size), bias=False)

    def call(self, x):
        means = tf.transpose(mean_of_pixels(x), (0, 1, 3, 2))  # (B, 1, 1, C) -> (B, 1, C, 1): an image one pixel high
        return x * tf.sigmoid(tf.transpose(self.along(means), (0, 1, 3, 2)))


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
    return tf.reduce_mean(x, axis=(1, 2), keepdims=True)


def eca_kernel_size(channels):
    """How many channels the kernel of ECA spans: (log2(channels) + 1) / 2, made odd upwards.

    Equation 12 of the paper, its gamma 2 and b 1.
    """
    size = int((math.log2(channels) + 1) / 2)
    return size if size % 2 else size + 1
