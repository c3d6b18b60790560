"""Building blocks, with every number in which frameworks differ: padding, eps, momentum, slope, layout.

Inside the network tensors are (B, C, H, W) in channels_last memory; images come in and heads go out as (B, H, W, ...).
"""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name

BN_EPS = 1e-5
BN_MOMENTUM = 0.1  # PyTorch's meaning: the share of the new batch
LEAKY_SLOPE = 0.1


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
    """Convolution, batch normalisation, leaky ReLU: (B, in, H, W) -> (B, out, H / stride, W / stride)."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM)

    def forward(self, x):
        return F.leaky_relu(self.bn(self.conv(x)), LEAKY_SLOPE, inplace=True)


class Residual(nn.Module):
    """1x1 to half the channels, 3x3 back, plus the input: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = ConvBlock(channels, channels // 2, 1)
        self.conv2 = ConvBlock(channels // 2, channels, 3)

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
    """Max pooling as Darknet does it, windows starting at each stride's pixel: stride 1 keeps the size.

    What a window misses at the right and bottom is not there (minus infinity), not zero.
    """
    missing = kernel_size - stride
    if missing:
        x = F.pad(x, (0, missing, 0, missing), value=float("-inf"))
    return F.max_pool2d(x, kernel_size, stride)


def upsample(x):
    """Nearest neighbour, twice the size: (B, C, H, W) -> (B, C, 2 H, 2 W)."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def concat(*tensors):
    """Along channels, in this order."""
    return torch.cat(tensors, dim=1)
