"""Xception-65, modified and aligned (Chollet 2017; Qi et al. 2017), as DeepLabv3+ has it (Chen et al. 2018, figure 4).

The graph of the TensorFlow DeepLab model zoo. Attributes stand in the order of its layers, entry flow to exit flow. Its
batch norms have an eps of 1e-3, ours 1e-5; a stored variance that is greater by the difference makes up for it.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from torch_zoo.blocks import ConvBlock, SeparableConv, relu

ENTRY_CHANNELS = (128, 256, 728)
MIDDLE_MODULES = 16
EXIT_CHANNELS = (728, 1024, 1024)
TAIL_CHANNELS = (1536, 1536, 2048)
OUTPUT_STRIDES = (8, 16, 32)


class XceptionModule(nn.Module):
    """Three separable convolutions after a ReLU each, plus the input, which itself stays as it is.

    (B, in, H, W) -> (B, out, H / stride, W / stride), and what the second convolution gives: its channels at stride 1.

    Args:
        channels: of the three
        stride: of the third
        dilation: of the three
        norm: see `ConvBlock`
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        stride: int = 1,
        *,
        dilation: int = 1,
        norm: str | None = "batch",
    ) -> None:
        super().__init__()
        options = {"activation": "linear", "dilation": dilation, "norm": norm}
        self.conv1 = SeparableConv(in_channels, channels[0], 3, **options)
        self.conv2 = SeparableConv(channels[0], channels[1], 3, **options)
        self.conv3 = SeparableConv(channels[1], channels[2], 3, stride, **options)
        same = stride == 1 and in_channels == channels[2]
        self.shortcut = None if same else ConvBlock(in_channels, channels[2], 1, stride, "linear", norm=norm)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        second = self.conv2(relu(self.conv1(relu(x))))
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self.conv3(relu(second)) + shortcut, second


class XceptionTail(nn.Module):
    """Three separable convolutions with a ReLU after either half: (B, in, H, W) -> (B, out, H, W).

    Args:
        channels: of the three
        dilation: of the three
        norm: see `ConvBlock`
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int], *, dilation: int = 1, norm: str | None = "batch"
    ) -> None:
        super().__init__()
        self.conv1 = SeparableConv(in_channels, channels[0], 3, dilation=dilation, norm=norm)
        self.conv2 = SeparableConv(channels[0], channels[1], 3, dilation=dilation, norm=norm)
        self.conv3 = SeparableConv(channels[1], channels[2], 3, dilation=dilation, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(self.conv2(self.conv1(x)))


class Xception65(nn.Module):
    """(B, 3, H, W) of any size -> {stride: features}: 256, 256, 728 and 2048 channels at strides 4, 8, 16 and 32.

    Sides are divided by 2 rounding up. At stride 4 it is the second module's second convolution, without an activation,
    at the output stride the tail.

    Args:
        norm: see `ConvBlock`
        output_stride: 16 or 8 keeps that stride to the end; what comes after the strides left out is dilated instead
        rectified: whether modules of the middle flow add what the ReLU before them gives, and the tail is dilated no
            more than that flow, as in PyTorch's files (a ReLU in place changes what is added)

    Raises:
        ValueError: for another output stride than 8, 16 and 32
    """

    def __init__(self, norm: str | None = "batch", output_stride: int = 16, rectified: bool = False) -> None:
        super().__init__()
        if output_stride not in OUTPUT_STRIDES:
            raise ValueError(f"an output stride of {output_stride}; it can be {', '.join(map(str, OUTPUT_STRIDES))}")
        entry_stride, middle_dilation = (1, 2) if output_stride == 8 else (2, 1)
        exit_stride, tail_dilation = (2, 1) if output_stride == 32 else (1, 2 * middle_dilation)
        tail_dilation = middle_dilation if rectified else tail_dilation
        self.conv1 = ConvBlock(3, 32, 3, 2, "relu", norm=norm)
        self.conv2 = ConvBlock(32, 64, 3, 1, "relu", norm=norm)
        in_channels = (64, *ENTRY_CHANNELS[:-1])
        strides = (2, 2, entry_stride)
        self.entry = nn.ModuleList(
            [
                XceptionModule(before, (after,) * 3, stride, norm=norm)
                for before, after, stride in zip(in_channels, ENTRY_CHANNELS, strides, strict=True)
            ]
        )
        channels = ENTRY_CHANNELS[-1]
        self.middle = nn.ModuleList(
            [
                XceptionModule(channels, (channels,) * 3, dilation=middle_dilation, norm=norm)
                for _ in range(MIDDLE_MODULES)
            ]
        )
        self.exit = XceptionModule(channels, EXIT_CHANNELS, exit_stride, dilation=middle_dilation, norm=norm)
        self.tail = XceptionTail(EXIT_CHANNELS[-1], TAIL_CHANNELS, dilation=tail_dilation, norm=norm)
        self.output_stride = output_stride
        self.rectified = rectified
        sizes = {4: ENTRY_CHANNELS[1], 8: ENTRY_CHANNELS[1], 16: ENTRY_CHANNELS[2], output_stride: TAIL_CHANNELS[-1]}
        self.channels = {stride: count for stride, count in sizes.items() if stride <= output_stride}

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        x, _ = self.entry[0](self.conv2(self.conv1(x)))
        x, low = self.entry[1](x)
        features = {4: low, 8: x}
        x, _ = self.entry[2](x)
        for module in self.middle:
            x, _ = module(relu(x) if self.rectified else x)
        features[16] = x
        x, _ = self.exit(x)
        features[self.output_stride] = self.tail(x)
        return {stride: features[stride] for stride in self.channels}
