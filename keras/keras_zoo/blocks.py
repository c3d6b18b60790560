"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Images come in and heads go out as (B, H, W, ...), whatever a user's keras.json says. Between them shapes are written
so too, while tensors lie as `keras_zoo.layout` says. Channels are given, as in PyTorch, so a block has its weights at
once.
"""

import keras
import numpy as np
from keras import ops

from keras_zoo import layout
from keras_zoo.layers import BatchNorm, make_conv

BN_EPS = 1e-5
BN_MOMENTUM = 0.9  # Keras's meaning: the share of what was there
LEAKY_SLOPE = 0.1


def leaky_relu(x):
    """x, and 0.1 x below 0."""
    return ops.leaky_relu(x, LEAKY_SLOPE)


def mish(x):
    """x tanh(softplus(x)), Misra 2020."""
    return x * ops.tanh(ops.softplus(x))


ACTIVATIONS = {"leaky": leaky_relu, "mish": mish}


class Normalize(keras.layers.Layer):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, H, W, 3), (image - mean) / std."""

    def __init__(self, mean, std):
        super().__init__()
        self.scale = 1 / np.array(std, np.float32)
        self.shift = -np.array(mean, np.float32) * self.scale

    def call(self, images):
        x = ops.add(ops.multiply(ops.cast(images, "float32"), self.scale), self.shift)
        return layout.from_images(ops.cast(x, self.compute_dtype))


class ConvBlock(keras.layers.Layer):
    """Convolution, batch normalisation, activation: (B, H, W, in) -> (B, H / stride, W / stride, out)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, activation="leaky"):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        self.padding = kernel_size // 2 if stride > 1 else 0  # "same" pads one side only at stride 2
        padding = "valid" if stride > 1 else "same"
        self.conv = make_conv(in_channels, out_channels, kernel_size, stride, padding, use_bias=False)
        self.bn = BatchNorm(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def call(self, x):
        if self.padding:
            x = layout.pad(x, self.padding, self.padding)
        return self.activate(self.bn(self.conv(x)))


class Residual(keras.layers.Layer):
    """1x1 to the hidden channels, 3x3 back, plus the input: (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels, hidden_channels, activation="leaky"):
        super().__init__()
        self.conv1 = ConvBlock(channels, hidden_channels, 1, activation=activation)
        self.conv2 = ConvBlock(hidden_channels, channels, 3, activation=activation)

    def call(self, x):
        return x + self.conv2(self.conv1(x))


class YOLOHead(keras.layers.Layer):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> float32 (B, H, W, A, 5 + C)."""

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3)
        self.predict = make_conv(mid_channels, num_anchors * (5 + num_classes), 1)

    def call(self, x):
        x = layout.to_images(ops.cast(self.predict(self.conv(x)), "float32"))
        return ops.reshape(x, (*ops.shape(x)[:3], self.num_anchors, -1))  # (B, H, W, A * (5 + C)) -> (.., A, 5 + C)


def max_pool(x, kernel_size, stride):
    """Max pooling as Darknet does it: stride 1 keeps the size, windows lie about their pixel, even ones a pixel behind.

    What a window misses at the borders is not there (minus infinity), not zero.
    """
    missing = kernel_size - stride
    if missing:
        x = layout.pad(x, missing // 2, missing - missing // 2, value=float("-inf"))
    return ops.max_pool(x, kernel_size, stride, padding="valid", data_format=layout.DATA_FORMAT)


def upsample(x):
    """Nearest neighbour, twice the size: (B, H, W, C) -> (B, 2 H, 2 W, C)."""
    return ops.repeat(ops.repeat(x, 2, axis=layout.HEIGHT), 2, axis=layout.WIDTH)


def split_half(x):
    """The second half of the channels: (B, H, W, C) -> (B, H, W, C / 2)."""
    return ops.split(x, 2, axis=layout.CHANNELS)[1]


def concat(*tensors):
    """Along channels, in this order."""
    return ops.concatenate(tensors, axis=layout.CHANNELS)
