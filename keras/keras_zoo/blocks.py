"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Images come in and heads go out as (B, H, W, ...), whatever a user's keras.json says. Between them shapes are written
so too, while tensors lie as `keras_zoo.layout` says. Channels are given, as in PyTorch, so a block has its weights at
once.
"""

import keras
import numpy as np
from keras import ops

from keras_zoo import layout
from keras_zoo.layers import BatchNorm

BN_EPS = 1e-5
BN_MOMENTUM = 0.9  # Keras's meaning: the share of what was there
LEAKY_SLOPE = 0.1


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
    """Convolution, batch normalisation, leaky ReLU: (B, H, W, in) -> (B, H / stride, W / stride, out)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        super().__init__()
        self.padding = kernel_size // 2 if stride > 1 else 0  # "same" pads one side only at stride 2
        padding = "valid" if stride > 1 else "same"
        self.conv = _conv(in_channels, out_channels, kernel_size, stride, padding, use_bias=False)
        self.bn = BatchNorm(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def call(self, x):
        if self.padding:
            x = layout.pad(x, self.padding, self.padding)
        return ops.leaky_relu(self.bn(self.conv(x)), LEAKY_SLOPE)


class Residual(keras.layers.Layer):
    """1x1 to half the channels, 3x3 back, plus the input: (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = ConvBlock(channels, channels // 2, 1)
        self.conv2 = ConvBlock(channels // 2, channels, 3)

    def call(self, x):
        return x + self.conv2(self.conv1(x))


class YOLOHead(keras.layers.Layer):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> float32 (B, H, W, A, 5 + C)."""

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3)
        self.predict = _conv(mid_channels, num_anchors * (5 + num_classes), 1, 1, "same", use_bias=True)

    def call(self, x):
        x = layout.to_images(ops.cast(self.predict(self.conv(x)), "float32"))
        return ops.reshape(x, (*ops.shape(x)[:3], self.num_anchors, -1))  # (B, H, W, A * (5 + C)) -> (.., A, 5 + C)


def max_pool(x, kernel_size, stride):
    """Max pooling as Darknet does it, windows starting at each stride's pixel: stride 1 keeps the size.

    What a window misses at the right and bottom is not there (minus infinity), not zero.
    """
    missing = kernel_size - stride
    if missing:
        x = layout.pad(x, 0, missing, value=float("-inf"))
    return ops.max_pool(x, kernel_size, stride, padding="valid", data_format=layout.DATA_FORMAT)


def upsample(x):
    """Nearest neighbour, twice the size: (B, H, W, C) -> (B, 2 H, 2 W, C)."""
    return ops.repeat(ops.repeat(x, 2, axis=layout.HEIGHT), 2, axis=layout.WIDTH)


def concat(*tensors):
    """Along channels, in this order."""
    return ops.concatenate(tensors, axis=layout.CHANNELS)


def _conv(in_channels, out_channels, kernel_size, stride, padding, use_bias):
    layer = keras.layers.Conv2D(
        out_channels,
        kernel_size,
        stride,
        padding,
        data_format=layout.DATA_FORMAT,
        use_bias=use_bias,
        kernel_initializer="zeros",  # values come by name (common/weights/initial.py), and drawing others takes time
    )
    layer.build(layout.shape(in_channels))
    return layer
