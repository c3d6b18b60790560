"""ResNet-18 to -152 (He et al. 2015) in torchvision's version 1.5, where the 3x3 convolution has a bottleneck's stride.

Attributes stand in the order of torchvision's, whose names they have but for `stem` (conv1, bn1), `stages.0` (layer1),
`conv1.conv` and `conv1.bn` (conv1, bn1) and `shortcut.conv` and `shortcut.bn` (downsample.0, downsample.1).
"""

from torch import Tensor, nn

from torch_zoo.blocks import ConvBlock, max_pool, relu

STAGE_CHANNELS = (64, 128, 256, 512)
STAGE_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
DEEP = 50  # from here on blocks are bottlenecks
OUTPUT_STRIDES = (8, 16, 32)
DEEP_STEM_CHANNELS = 128


class BasicBlock(nn.Module):
    """Two 3x3 blocks, plus the input: (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        dilations: of the first and of the second
        norm: see `ConvBlock`
        stride_on_1x1: of a `Bottleneck` alone; here the first block has the stride always
    """

    expansion = 1  # channels that leave : channels within

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        dilations: tuple[int, int] = (1, 1),
        norm: str | None = "batch",
        stride_on_1x1: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = ConvBlock(in_channels, channels, 3, stride, "relu", dilation=dilations[0], norm=norm)
        self.conv2 = ConvBlock(channels, channels, 3, activation="linear", dilation=dilations[1], norm=norm)
        self.shortcut = make_shortcut(in_channels, channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return relu(self.conv2(self.conv1(x)) + shortcut)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 blocks, plus the input: (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        channels: of the 3x3 block; out is four times as many
        dilations: of what has the stride, and of what comes after it
        norm: see `ConvBlock`
        stride_on_1x1: the first convolution has the stride, as in Caffe's and Keras's weights, not the second
    """

    expansion = 4  # channels that leave : channels within

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        dilations: tuple[int, int] = (1, 1),
        norm: str | None = "batch",
        stride_on_1x1: bool = False,
    ) -> None:
        super().__init__()
        first, second, dilation = (stride, 1, dilations[1]) if stride_on_1x1 else (1, stride, dilations[0])
        out_channels = channels * self.expansion
        self.conv1 = ConvBlock(in_channels, channels, 1, first, "relu", norm=norm)
        self.conv2 = ConvBlock(channels, channels, 3, second, "relu", dilation=dilation, norm=norm)
        self.conv3 = ConvBlock(channels, out_channels, 1, activation="linear", norm=norm)
        self.shortcut = make_shortcut(in_channels, out_channels, stride, norm)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return relu(self.conv3(self.conv2(self.conv1(x))) + shortcut)


class Stage(nn.Module):
    """Blocks, the first of which has the stride: (B, in, H, W) -> (B, out, H / stride, W / stride).

    Args:
        kind: BasicBlock or Bottleneck, of which there are `num_blocks`
        channels: of the 3x3 blocks
        dilations: up to that stride, and after it
        norm, stride_on_1x1: of the blocks
    """

    def __init__(
        self,
        kind: type[BasicBlock] | type[Bottleneck],
        in_channels: int,
        channels: int,
        num_blocks: int,
        stride: int,
        dilations: tuple[int, int],
        norm: str | None,
        stride_on_1x1: bool,
    ) -> None:
        super().__init__()
        options = {"norm": norm, "stride_on_1x1": stride_on_1x1}
        blocks = [kind(in_channels, channels, stride, dilations=dilations, **options)]
        for _ in range(num_blocks - 1):
            blocks.append(kind(channels * kind.expansion, channels, dilations=(dilations[1],) * 2, **options))
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class DeepStem(nn.Module):
    """Three 3x3 blocks, the first of which strides: (B, 3, H, W) -> (B, 128, H / 2, W / 2).

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, norm: str | None = "batch") -> None:
        super().__init__()
        self.conv1 = ConvBlock(3, 64, 3, 2, "relu", norm=norm)
        self.conv2 = ConvBlock(64, 64, 3, activation="relu", norm=norm)
        self.conv3 = ConvBlock(64, DEEP_STEM_CHANNELS, 3, activation="relu", norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(self.conv2(self.conv1(x)))


class ResNet(nn.Module):
    """(B, 3, H, W) of any size -> {stride: features} at strides 4, 8, 16, 32, sides divided by 2 rounding up.

    64, 128, 256 and 512 channels, four times as many from depth 50 on.

    Args:
        depth: 18, 34, 50, 101 or 152
        norm: see `ConvBlock`
        stride_on_1x1: see `Bottleneck`
        output_stride: 16 or 8 keeps that stride to the end; what comes after the strides left out is dilated instead
            (torchvision's `replace_stride_with_dilation`), so that one file of weights serves all
        deep_stem: whether three 3x3 convolutions begin it in the place of one of 7x7, as in PSPNet (Zhao et al. 2017).
            A block that lost its stride then has the dilation of those before it, wherever the stride was

    Raises:
        ValueError: for another depth or output stride
    """

    def __init__(
        self,
        depth: int,
        norm: str | None = "batch",
        stride_on_1x1: bool = False,
        output_stride: int = 32,
        deep_stem: bool = False,
    ) -> None:
        super().__init__()
        if depth not in STAGE_BLOCKS:
            raise ValueError(f"no ResNet has {depth} layers; there are {', '.join(map(str, STAGE_BLOCKS))}")
        if output_stride not in OUTPUT_STRIDES:
            raise ValueError(f"an output stride of {output_stride}; it can be {', '.join(map(str, OUTPUT_STRIDES))}")
        self.stem = DeepStem(norm) if deep_stem else ConvBlock(3, 64, 7, 2, "relu", norm=norm)
        kind = Bottleneck if depth >= DEEP else BasicBlock
        stages, strides, reached, dilation = [], [], 4, 1
        in_channels = DEEP_STEM_CHANNELS if deep_stem else 64
        for number, (channels, num_blocks) in enumerate(zip(STAGE_CHANNELS, STAGE_BLOCKS[depth], strict=True)):
            stride, before = (1 if number == 0 else 2), dilation
            if reached * stride > output_stride:
                stride, dilation = 1, dilation * stride
            dilations, on_1x1 = (before, dilation), stride_on_1x1 and not (deep_stem and stride == 1)
            stages.append(Stage(kind, in_channels, channels, num_blocks, stride, dilations, norm, on_1x1))
            reached *= stride
            strides.append(reached)
            in_channels = channels * kind.expansion
        self.stages = nn.ModuleList(stages)
        self.strides = tuple(strides)
        sizes = [channels * kind.expansion for channels in STAGE_CHANNELS]
        self.channels = dict(zip(self.strides, sizes, strict=True))

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        x = max_pool(self.stem(x), 3, 2, padding=1)
        features = {}
        for stage, stride in zip(self.stages, self.strides, strict=True):
            x = stage(x)
            features[stride] = x
        return features


def make_shortcut(in_channels: int, out_channels: int, stride: int, norm: str | None) -> ConvBlock | None:
    """A 1x1 block where the input of a residual block has another shape than what it is added to, else None."""
    if stride == 1 and in_channels == out_channels:
        return None
    return ConvBlock(in_channels, out_channels, 1, stride, "linear", norm=norm)
