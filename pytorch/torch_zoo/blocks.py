"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Inside the network tensors are (B, C, H, W) in channels_last memory; images come in and heads go out as (B, H, W, ...).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, its usual name

BN_EPS = 1e-5
BN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch
LEAKY_SLOPE = 0.1
GN_EPS = 1e-5
GN_GROUPS = 32  # Wu & He 2018
L2_EPS = 1e-12  # the least length of features
NORMS = ("batch", "group", None)


def leaky_relu(x: Tensor) -> Tensor:
    """x, and 0.1 x below 0: (...) -> (...)."""
    return F.leaky_relu(x, LEAKY_SLOPE, inplace=True)


def mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)), Misra 2020: (...) -> (...)."""
    return F.mish(x)


def relu(x: Tensor) -> Tensor:
    """x, and 0 below 0: (...) -> (...)."""
    return F.relu(x)  # not in place: some networks read x once more


def relu6(x: Tensor) -> Tensor:
    """x between 0 and 6: (...) -> (...)."""
    return F.relu6(x)


def linear(x: Tensor) -> Tensor:
    """x as it is: (...) -> (...)."""
    return x


# modules that compute the functions above, so that hooks, fusion and quantisation find them
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "leaky": partial(nn.LeakyReLU, LEAKY_SLOPE, inplace=True),
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "linear": nn.Identity,
}


class Normalize(nn.Module):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, 3, H, W), (image - mean) / std.

    Args:
        mean, std: of R, G, B in 0..255
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scale", 1 / torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", -torch.tensor(mean).view(1, 3, 1, 1) * self.scale, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if images.is_cpu and not torch.compiler.is_compiling():
            # a CPU multiplies rows seven times as fast as it does pixels of three channels
            scale, shift = (values.flatten().repeat(images.shape[2]) for values in (self.scale, self.shift))
            rows = images.flatten(2).to(self.scale.dtype)  # (B, H, W, 3) -> (B, H, W * 3)
            return rows.mul_(scale).add_(shift).view(images.shape).permute(0, 3, 1, 2)
        x = images.permute(0, 3, 1, 2).to(self.scale.dtype)  # -> (B, 3, H, W), channels_last without a copy
        return x * self.scale + self.shift


class ConvBlock(nn.Module):
    """Convolution, normalisation, activation: (B, in, H, W) -> (B, out, H / stride, W / stride).

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
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        activation: str = "leaky",
        *,
        dilation: int = 1,
        groups: int = 1,
        norm: str | None = "batch",
        padding: int | None = None,
    ) -> None:
        super().__init__()
        if groups not in (1, in_channels) or (groups > 1 and out_channels != in_channels):
            raise ValueError(
                f"{in_channels} to {out_channels} channels in {groups} groups; either 1 or one per channel"
            )
        if norm not in NORMS:
            raise ValueError(f"no normalisation is called {norm!r}; there are {', '.join(map(repr, NORMS))}")
        self.activate = ACTIVATIONS[activation]()
        self.norm = norm
        padding = dilation * (kernel_size // 2) if padding is None else padding
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias=norm is None
        )
        if norm == "batch":
            self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)
        elif norm == "group":
            self.gn = nn.GroupNorm(math.gcd(GN_GROUPS, out_channels), out_channels, eps=GN_EPS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm == "batch":
            x = self.bn(x)
        elif self.norm == "group":
            x = self.gn(x)
        return self.activate(x)


class L2Norm(nn.Module):
    """Each pixel's features divided by their length, times a learned scale: (B, C, H, W) -> (B, C, H, W), float32.

    Liu et al. 2015 (ParseNet), section 3.3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        squares = x.square().sum(dim=1, keepdim=True).clamp(min=L2_EPS**2)
        return (x * squares.rsqrt() * self.scale.view(-1, 1, 1)).to(self.scale.dtype)


class SeparableConv(nn.Module):
    """Depthwise and 1x1 blocks, each with its activation: (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        kernel_size, stride, dilation: of the depthwise block
        activation, norm: of both, see `ConvBlock`
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        activation: str = "relu",
        *,
        dilation: int = 1,
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        self.depthwise = ConvBlock(
            in_channels, in_channels, kernel_size, stride, activation, dilation=dilation, groups=in_channels, norm=norm
        )
        self.pointwise = ConvBlock(in_channels, out_channels, 1, activation=activation, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class Residual(nn.Module):
    """1x1 to the hidden channels, 3x3 back, plus the input: (B, C, H, W) -> (B, C, H, W).

    Args:
        activation, norm: of both blocks, see `ConvBlock`
        dilation: of the 3x3 block
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        activation: str = "leaky",
        *,
        dilation: int = 1,
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        self.conv1 = ConvBlock(channels, hidden_channels, 1, activation=activation, norm=norm)
        self.conv2 = ConvBlock(hidden_channels, channels, 3, activation=activation, dilation=dilation, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


class YOLOHead(nn.Module):
    """3x3 block and the predicting 1x1 convolution: (B, in, H, W) -> (B, H, W, A, 5 + C).

    Args:
        mid_channels: of the 3x3 block
        num_anchors, num_classes: A of a cell, and C
        norm: see `ConvBlock`
    """

    def __init__(
        self, in_channels: int, mid_channels: int, num_anchors: int, num_classes: int, norm: str | None = "batch"
    ) -> None:
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3, norm=norm)
        self.predict = nn.Conv2d(mid_channels, num_anchors * (5 + num_classes), 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.predict(self.conv(x)).permute(0, 2, 3, 1)  # (B, A * (5 + C), H, W) -> (B, H, W, A * (5 + C))
        return x.unflatten(-1, (self.num_anchors, -1))  # -> (B, H, W, A, 5 + C)


def per_anchor(x: Tensor, length: int) -> Tensor:
    """Each anchor's predictions in a row: (B, A * length, H, W) -> (B, H * W * A, length).

    Rows come first, then columns, then the anchors of a cell.
    """
    x = x.permute(0, 2, 3, 1)  # (B, A * length, H, W) -> (B, H, W, A * length)
    return x.reshape(x.shape[0], -1, length)


def per_cell(x: Tensor) -> Tensor:
    """The predictions of each cell: (B, C, H, W) -> float32 (B, H, W, C)."""
    return x.float().permute(0, 2, 3, 1)


def per_image(x: Tensor) -> Tensor:
    """The predictions of each image: (B, C, 1, 1) -> float32 (B, C)."""
    return x.float().flatten(1)


def per_pixel(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Each pixel's predictions, by `resize` to a size (height, width): (B, C, h, w) -> float32 (B, *size, C)."""
    return resize(x.float(), size, align_corners).permute(0, 2, 3, 1)


def max_pool(x: Tensor, kernel_size: int, stride: int, *, padding: int | None = None, ceil: bool = False) -> Tensor:
    """Max pooling: (B, C, H, W) -> (B, C, h, w).

    What a window misses at the borders is not there (minus infinity), not zero.

    Args:
        padding: pixels on each side. None is Darknet's: stride 1 keeps the size, windows lie about their pixel, even
            ones a pixel behind
        ceil: whether rows and columns that are left over below and on the right have windows too, as in Caffe
    """
    missing = kernel_size - stride
    if padding is None and missing > 0:
        before, after = missing // 2, missing - missing // 2
        x = F.pad(x, (before, after, before, after), value=float("-inf"))
    return F.max_pool2d(x, kernel_size, stride, padding or 0, ceil_mode=ceil)


def upsample(x: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Nearest neighbour, twice the size or to a size (height, width): (B, C, H, W) -> (B, C, *size).

    Pixel i comes from floor(i * old / new), the ratio and the product in float32.
    """
    if size is None:
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return F.interpolate(x, size=tuple(size), mode="nearest")


def resize(x: Tensor, size: tuple[int, int], align_corners: bool = False) -> Tensor:
    """Bilinear to a size (height, width), larger or smaller: (B, C, H, W) -> (B, C, *size).

    Centres of pixels lie at i + 0.5 and the outermost ones go on outwards; no antialiasing.

    Args:
        align_corners: whether the centres of the outermost pixels lie on one another instead
    """
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=align_corners)


def split_half(x: Tensor) -> Tensor:
    """The second half of the channels: (B, C, H, W) -> (B, C / 2, H, W)."""
    return x[:, x.shape[1] // 2 :]


def concat(*tensors: Tensor) -> Tensor:
    """The tensors along channels, in this order: (B, C, H, W) each -> (B, sum of C, H, W)."""
    return torch.cat(tensors, dim=1)


def size_of(x: Tensor) -> tuple[int, int]:
    """The height and width of (B, C, H, W), as `upsample` and `resize` take them."""
    return x.shape[2], x.shape[3]


def image_size(images: Tensor) -> tuple[int, int]:
    """The height and width of images (B, H, W, 3), as `resize` takes them."""
    return images.shape[1], images.shape[2]


def global_average_pool(x: Tensor) -> Tensor:
    """The mean of all pixels: (B, C, H, W) -> (B, C, 1, 1)."""
    return x.mean(dim=(2, 3), keepdim=True)


def average_pool(x: Tensor, bins: int) -> Tensor:
    """The means of bins x bins parts: (B, C, H, W) -> (B, C, bins, bins).

    Part i of n reaches from pixel floor(i * H / n) to before ceil((i + 1) * H / n), so that parts may share pixels
    (PyTorch's adaptive pooling; by matrices, which every size and every format of export has).
    """
    height, width = size_of(x)
    return _shares(height, bins, x) @ (x @ _shares(width, bins, x).T)  # torch.export would refuse the other order


def _shares(length: int, bins: int, like: Tensor) -> Tensor:
    """The share of each pixel of a line in each bin's mean: (bins, length)."""
    pixels, numbers = torch.arange(length, device=like.device), torch.arange(bins, device=like.device)[:, None]
    first, end = numbers * length // bins, -(-(numbers + 1) * length // bins)
    return (((pixels >= first) & (pixels < end)) / (end - first)).to(like)
