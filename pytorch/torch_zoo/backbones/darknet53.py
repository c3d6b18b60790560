"""Darknet53, the backbone of YOLOv3 (Redmon & Farhadi 2018; the first 52 convolutions of yolov3.cfg)."""

import itertools
import operator
from collections.abc import Sequence

from torch import Tensor, nn

from torch_zoo.blocks import ConvBlock, Residual

STAGE_BLOCKS = (1, 2, 8, 8, 4)
STAGE_CHANNELS = (64, 128, 256, 512, 1024)
OUTPUT_STRIDES = (8, 16, 32)


class Stage(nn.Module):
    """A 3x3 block and residual blocks: (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        num_blocks: residual blocks
        dilations: of the first, which has the stride, and of the others
        norm: see `ConvBlock`
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_blocks: int,
        stride: int = 2,
        dilations: tuple[int, int] = (1, 1),
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        first, dilation = dilations
        self.down = ConvBlock(in_channels, out_channels, 3, stride, dilation=first, norm=norm)
        self.blocks = nn.ModuleList(
            [Residual(out_channels, out_channels // 2, dilation=dilation, norm=norm) for _ in range(num_blocks)]
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        for block in self.blocks:
            x = block(x)
        return x


class Darknet53(nn.Module):
    """(B, 3, H, W) -> {stride: features}: 128, 256, 512 and 1024 channels at strides 4, 8, 16 and 32.

    Args:
        norm: see `ConvBlock`
        output_stride: 16 or 8 keeps that stride to the end, where the last features then are; see `stage_strides`

    Raises:
        ValueError: for another output stride
    """

    def __init__(self, norm: str | None = "batch", output_stride: int = 32) -> None:
        super().__init__()
        self.stem = ConvBlock(3, 32, 3, norm=norm)
        in_channels = (32, *STAGE_CHANNELS[:-1])
        numbers = stage_strides(output_stride)
        sizes = zip(in_channels, STAGE_CHANNELS, STAGE_BLOCKS, strict=True)
        self.stages = nn.ModuleList([Stage(*size, *number, norm) for size, number in zip(sizes, numbers, strict=True)])
        self.strides = reached_strides(numbers)
        self.channels = feature_channels(self.strides)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        x = self.stem(x)
        features = {}
        for stage, stride in zip(self.stages, self.strides, strict=True):
            x = stage(x)
            features[stride] = x
        return {stride: features[stride] for stride in self.channels}


def stage_strides(output_stride: int) -> list[tuple[int, tuple[int, int]]]:
    """Of each stage its stride and its dilations, up to that stride and after it.

    Nothing strides beyond `output_stride`: what comes after a stride left out is dilated instead, so that the same
    weights give the same features at more places. Raises ValueError for another output stride than 8, 16 and 32.
    """
    if output_stride not in OUTPUT_STRIDES:
        raise ValueError(f"an output stride of {output_stride}; it can be {', '.join(map(str, OUTPUT_STRIDES))}")
    numbers, reached, dilation = [], 1, 1
    for _ in STAGE_BLOCKS:
        stride, before = 2, dilation
        if reached * stride > output_stride:
            stride, dilation = 1, dilation * stride
        numbers.append((stride, (before, dilation)))
        reached *= stride
    return numbers


def reached_strides(numbers: Sequence[tuple[int, tuple[int, int]]]) -> tuple[int, ...]:
    """The input's pixels per cell behind each stage: the running products of its strides.

    Args:
        numbers: of `stage_strides`
    """
    return tuple(itertools.accumulate((stride for stride, _ in numbers), operator.mul))


def feature_channels(strides: Sequence[int]) -> dict[int, int]:
    """Stride -> channels of the features that a network gives: behind the last stage of each stride, from 4 on.

    Args:
        strides: of `reached_strides`
    """
    return {stride: channels for stride, channels in zip(strides, STAGE_CHANNELS, strict=True) if stride >= 4}
