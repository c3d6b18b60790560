"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Tensors are (B, H, W, C) throughout.
"""

import math

import tensorflow as tf

from tf2_zoo.layers import BatchNorm, Conv2d, GroupNorm, Module

BN_EPS = 1e-5
BN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch
LEAKY_SLOPE = 0.1
GN_EPS = 1e-5
GN_GROUPS = 32  # Wu & He 2018
L2_EPS = 1e-12  # the least length of features
NORMS = ("batch", "group", None)


def leaky_relu(x):
    """x, and 0.1 x below 0: (...) -> (...)."""
    return tf.nn.leaky_relu(x, LEAKY_SLOPE)


def mish(x):
    """x tanh(softplus(x)), Misra 2020: (...) -> (...)."""
    # written out, since TensorFlow fuses those two and then lacks the operation
    wide = tf.cast(x, tf.float32)
    e = tf.exp(tf.minimum(wide, 20.0))  # tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), beyond 20 it is 1
    n = e * (e + 2)
    return tf.cast(wide * (n / (n + 2)), x.dtype)


def relu(x):
    """x, and 0 below 0: (...) -> (...)."""
    return tf.nn.relu(x)


def relu6(x):
    """x between 0 and 6: (...) -> (...)."""
    return tf.nn.relu6(x)


def linear(x):
    """x as it is: (...) -> (...)."""
    return x


ACTIVATIONS = {"leaky": leaky_relu, "mish": mish, "relu": relu, "relu6": relu6, "linear": linear}


class Normalize(Module):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, H, W, 3), (image - mean) / std.

    Args:
        mean, std: of R, G, B in 0..255
    """

    def __init__(self, mean, std):
        super().__init__()
        self.scale = 1 / tf.constant(std, tf.float32)
        self.shift = -tf.constant(mean, tf.float32) * self.scale

    def call(self, images):
        return tf.cast(images, tf.float32) * self.scale + self.shift


class ConvBlock(Module):
    """Convolution, normalisation, activation: (B, H, W, in) -> (B, H / stride, W / stride, out).

    Args:
        activation: a key of ACTIVATIONS
        dilation: pixels from one of the kernel's places to the next; a strided block isn't dilated
        groups: 1, or as many as channels for a depthwise convolution, of which in = out
        norm: "batch" (attribute `bn`), "group" (`gn`: 32 groups, or the greatest power of 2 that divides the channels),
            or None, where the convolution has a bias
        padding: zeros on each side, `dilation * (kernel_size // 2)` unless given

    Raises:
        ValueError: for other groups, and for another norm
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        activation="leaky",
        *,
        dilation=1,
        groups=1,
        norm="batch",
        padding=None,
    ):
        super().__init__()
        if groups not in (1, in_channels) or (groups > 1 and out_channels != in_channels):
            raise ValueError(
                f"{in_channels} to {out_channels} channels in {groups} groups; either 1 or one per channel"
            )
        if norm not in NORMS:
            raise ValueError(f"no normalisation is called {norm!r}; there are {', '.join(map(repr, NORMS))}")
        self.activate = ACTIVATIONS[activation]
        self.norm = norm
        padding = dilation * (kernel_size // 2) if padding is None else padding
        self.conv = Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            norm is None,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
        if norm == "batch":
            self.bn = BatchNorm(out_channels, BN_EPS, BN_MOMENTUM)
        elif norm == "group":
            self.gn = GroupNorm(math.gcd(GN_GROUPS, out_channels), out_channels, GN_EPS)

    def call(self, x):
        x = self.conv(x)
        if self.norm == "batch":
            x = self.bn(x)
        elif self.norm == "group":
            x = self.gn(x)
        return self.activate(x)


class L2Norm(Module):
    """Each pixel's features divided by their length, times a learned scale: (B, H, W, C) -> (B, H, W, C), float32.

    Liu et al. 2015 (ParseNet), section 3.3.
    """

    def __init__(self, channels):
        super().__init__()
        self.scale = tf.Variable(tf.ones(channels))

    def call(self, x):
        x = tf.cast(x, tf.float32)
        squares = tf.maximum(tf.reduce_sum(x**2, axis=-1, keepdims=True), L2_EPS**2)
        return x * tf.math.rsqrt(squares) * self.scale


class SeparableConv(Module):
    """Depthwise and 1x1 blocks, each with its activation: (B, H, W, in) -> (B, H / stride, W / stride, out).

    Args:
        kernel_size, stride, dilation: of the depthwise block
        activation, norm: of both, see `ConvBlock`
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, activation="relu", *, dilation=1, norm="batch"
    ):
        super().__init__()
        self.depthwise = ConvBlock(
            in_channels, in_channels, kernel_size, stride, activation, dilation=dilation, groups=in_channels, norm=norm
        )
        self.pointwise = ConvBlock(in_channels, out_channels, 1, activation=activation, norm=norm)

    def call(self, x):
        return self.pointwise(self.depthwise(x))


class Residual(Module):
    """1x1 to the hidden channels, 3x3 back, plus the input: (B, H, W, C) -> (B, H, W, C).

    Args:
        activation, norm: of both blocks, see `ConvBlock`
        dilation: of the 3x3 block
    """

    def __init__(self, channels, hidden_channels, activation="leaky", *, dilation=1, norm="batch"):
        super().__init__()
        self.conv1 = ConvBlock(channels, hidden_channels, 1, activation=activation, norm=norm)
        self.conv2 = ConvBlock(hidden_channels, channels, 3, activation=activation, dilation=dilation, norm=norm)

    def call(self, x):
        return x + self.conv2(self.conv1(x))


