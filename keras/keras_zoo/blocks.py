"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Images come in and heads go out as (B, H, W, ...), whatever a user's keras.json says. Between them shapes are written
so too, while tensors lie as `keras_zoo.layout` says. Channels are given, as in PyTorch, so a block has its weights at
once.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_zoo import layout
from keras_zoo.layers import BatchNorm, GroupNorm, make_conv

BN_EPS = 1e-5
BN_MOMENTUM = 0.9  # Keras's meaning: the share of what was there
LEAKY_SLOPE = 0.1
GN_EPS = 1e-5
GN_GROUPS = 32  # Wu & He 2018
L2_EPS = 1e-12  # the least length of features
NORMS = ("batch", "group", None)


def leaky_relu(x):
    """x, and 0.1 x below 0: (...) -> (...)."""
    return ops.leaky_relu(x, LEAKY_SLOPE)


def mish(x):
    """x tanh(softplus(x)), Misra 2020: (...) -> (...)."""
    return x * ops.tanh(ops.softplus(x))


def relu(x):
    """x, and 0 below 0: (...) -> (...)."""
    return ops.relu(x)


def relu6(x):
    """x between 0 and 6: (...) -> (...)."""
    return ops.relu6(x)


def linear(x):
    """x as it is: (...) -> (...)."""
    return x


ACTIVATIONS = {"leaky": leaky_relu, "mish": mish, "relu": relu, "relu6": relu6, "linear": linear}


class Normalize(keras.layers.Layer):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, H, W, 3), (image - mean) / std.

    Args:
        mean, std: of R, G, B in 0..255
    """

    def __init__(self, mean, std):
        super().__init__()
        self.scale = 1 / np.array(std, np.float32)
        self.shift = -np.array(mean, np.float32) * self.scale

    def call(self, images):
        x = ops.add(ops.multiply(ops.cast(images, "float32"), self.scale), self.shift)
        return layout.from_images(ops.cast(x, self.compute_dtype))


class ConvBlock(keras.layers.Layer):
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
        same = stride == 1 and 2 * padding == dilation * (kernel_size - 1)  # at stride 2 "same" pads one side only
        self.padding = 0 if same else padding
        mode = "same" if same else "valid"
        self.conv = make_conv(in_channels, out_channels, kernel_size, stride, mode, norm is None, dilation, groups)
        if norm == "batch":
            self.bn = BatchNorm(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)
        elif norm == "group":
            self.gn = GroupNorm(math.gcd(GN_GROUPS, out_channels), out_channels, eps=GN_EPS)

    def call(self, x):
        if self.padding:
            x = layout.pad(x, self.padding, self.padding)
        x = self.conv(x)
        if self.norm == "batch":
            x = self.bn(x)
        elif self.norm == "group":
            x = self.gn(x)
        return self.activate(x)


class L2Norm(keras.layers.Layer):
    """Each pixel's features divided by their length, times a learned scale: (B, H, W, C) -> (B, H, W, C).

    Liu et al. 2015 (ParseNet), section 3.3. Computed in float32.
    """

    def __init__(self, channels):
        super().__init__()
        self.scale = self.add_weight((channels,), "ones", autocast=False, name="scale")

    def call(self, x):
        x = ops.cast(x, "float32")
        squares = ops.maximum(ops.sum(ops.square(x), axis=layout.CHANNELS, keepdims=True), L2_EPS**2)
        return ops.cast(x * ops.rsqrt(squares) * layout.per_channel(self.scale), self.compute_dtype)


class SeparableConv(keras.layers.Layer):
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


class Residual(keras.layers.Layer):
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


class YOLOHead(keras.layers.Layer):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> float32 (B, H, W, A, 5 + C).

    Args:
        mid_channels: of the 3x3 block
        num_anchors, num_classes: A of a cell, and C
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes, norm="batch"):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3, norm=norm)
        self.predict = make_conv(mid_channels, num_anchors * (5 + num_classes), 1)

    def call(self, x):
        x = layout.to_images(ops.cast(self.predict(self.conv(x)), "float32"))
        return ops.reshape(x, (*ops.shape(x)[:3], self.num_anchors, -1))  # (B, H, W, A * (5 + C)) -> (.., A, 5 + C)


def per_anchor(x, length):
    """Each anchor's predictions in a row: (B, H, W, A * length) -> float32 (B, H * W * A, length).

    Rows come first, then columns, then the anchors of a cell.
    """
    x = layout.to_images(ops.cast(x, "float32"))
    return ops.reshape(x, (ops.shape(x)[0], -1, length))


def per_cell(x):
    """The predictions of each cell: (B, H, W, C) -> float32 (B, H, W, C)."""
    return layout.to_images(ops.cast(x, "float32"))


def per_image(x):
    """The predictions of each image: (B, 1, 1, C) -> float32 (B, C)."""
    return layout.to_images(ops.cast(x, "float32"))[:, 0, 0]


def per_pixel(x, size, align_corners=False):
    """Each pixel's predictions, by `resize` to a size (height, width): (B, h, w, C) -> float32 (B, *size, C)."""
    return layout.to_images(resize(ops.cast(x, "float32"), size, align_corners))


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
        x = layout.pad(x, before, after, value=float("-inf"))
    if keras.backend.backend() == "jax" and kernel_size <= 3:
        return _greatest_of_shifts(x, kernel_size, stride)
    return ops.max_pool(x, kernel_size, stride, padding="valid", data_format=layout.DATA_FORMAT)


