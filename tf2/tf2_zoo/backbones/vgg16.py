"""VGG16 (Simonyan & Zisserman 2015) as SSD has it (Liu et al. 2016, section 3.1).

Its fully connected layers are convolutions of 1024 channels, fc6 dilated, and pool5 keeps the size. Attributes stand in
the order of torchvision's ssd300_vgg16.
"""

from tf2_zoo.blocks import ConvBlock, max_pool
from tf2_zoo.layers import Module

STAGE_CONVS = (2, 2, 3, 3, 3)
STAGE_CHANNELS = (64, 128, 256, 512, 512)


class Stage(Module):
    """3x3 convolutions with relu: (B, H, W, in) -> (B, H, W, out)."""

    def __init__(self, in_channels, out_channels, num_convs):
        super().__init__()
        inputs = (in_channels, *[out_channels] * (num_convs - 1))
        self.convs = [ConvBlock(channels, out_channels, 3, activation="relu", norm=None) for channels in inputs]

    def call(self, x):
        for conv in self.convs:
            x = conv(x)
        return x


class VGG16(Module):
    """(B, H, W, 3) -> conv4_3, fc7: 512 and 1024 channels at strides 8 and 16."""

    def __init__(self):
        super().__init__()
        in_channels = (3, *STAGE_CHANNELS[:-1])
        self.stages = [Stage(*numbers) for numbers in zip(in_channels, STAGE_CHANNELS, STAGE_CONVS, strict=True)]
        self.fc6 = ConvBlock(512, 1024, 3, activation="relu", dilation=6, norm=None)
        self.fc7 = ConvBlock(1024, 1024, 1, activation="relu", norm=None)

    def call(self, x):
        features = []
        for number, stage in enumerate(self.stages):
            if number:
                x = max_pool(x, 2, 2, ceil=number == 3)  # a side of 300 is odd there alone: 75 -> 38, as in Caffe
            x = stage(x)
            features.append(x)
        return features[3], self.fc7(self.fc6(max_pool(x, 3, 1)))
