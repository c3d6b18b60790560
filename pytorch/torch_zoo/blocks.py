"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Inside the network tensors are (B, C, H, W) in channels_last memory; images come in and heads go out as (B, H, W, ...).
"""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name

BN_EPS = 1e-5
BN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch
LEAKY_SLOPE = 0.1


def leaky_relu(x):
    """x, and 0.1 x below 0."""
    return F.leaky_relu(x, LEAKY_SLOPE, inplace=True)


def mish(x):
    """x tanh(softplus(x)), Misra 2020."""
    return F.mish(x)


ACTIVATIONS = {"leaky": leaky_relu, "mish": mish}


class Normalize(nn.Module):
    """Bytes to what the network was trained on: uint8 (B, H, W, 3) -> float (B, 3, H, W), (image - mean) / std."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("scale", 1 / torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", -torch.tensor(mean).view(1, 3, 1, 1) * self.scale, persistent=False)

    def forward(self, images):
        x = images.permute(0, 3, 1, 2).float()  # (B, H, W, 3) -> (B, 3, H, W), channels_last without a copy
        return x * self.scale + self.shift


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, activation: (B, in, H, W) -> (B, out, H / stride, W / stride)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, activation="leaky"):
        super().__init__()
        self.activate = ACTIVATIONS[activation]
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def forward(self, x):
        return self.activate(self.bn(self.conv(x)))


class Residual(nn.Module):
    """1x1 to the hidden channels, 3x3 back, plus the input: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels, hidden_channels, activation="leaky"):
        super().__init__()
        self.conv1 = ConvBlock(channels, hidden_channels, 1, activation=activation)
        self.conv2 = ConvBlock(hidden_channels, channels, 3, activation=activation)

    def forward(self, x):
        return x + self.conv2(self.conv1(x))


class YOLOHead(nn.Module):
    """3x3 block and the predicting 1x1 convolution: (B, in, H, W) -> (B, H, W, A, 5 + C)."""

    def __init__(self, in_channels, mid_channels, num_anchors, num_classes):
        super().__init__()
        self.num_anchors = num_anchors
        self.conv = ConvBlock(in_channels, mid_channels, 3)
        self.predict = nn.Conv2d(mid_channels, num_anchors * (5 + num_classes), 1)

    def forward(self, x):
        x = self.predict(self.conv(x)).permute(0, 2, 3, 1)  # (B, A * (5 + C), H, W) -> (B, H, W, A * (5 + C))
        return x.unflatten(-1, (self.num_anchors, -1))  # -> (B, H, W, A, 5 + C)


def max_pool(x, kernel_size, stride):
    """Max pooling as Darknet does it: stride 1 keeps the size, windows lie about their pixel, even ones a pixel behind.

    What a window misses at the borders is not there (minus infinity), not zero.
    """
    missing = kernel_size - stride
    if missing:
        before, after = missing // 2, missing - missing // 2
        x = F.pad(x, (before, after, before, after), value=float("-inf"))
    return F.max_pool2d(x, kernel_size, stride)


def upsample(x):
    """Nearest neighbour, twice the size: (B, C, H, W) -> (B, C, 2 H, 2 W)."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def split_half(x):
    """The second half of the channels: (B, C, H, W) -> (B, C / 2, H, W)."""
    return x[:, x.shape[1] // 2 :]


def concat(*tensors):
    """Along channels, in this order."""
    return torch.cat(tensors, dim=1)
