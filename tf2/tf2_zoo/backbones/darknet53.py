"""Darknet53, the backbone of YOLOv3 (Redmon & Farhadi 2018; the first 52 convolutions of yolov3.cfg)."""

from tf2_zoo.blocks import ConvBlock, Residual
from tf2_zoo.layers import Module

STAGE_BLOCKS = (1, 2, 8, 8, 4)
STAGE_CHANNELS = (64, 128, 256, 512, 1024)


class Stage(Module):
    """A 3x3 block of stride 2 and residual blocks: (B, H, W, in) -> (B, H / 2, W / 2, out)."""

    def __init__(self, in_channels, out_channels, num_blocks):
        super().__init__()
        self.down = ConvBlock(in_channels, out_channels, 3, stride=2)
        self.blocks = [Residual(out_channels, out_channels // 2) for _ in range(num_blocks)]

    def call(self, x):
        x = self.down(x)
        for block in self.blocks:
            x = block(x)
        return x


class Darknet53(Module):
    """(B, H, W, 3) -> c3, c4, c5: 256, 512 and 1024 channels at strides 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        self.stem = ConvBlock(3, 32, 3)
        in_channels = (32, *STAGE_CHANNELS[:-1])
        self.stages = [Stage(*numbers) for numbers in zip(in_channels, STAGE_CHANNELS, STAGE_BLOCKS, strict=True)]

    def call(self, x):
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[2], features[3], features[4]
