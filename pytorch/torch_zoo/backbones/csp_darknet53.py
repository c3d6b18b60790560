"""CSPDarknet53, the backbone of YOLOv4 (Bochkovskiy et al. 2020; the first 72 convolutions of yolov4.cfg)."""

from torch import Tensor, nn

from torch_zoo.backbones.darknet53 import STAGE_BLOCKS, STAGE_CHANNELS, feature_channels, reached_strides, stage_strides
from torch_zoo.blocks import ConvBlock, Residual, concat

STAGE_WIDTHS = (64, 64, 128, 256, 512)  # of each of the two parts


class CSPStage(nn.Module):
    """A 3x3 block, then residual blocks and a part that bypasses them (Wang et al. 2020).

    (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        width: channels of either part
        num_blocks: residual blocks
        dilations: of the first, which has the stride, and of the others
        norm: see `ConvBlock`
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int,
        num_blocks: int,
        stride: int = 2,
        dilations: tuple[int, int] = (1, 1),
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        (first, dilation), options = dilations, {"activation": "mish", "norm": norm}
        self.down = ConvBlock(in_channels, out_channels, 3, stride, dilation=first, **options)
        self.bypass = ConvBlock(out_channels, width, 1, **options)
        self.enter = ConvBlock(out_channels, width, 1, **options)
        self.blocks = nn.ModuleList(
            [Residual(width, out_channels // 2, dilation=dilation, **options) for _ in range(num_blocks)]
        )
        self.leave = ConvBlock(width, width, 1, **options)
        self.merge = ConvBlock(width * 2, out_channels, 1, **options)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        bypass = self.bypass(x)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.merge(concat(self.leave(x), bypass))


class CSPDarknet53(nn.Module):
    """(B, 3, H, W) -> {stride: features}: 128, 256, 512 and 1024 channels at strides 4, 8, 16 and 32.

    Args:
        norm: see `ConvBlock`
        output_stride: 16 or 8 keeps that stride to the end, where the last features then are; see `stage_strides`

    Raises:
        ValueError: for another output stride
    """

    def __init__(self, norm: str | None = "batch", output_stride: int = 32) -> None:
        super().__init__()
        self.stem = ConvBlock(3, 32, 3, activation="mish", norm=norm)
        in_channels = (32, *STAGE_CHANNELS[:-1])
        numbers = stage_strides(output_stride)
        sizes = zip(in_channels, STAGE_CHANNELS, STAGE_WIDTHS, STAGE_BLOCKS, strict=True)
        self.stages = nn.ModuleList(
            [CSPStage(*size, *number, norm) for size, number in zip(sizes, numbers, strict=True)]
        )
        self.strides = reached_strides(numbers)
        self.channels = feature_channels(self.strides)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        x = self.stem(x)
        features = {}
        for stage, stride in zip(self.stages, self.strides, strict=True):
            x = stage(x)
            features[stride] = x
        return {stride: features[stride] for stride in self.channels}
