"""CSPDarknet53, the backbone of YOLOv4 (Bochkovskiy et al. 2020; the first 72 convolutions of yolov4.cfg)."""

import keras

from keras_zoo.blocks import ConvBlock, Residual, concat

STAGE_BLOCKS = (1, 2, 8, 8, 4)
STAGE_CHANNELS = (64, 128, 256, 512, 1024)
STAGE_WIDTHS = (64, 64, 128, 256, 512)  # of each of the two parts


class CSPStage(keras.layers.Layer):
    """A 3x3 block of stride 2, then residual blocks and a part that bypasses them (Wang et al. 2020).

    (B, H, W, in) -> (B, H / 2, W / 2, out). Either part has `width` channels.
    """

    def __init__(self, in_channels, out_channels, width, num_blocks):
        super().__init__()
        self.down = ConvBlock(in_channels, out_channels, 3, stride=2, activation="mish")
        self.bypass = ConvBlock(out_channels, width, 1, activation="mish")
        self.enter = ConvBlock(out_channels, width, 1, activation="mish")
        self.blocks = [Residual(width, out_channels // 2, activation="mish") for _ in range(num_blocks)]
        self.leave = ConvBlock(width, width, 1, activation="mish")
        self.merge = ConvBlock(width * 2, out_channels, 1, activation="mish")

    def call(self, x):
        x = self.down(x)
        bypass = self.bypass(x)
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.merge(concat(self.leave(x), bypass))


class CSPDarknet53(keras.layers.Layer):
    """(B, H, W, 3) -> c3, c4, c5: 256, 512 and 1024 channels at strides 8, 16 and 32."""

    def __init__(self):
        super().__init__()
        self.stem = ConvBlock(3, 32, 3, activation="mish")
        in_channels = (32, *STAGE_CHANNELS[:-1])
        numbers = zip(in_channels, STAGE_CHANNELS, STAGE_WIDTHS, STAGE_BLOCKS, strict=True)
        self.stages = [CSPStage(*of_stage) for of_stage in numbers]

    def call(self, x):
        x = self.stem(x)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[2], features[3], features[4]