def _greatest_of_shifts(x, kernel_size, stride):
    """`ops.max_pool` as the greatest of slices: of small windows XLA's gradient takes a CPU ten times as long.

    The gradient is the first's of equals, as of a window, and what is no number stays none.
    """
    ends = [ops.shape(x)[axis] - kernel_size + 1 for axis in (layout.HEIGHT, layout.WIDTH)]
    greatest = None
    for row in range(kernel_size):
        for column in range(kernel_size):
            shift = x[:, row : row + ends[0] : stride, column : column + ends[1] : stride]
            if greatest is not None:
                shift = ops.where(ops.logical_or(shift > greatest, shift != shift), shift, greatest)
            greatest = shift
    return greatest


def upsample(x, size=None):
    """Nearest neighbour, twice the size or to a size (height, width): (B, H, W, C) -> (B, *size, C).

    Pixel i comes from floor(i * old / new), the ratio and the product in float32.
    """
    if size is None:
        return ops.repeat(ops.repeat(x, 2, axis=layout.HEIGHT), 2, axis=layout.WIDTH)
    for axis, new in zip((layout.HEIGHT, layout.WIDTH), size, strict=True):
        old = ops.shape(x)[axis]
        nearest = ops.arange(new, dtype="float32") * (ops.cast(old, "float32") / ops.cast(new, "float32"))
        x = ops.take(x, ops.minimum(ops.cast(nearest, "int32"), old - 1), axis=axis)
    return x


def resize(x, size, align_corners=False):
    """Bilinear to a size (height, width), larger or smaller: (B, H, W, C) -> (B, *size, C).

    Centres of pixels lie at i + 0.5 and the outermost ones go on outwards; no antialiasing.

    Args:
        align_corners: whether the centres of the outermost pixels lie on one another instead
    """
    dtype, x = x.dtype, ops.cast(x, "float32")
    if not align_corners and all(isinstance(side, int) for side in size):
        x = ops.image.resize(x, size, "bilinear", antialias=False, data_format=layout.DATA_FORMAT)
    else:  # Keras's own has no aligned corners, and refuses a graph of TensorFlow that doesn't know the size yet
        rows, columns = (_interpolation(old, new, align_corners) for old, new in zip(size_of(x), size, strict=True))
        x = _by_matrices(rows, columns, x)
    return ops.cast(x, dtype)


def _interpolation(old, new, align_corners):
    """The weight of each old pixel in each new one, along a line: float32 (new, old)."""
    length, places = ops.cast(old, "float32"), ops.arange(new, dtype="float32")
    if align_corners:
        centres = places * ((length - 1) / ops.maximum(ops.cast(new, "float32") - 1, 1))
    else:
        centres = (places + 0.5) * (length / ops.cast(new, "float32")) - 0.5
    distances = ops.expand_dims(ops.clip(centres, 0, length - 1), 1) - ops.arange(old, dtype="float32")
    return ops.relu(1 - ops.abs(distances))


def split_half(x):
    """The second half of the channels: (B, H, W, C) -> (B, H, W, C / 2)."""
    return ops.split(x, 2, axis=layout.CHANNELS)[1]


def concat(*tensors):
    """The tensors along channels, in this order: (B, H, W, C) each -> (B, H, W, sum of C)."""
    return ops.concatenate(tensors, axis=layout.CHANNELS)


def size_of(x):
    """The height and width of (B, H, W, C), as `upsample` and `resize` take them."""
    return ops.shape(x)[layout.HEIGHT], ops.shape(x)[layout.WIDTH]


def image_size(images):
    """The height and width of images (B, H, W, 3), as `resize` takes them."""
    return ops.shape(images)[1], ops.shape(images)[2]


def global_average_pool(x):
    """The mean of all pixels: (B, H, W, C) -> (B, 1, 1, C)."""
    return ops.mean(x, axis=(layout.HEIGHT, layout.WIDTH), keepdims=True)


def average_pool(x, bins):
    """The means of bins x bins parts: (B, H, W, C) -> (B, bins, bins, C).

    Part i of n reaches from pixel floor(i * H / n) to before ceil((i + 1) * H / n), so that parts may share pixels
    (PyTorch's adaptive pooling; by matrices, which every size and every format of export has).
    """
    height, width = size_of(x)
    return _by_matrices(_shares(height, bins, x), _shares(width, bins, x), x)


def _by_matrices(rows, columns, x):
    """Each image's rows and columns mixed: (h, H), (w, W), (B, H, W, C) -> (B, h, w, C)."""
    if layout.CHANNELS_FIRST:
        return ops.matmul(ops.matmul(rows, x), ops.transpose(columns))
    return ops.einsum("jw,biwc->bijc", columns, ops.einsum("ih,bhwc->biwc", rows, x))


def _shares(length, bins, like):
    """The share of each pixel of a line in each bin's mean: (bins, length)."""
    pixels, numbers = ops.arange(length, dtype="int32"), ops.arange(bins, dtype="int32")[:, None]
    first, end = numbers * length // bins, -(-(numbers + 1) * length // bins)
    inside = ops.cast((pixels >= first) & (pixels < end), "float32")
    return ops.cast(inside / ops.cast(end - first, "float32"), like.dtype)
