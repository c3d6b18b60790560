"""A plain network for key points: strided convolutions down to cells of 16 or 32 pixels, and one map.

The zoo's own graph: 3x3 blocks with ReLU, of which the first of each stage halves the sides; every stage but the first
two has a second one, and a last block stands before the prediction.
"""

import keras

from keras_zoo.blocks import ConvBlock, Normalize, per_cell
from keras_zoo.layers import make_conv
from keras_zoo.network import Network

CHANNELS = (16, 32, 48, 96, 128)


class PlainBackbone(keras.layers.Layer):
    """(B, H, W, 3) -> {stride: features}, of one stride.

    Args:
        stages: how many halve the sides
        norm: see `ConvBlock`
    """

    def __init__(self, stages, norm="batch"):
        super().__init__()
        blocks, in_channels = [], 3
        for stage, channels in enumerate(CHANNELS[:stages]):
            blocks.append(ConvBlock(in_channels, channels, 3, 2, "relu", norm=norm))
            if stage >= 2:
                blocks.append(ConvBlock(channels, channels, 3, 1, "relu", norm=norm))
            in_channels = channels
        self.blocks = blocks
        self.channels = {2**stages: in_channels}

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return dict.fromkeys(self.channels, x)


class MapHead(keras.layers.Layer):
    """3x3 block and the predicting 1x1 convolution: (B, H, W, in) -> float32 (B, H, W, 3 + C).

    Args:
        num_classes: C
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, num_classes, norm="batch"):
        super().__init__()
        self.conv = ConvBlock(in_channels, in_channels, 3, 1, "relu", norm=norm)
        self.predict = make_conv(in_channels, 3 + num_classes, 1)

    def call(self, x):
        return per_cell(self.predict(self.conv(x)))


class KeypointNet(Network):
    """uint8 (B, H, W, 3), sides multiples of the stride -> the map (B, H / stride, W / stride, 3 + C)."""

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = PlainBackbone(spec.stride.bit_length() - 1, spec.norm)
        self.head = MapHead(self.backbone.channels[spec.stride], spec.num_classes, spec.norm)

    def from_features(self, features, images):
        return (self.head(features[self.spec.stride]),)
