"""CSPDarknet53, the backbone of YOLOv4 (Bochkovskiy et al. 2020; the first 72 convolutions of yolov4.cfg)."""

import keras

from keras_zoo.backbones.darknet53 import STAGE_BLOCKS, STAGE_CHANNELS, feature_channels, reached_strides, stage_strides
from keras_zoo.blocks import ConvBlock, Residual, concat

STAGE_WIDTHS = (64, 64, 128, 256, 512)  # of each of the two parts


class CSPStage(keras.layers.Layer):
    """A 3x3 block, then residual blocks and a part that bypasses them (Wang et al. 2020).

    (B, H, W, in) -> (B, H / stride, W / stride, out).

    Args:
        width: channels of either part
        num_blocks: residual blocks
        dilations: of the first, which has the stride, and of the others
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, out_channels, width, num_blocks, stride=2, dilations=(1, 1), norm="batch"):
        super().__init__()
        (first, dilation), options = dilations, {"activation": "mish", "norm": norm}
        self.down = ConvBlock(in_channels, out_channels, 3, stride, dilation=first, **options)
        self.bypass = ConvBlock(out_channels, width, 1, **options)
        self.enter = ConvBlock(out_channels, width, 1, **options)
        self.blocks = [Residual(width, out_channels // 2, dilation=dilation, **options) for _ in range(num_blocks)]
        self.leave = ConvBlock(width, width, 1, **options)
        self.merge = ConvBlock(width * 2, out_channels, 1, **options)

    def call(self, x):
        x = self.down(x)
        bypass = self.bypass(x)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.merge(concat(self.leave(x), bypass))


class CSPDarknet53(keras.layers.Layer):
    """(B, H, W, 3) -> {stride: features}: 128, 256, 512 and 1024 channels at strides 4, 8, 16 and 32.

    Args:
        norm: see `ConvBlock`
        output_stride: 16 or 8 keeps that stride to the end, where the last features then are; see `stage_strides`

    Raises:
        ValueError: for another output stride
    """

    def __init__(self, norm="batch", output_stride=32):
        super().__init__()
        self.stem = ConvBlock(3, 32, 3, activation="mish", norm=norm)
        in_channels = (32, *STAGE_CHANNELS[:-1])
        numbers = stage_strides(output_stride)
        sizes = zip(in_channels, STAGE_CHANNELS, STAGE_WIDTHS, STAGE_BLOCKS, strict=True)
        self.stages = [CSPStage(*size, *number, norm) for size, number in zip(sizes, numbers, strict=True)]
        self.strides = reached_strides(numbers)
        self.channels = feature_channels(self.strides)

    def call(self, x):
        x = self.stem(x)
        features = {}
        for stage, stride in zip(self.stages, self.strides, strict=True):
            x = stage(x)
            features[stride] = x
        return {stride: features[stride] for stride in self.channels}
