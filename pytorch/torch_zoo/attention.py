"""Attention: features weighted by what they themselves say, channel by channel or pixel by pixel."""

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.blocks import concat

REDUCTION = 16  # channels of a block : of its hidden layer


class NoAttention(nn.Module):
    """What comes in: (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x


class SqueezeExcitation(nn.Module):
    """Channels weighted by two layers on their means (Hu et al. 2018): (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // REDUCTION, 1)
        self.expand = nn.Conv2d(channels // REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.expand(F.relu(self.reduce(mean_of_pixels(x)))).sigmoid()


class CBAM(nn.Module):
    """Channels weighted by their means and greatest values, then pixels by theirs (Woo et al. 2018).

    (B, C, H, W) -> (B, C, H, W). One pair of layers serves the means and the greatest values of the channels.

    Args:
        reduction: channels of the block : of its hidden layer
    """

    def __init__(self, channels: int, reduction: int = REDUCTION) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // reduction, 1)
        self.expand = nn.Conv2d(channels // reduction, channels, 1)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x * (self._weigh(mean_of_pixels(x)) + self._weigh(x.amax(dim=(2, 3), keepdim=True))).sigmoid()
        of_channels = concat(x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True))
        return x * self.spatial(of_channels).sigmoid()

    def _weigh(self, x: Tensor) -> Tensor:
        return self.expand(F.relu(self.reduce(x)))


class ECA(nn.Module):
    """Channels weighted by a convolution along their means (Wang et al. 2020): (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        size = eca_kernel_size(channels)
        self.along = nn.Conv2d(1, 1, (1, size), padding=(0, size // 2), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = mean_of_pixels(x).permute(0, 2, 3, 1)  # (B, C, 1, 1) -> (B, 1, 1, C): an image one pixel high
        return x * self.along(means).permute(0, 3, 1, 2).sigmoid()


KINDS: dict[str | None, Callable[..., nn.Module]] = {
    None: NoAttention,
    "se": SqueezeExcitation,
    "cbam": CBAM,
    "cbam8": partial(CBAM, reduction=8),  # as in yolov4-tiny-pytorch of bubbliiiing
    "eca": ECA,
}


def make_attention(kind: str | None, channels: int) -> nn.Module:
    """The block of a kind, for features of so many channels.

    Args:
        kind: a key of `KINDS`
    """
    return KINDS[kind](channels)


def mean_of_pixels(x: Tensor) -> Tensor:
    """The mean of all pixels: (B, C, H, W) -> (B, C, 1, 1)."""
    return x.mean(dim=(2, 3), keepdim=True)


def eca_kernel_size(channels: int) -> int:
    """How many channels the kernel of ECA spans: (log2(channels) + 1) / 2, made odd upwards.

    Equation 12 of the paper, its gamma 2 and b 1.
    """
    size = int((math.log2(channels) + 1) / 2)
    return size if size % 2 else size + 1