class YOLOHead(Module):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> (B, H, W, A, 5 + C).

    Args:
        mid_channels: of the 3x3 block
        num_anchors, num_classes: A of a cell, and C
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes, norm="batch"):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3, norm=norm)
        self.predict = Conv2d(mid_channels, num_anchors * (5 + num_classes), 1)

    def call(self, x):
        x = self.predict(self.conv(x))
        height, width = size_of(x)
        # (B, H, W, A * (5 + C)) -> (B, H, W, A, 5 + C)
        return tf.reshape(x, (tf.shape(x)[0], height, width, self.num_anchors, x.shape[3] // self.num_anchors))


def per_anchor(x, length):
    """Each anchor's predictions in a row: (B, H, W, A * length) -> (B, H * W * A, length).

    Rows come first, then columns, then the anchors of a cell.
    """
    return tf.reshape(x, (tf.shape(x)[0], -1, length))


def per_cell(x):
    """The predictions of each cell: (B, H, W, C) -> float32 (B, H, W, C)."""
    return tf.cast(x, tf.float32)


def per_image(x):
    """The predictions of each image: (B, 1, 1, C) -> float32 (B, C)."""
    return tf.cast(x[:, 0, 0], tf.float32)


def per_pixel(x, size, align_corners=False):
    """Each pixel's predictions, by `resize` to a size (height, width): (B, h, w, C) -> float32 (B, *size, C)."""
    return resize(tf.cast(x, tf.float32), size, align_corners)


def max_pool(x, kernel_size, stride, *, padding=None, ceil=False):
    """Max pooling: (B, H, W, C) -> (B, h, w, C).

    What a window misses at the borders is not there (minus infinity), not zero.

    Args:
        padding: pixels on each side. None is Darknet's: stride 1 keeps the size, windows lie about their pixel, even
            ones a pixel behind
        ceil: whether rows and columns that are left over below and on the right have windows too, as in Caffe
    """
    missing = max(kernel_size - stride, 0)
    before, after = (missing // 2, missing - missing // 2) if padding is None else (padding, padding)
    if ceil:
        after += stride - 1
    if before or after:
        around = [before, after]
        x = tf.pad(x, [[0, 0], around, around, [0, 0]], constant_values=x.dtype.min)
    return tf.nn.max_pool2d(x, kernel_size, stride, "VALID")


def upsample(x, size=None):
    """Nearest neighbour, twice the size or to a size (height, width): (B, H, W, C) -> (B, *size, C).

    Pixel i comes from floor(i * old / new), the ratio and the product in float32.
    """
    if size is None:
        return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)  # XLA has no gradient of tf.image.resize
    for axis, old, new in zip((1, 2), size_of(x), size, strict=True):
        nearest = tf.cast(tf.range(new), tf.float32) * (tf.cast(old, tf.float32) / tf.cast(new, tf.float32))
        x = tf.gather(x, tf.minimum(tf.cast(nearest, tf.int32), old - 1), axis=axis)
    return x


def resize(x, size, align_corners=False):
    """Bilinear to a size (height, width), larger or smaller: (B, H, W, C) -> (B, *size, C).

    Centres of pixels lie at i + 0.5 and the outermost ones go on outwards; no antialiasing.

    Args:
        align_corners: whether the centres of the outermost pixels lie on one another instead
    """
    if align_corners:  # which tf.image.resize hasn't
        return tf.cast(tf.raw_ops.ResizeBilinear(images=x, size=size, align_corners=True), x.dtype)
    return tf.cast(tf.image.resize(x, size), x.dtype)


def split_half(x):
    """The second half of the channels: (B, H, W, C) -> (B, H, W, C / 2)."""
    return tf.split(x, 2, axis=-1)[1]


def concat(*tensors):
    """The tensors along channels, in this order: (B, H, W, C) each -> (B, H, W, sum of C)."""
    return tf.concat(tensors, axis=-1)


def size_of(x):
    """The height and width of (B, H, W, C), as `upsample` and `resize` take them."""
    # numbers, but tensors in a graph that doesn't know them
    return tuple(tf.shape(x)[axis] if x.shape[axis] is None else x.shape[axis] for axis in (1, 2))


def image_size(images):
    """The height and width of images (B, H, W, 3), as `resize` takes them."""
    return size_of(images)


def global_average_pool(x):
    """The mean of all pixels: (B, H, W, C) -> (B, 1, 1, C)."""
    return tf.reduce_mean(x, axis=(1, 2), keepdims=True)


def average_pool(x, bins):
    """The means of bins x bins parts: (B, H, W, C) -> (B, bins, bins, C).

    Part i of n reaches from pixel floor(i * H / n) to before ceil((i + 1) * H / n), so that parts may share pixels
    (PyTorch's adaptive pooling; by matrices, which every size and every format of export has).
    """
    height, width = size_of(x)
    x = tf.einsum("ih,bhwc->biwc", _shares(height, bins, x), x)
    return tf.einsum("jw,biwc->bijc", _shares(width, bins, x), x)


def _shares(length, bins, like):
    """The share of each pixel of a line in each bin's mean: (bins, length)."""
    pixels, numbers = tf.range(length), tf.range(bins)[:, None]
    first, end = numbers * length // bins, -(-(numbers + 1) * length // bins)
    inside = tf.cast((pixels >= first) & (pixels < end), tf.float32)
    return tf.cast(inside / tf.cast(end - first, tf.float32), like.dtype)
