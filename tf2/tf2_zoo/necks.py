"""What lies between backbone and heads in more than one model."""

import tensorflow as tf

from tf2_zoo.blocks import ConvBlock, concat, max_pool


class FiveConvs(tf.Module):
    """1x1, 3x3, 1x1, 3x3, 1x1: (B, H, W, in) -> (B, H, W, out), the 3x3 ones with twice as many channels."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1)
        self.conv4 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv5 = ConvBlock(out_channels * 2, out_channels, 1)

    def __call__(self, x):
        return self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(x)))))


class SPPConvs(tf.Module):
    """1x1, 3x3, 1x1, spatial pyramid pooling (He et al. 2014), 1x1, 3x3, 1x1: (B, H, W, in) -> (B, H, W, out).

    The 3x3 convolutions have twice as many channels.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels, 1)
        self.conv2 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv3 = ConvBlock(out_channels * 2, out_channels, 1)
        self.conv4 = ConvBlock(out_channels * 4, out_channels, 1)
        self.conv5 = ConvBlock(out_channels, out_channels * 2, 3)
        self.conv6 = ConvBlock(out_channels * 2, out_channels, 1)

    def __call__(self, x):
        x = self.conv3(self.conv2(self.conv1(x)))
        pool5 = max_pool(x, 5, stride=1)
        pool9 = max_pool(pool5, 5, stride=1)  # the greatest of 9x9, since that of 5x5 is known
        pool13 = max_pool(pool9, 5, stride=1)
        x = concat(pool13, pool9, pool5, x)
        return self.conv6(self.conv5(self.conv4(x)))
