"""What lies between backbone and heads in more than one model."""

from tf2_zoo.blocks import ConvBlock, concat, max_pool, relu, size_of, upsample
from tf2_zoo.layers import Module


class FiveConvs(Module):
    """1x1, 3x3, 1x1, 3x3, 1x1: (B, H, W, in) -> (B, H, W, out), the 3x3 ones with twice as many channels.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, out_channels, norm="batch"):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1, norm=norm)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)
        self.conv4 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv5 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)

    def call(self, x):
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))


class SPPConvs(Module):
    """1x1, 3x3, 1x1, spatial pyramid pooling (He et al. 2014), 1x1, 3x3, 1x1: (B, H, W, in) -> (B, H, W, out).

    The 3x3 convolutions have twice as many channels.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, out_channels, norm="batch"):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1, norm=norm)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)
        self.conv4 = ConvBlock(out_channels * 4, out_channels, 1, norm=norm)
        self.conv5 = ConvBlock(out_channels, out_channels * 2, 3, norm=norm)
        self.conv6 = ConvBlock(out_channels * 2, out_channels, 1, norm=norm)

    def call(self, x):
        x = self.conv3(self.conv2(self.conv1(x)))
        pool5 = max_pool(x, 5, stride=1)
        pool9 = max_pool(pool5, 5, stride=1)  # the greatest of 9x9, since that of 5x5 is known
        pool13 = max_pool(pool9, 5, stride=1)
        x = concat(pool13, pool9, pool5, x)
        return self.conv6(self.conv5(self.conv4(x)))


class FPN(Module):
    """A feature pyramid (Lin et al. 2016) by addition: c3, c4, c5 -> a tuple of p3 to p7, (B, H, W, out) each.

    p6 is made of p5, or of c5, by a convolution of stride 2, and p7 of relu(p6) by another (Lin et al. 2017).

    Args:
        in_channels: of c3, c4, c5
        p6_from_c5: whether p6 is made of c5
    """

    def __init__(self, in_channels, out_channels, p6_from_c5):
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

    def call(self, c3, c4, c5):
        x5 = self.lateral_c5(c5)
        x4 = self.lateral_c4(c4)
        x4 = x4 + upsample(x5, size_of(x4))
        x3 = self.lateral_c3(c3)
        x3 = x3 + upsample(x4, size_of(x3))
        p3, p4, p5 = self.output_p3(x3), self.output_p4(x4), self.output_p5(x5)
        p6 = self.p6(c5 if self.p6_from_c5 else p5)
        p7 = self.p7(relu(p6))
        return p3, p4, p5, p6, p7


def plain_conv(in_channels, out_channels, kernel_size, stride=1):
    """A convolution with a bias and nothing after it: (B, H, W, in) -> (B, H / stride, W / stride, out)."""
    return ConvBlock(in_channels, out_channels, kernel_size, stride, "linear", norm=None)
