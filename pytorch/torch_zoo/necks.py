"""What lies between backbone and heads in more than one model."""

from collections.abc import Sequence

from torch import Tensor, nn

from torch_zoo.blocks import ConvBlock, concat, max_pool, relu, size_of, upsample


class FiveConvs(nn.Module):
    """1x1, 3x3, 1x1, 3x3, 1x1: (B, in, H, W) -> (B, out, H, W), the 3x3 ones with twice as many channels.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str | None = "batch") -> None:
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1, norm=norm)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)
        self.conv4 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv5 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))


class SPPConvs(nn.Module):
    """1x1, 3x3, 1x1, spatial pyramid pooling (He et al. 2014), 1x1, 3x3, 1x1: (B, in, H, W) -> (B, out, H, W).

    The 3x3 convolutions have twice as many channels.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels: int, out_channels: int, norm: str | None = "batch") -> None:
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1, norm=norm)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)
        self.conv4 = ConvBlock(out_channels * 4, out_channels, 1, norm=norm)
        self.conv5 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv6 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(self.conv2(self.conv1(x)))
        pool5 = max_pool(x, 5, stride=1)
        pool9 = max_pool(pool5, 5, stride=1)  # the greatest of 9x9, since that of 5x5 is known
        pool13 = max_pool(pool9, 5, stride=1)
        x = concat(pool13, pool9, pool5, x)
        return self.conv6(self.conv5(self.conv4(x)))


class FPN(nn.Module):
    """A feature pyramid (Lin et al. 2016) by addition: c3, c4, c5 -> a tuple of p3 to p7, (B, out, H, W) each.

    p6 is made of p5, or of c5, by a convolution of stride 2, and p7 of relu(p6) by another (Lin et al. 2017).

    Args:
        in_channels: of c3, c4, c5
        p6_from_c5: whether p6 is made of c5
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, p6_from_c5: bool) -> None:
        super().__init__()
        channels_c3, channels_c4, channels_c5 = in_channels
        self.lateral_c3 = plain_conv(channels_c3, out_channels, 1)
        self.lateral_c4 = plain_conv(channels_c4, out_channels, 1)
        self.lateral_c5 = plain_conv(channels_c5, out_channels, 1)
        self.output_p3 = plain_conv(out_channels, out_channels, 3)
        self.output_p4 = plain_conv(out_channels, out_channels, 3)
        self.output_p5 = plain_conv(out_channels, out_channels, 3)
        self.p6 = plain_conv(channels_c5 if p6_from_c5 else out_channels, out_channels, 3, stride=2)
        self.p7 = plain_conv(out_channels, out_channels, 3, stride=2)
        self.p6_from_c5 = p6_from_c5

    def forward(self, c3: Tensor, c4: Tensor, c5: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        x5 = self.lateral_c5(c5)
        x4 = self.lateral_c4(c4)
        x4 = x4 + upsample(x5, size_of(x4))
        x3 = self.lateral_c3(c3)
        x3 = x3 + upsample(x4, size_of(x3))
        p3, p4, p5 = self.output_p3(x3), self.output_p4(x4), self.output_p5(x5)
        p6 = self.p6(c5 if self.p6_from_c5 else p5)
        p7 = self.p7(relu(p6))
        return p3, p4, p5, p6, p7


def plain_conv(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> ConvBlock:
    """A convolution with a bias and nothing after it: (B, in, H, W) -> (B, out, H / stride, W / stride)."""
    return ConvBlock(in_channels, out_channels, kernel_size, stride, "linear", norm=None)
