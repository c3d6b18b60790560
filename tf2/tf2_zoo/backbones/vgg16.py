"""VGG16 (Simonyan & Zisserman 2015) as SSD has it (Liu et al. 2016, section 3.1).

Its fully connected layers are convolutions of 1024 channels, fc6 dilated, and pool5 keeps the size. Attributes stand in
the order of torchvision's ssd300_vgg16.
"""

from tf2_zoo.blocks import ConvBlock, max_pool
from tf2_zoo.layers import Module

STAGE_CONVS = (2, 2, 3, 3, 3)
STAGE_CHANNELS = (64, 128, 256, 512, 512)
FC_CHANNELS = 1024


class Stage(Module):
    """3x3 convolutions with relu: (B, H, W, in) -> (B, H, W, out).

    Args:
        num_convs: how many
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, out_channels, num_convs, norm=None):
        super().__init__()
        inputs = (in_channels, *[out_channels] * (num_convs - 1))
        self.convs = [ConvBlock(channels, out_channels, 3, activation="relu", norm=norm) for channels in inputs]

    def call(self, x):
        for conv in self.convs:
            x = conv(x)
        return x


class VGG16(Module):
    """(B, H, W, 3) -> {stride: features}: conv3_3, conv4_3, fc7, of 256, 512 and 1024 channels at strides 4, 8 and 16.

    Args:
        norm: None as in the paper, where convolutions have a bias; others: see `ConvBlock`
        output_stride: 16 or above, which it never exceeds; it isn't made to be dilated

    Raises:
        ValueError: for an output stride below 16
    """

    def __init__(self, norm=None, output_stride=16):
        super().__init__()
        if output_stride < 16:
            raise ValueError(f"an output stride of {output_stride}; VGG16 has 16 alone")
        in_channels = (3, *STAGE_CHANNELS[:-1])
        self.stages = [Stage(*numbers, norm) for numbers in zip(in_channels, STAGE_CHANNELS, STAGE_CONVS, strict=True)]
        self.fc6 = ConvBlock(512, FC_CHANNELS, 3, activation="relu", dilation=6, norm=norm)
        self.fc7 = ConvBlock(FC_CHANNELS, FC_CHANNELS, 1, activation="relu", norm=norm)
        self.channels = {4: STAGE_CHANNELS[2], 8: STAGE_CHANNELS[3], 16: FC_CHANNELS}

    def call(self, x):
        features = []
        for number, stage in enumerate(self.stages):
            if number:
                x = max_pool(x, 2, 2, ceil=number == 3)  # a side of 300 is odd there alone: 75 -> 38, as in Caffe
            x = stage(x)
            features.append(x)
        return {4: features[2], 8: features[3], 16: self.fc7(self.fc6(max_pool(x, 3, 1)))}
