"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Tensors are (B, H, W, C) throughout.
"""

import tensorflow as tf

from tf2_zoo.layers import BatchNorm, Conv2d

BN_EPS = 1e-5
BN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch
LEAKY_SLOPE = 0.1


def leaky_relu(x):
    """x, and 0.1 x below 0."""
    return tf.nn.leaky_relu(x, LEAKY_SLOPE)


def mish(x):
    """x tanh(softplus(x)), Misra 2020; written out, since TensorFlow fuses those two and then lacks the operation."""
    wide = tf.cast(x, tf.float32)
    e = tf.exp(tf.minimum(wide, 20.0))  # tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), beyond 20 it is 1
    n = e * (e + 2)
    return tf.cast(wide * (n / (n + 2)), x.dtype)


ACTIVATIONS = {"leaky": leaky_relu, "mish": mish}


class Normalize(tf.Module):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, H, W, 3), (image - mean) / std."""

    def __init__(self, mean, std):
        super().__init__()
        self.scale = 1 / tf.constant(std, tf.float32)
        self.shift = -tf.constant(mean, tf.float32) * self.scale

    def __call__(self, images):
        return tf.cast(images, tf.float32) * self.scale + self.shift


class ConvBlock(tf.Module):
    """Convolution, batch normalisation, activation: (B, H, W, in) -> (B, H / stride, W / stride, out)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, activation="leaky"):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        self.conv = Conv2d(in_channels, out_channels, kernel_size, stride, bias=False)
        self.bn = BatchNorm(out_channels, BN_EPS, BN_MOMENTUM)

    def __call__(self, x):
        return self.activate(self.bn(self.conv(x)))


class Residual(tf.Module):
    """1x1 to the hidden channels, 3x3 back, plus the input: (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, channels, hidden_channels, activation="leaky"):
        super().__init__()
        self.conv1 = ConvBlock(channels, hidden_channels, 1, activation=activation)
        self.conv2 = ConvBlock(hidden_channels, channels, 3, activation=activation)

    def __call__(self, x):
        return x + self.conv2(self.conv1(x))


class YOLOHead(tf.Module):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> (B, H, W, A, 5 + C)."""

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3)
        self.predict = Conv2d(mid_channels, num_anchors * (5 + num_classes), 1)

    def __call__(self, x):
        x = self.predict(self.conv(x))
        batch = tf.shape(x)[0]
        _, height, width, channels = x.shape
        # (B, H, W, A * (5 + C)) -> (B, H, W, A, 5 + C)
        return tf.reshape(x, (batch, height, width, self.num_anchors, channels // self.num_anchors))


def max_pool(x, kernel_size, stride):
    """Max pooling as Darknet does it: stride 1 keeps the size, windows lie about their pixel, even ones a pixel behind.

    What a window misses at the borders is not there (minus infinity), not zero.
    """
    missing = kernel_size - stride
    if missing:
        around = [missing // 2, missing - missing // 2]
        x = tf.pad(x, [[0, 0], around, around, [0, 0]], constant_values=x.dtype.min)
    return tf.nn.max_pool2d(x, kernel_size, stride, "VALID")


def upsample(x):
    """Nearest neighbour, twice the size: (B, H, W, C) -> (B, 2 H, 2 W, C)."""
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)  # XLA has no gradient of tf.image.resize


def split_half(x):
    """The second half of the channels: (B, H, W, C) -> (B, H, W, C / 2)."""
    return tf.split(x, 2, axis=-1)[1]


def concat(*tensors):
    """Along channels, in this order."""
    return tf.concat(tensors, axis=-1)
