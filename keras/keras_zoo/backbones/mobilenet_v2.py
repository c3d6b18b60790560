"""MobileNetV2 (Sandler et al. 2018, table 2) at width 1, the graph of torchvision's mobilenet_v2.

Attributes stand in the order of that file: the stem, 17 blocks, the last 1x1 convolution.
"""

import keras

from keras_zoo.blocks import ConvBlock

# expansion, channels, blocks, stride of the first block
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
EXPANDED_CHANNELS, LAST_CHANNELS = 576, 1280
EXPANDED = 13  # number of the block that goes from stride 16 to 32


class InvertedResidual(keras.layers.Layer):
    """1x1 to more channels, depthwise 3x3, 1x1 without activation, and the input again where sizes allow.

    (B, H, W, in) -> (B, H / stride, W / stride, out), and what the first 1x1 makes: (B, H, W, hidden).

    Args:
        hidden_channels: where they are in_channels, there is no first 1x1
        stride, dilation: of the 3x3
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, hidden_channels, out_channels, stride=1, dilation=1, norm="batch"):
        super().__init__()
        self.adds = stride == 1 and in_channels == out_channels
        expands = hidden_channels != in_channels
        self.expand = ConvBlock(in_channels, hidden_channels, 1, activation="relu6", norm=norm) if expands else None
        self.depthwise = ConvBlock(
            hidden_channels, hidden_channels, 3, stride, "relu6", dilation=dilation, groups=hidden_channels, norm=norm
        )
        self.project = ConvBlock(hidden_channels, out_channels, 1, activation="linear", norm=norm)

    def call(self, x):
        hidden = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(hidden))
        return x + out if self.adds else out, hidden


class MobileNetV2(keras.layers.Layer):
    """(B, H, W, 3) -> {stride: features}: 24, 32, 96 and 320 channels at strides 4, 8, 16 and 32.

    Args:
        norm: see `ConvBlock`
        output_stride: 32, or 16 or 8, beyond which nothing strides; the last features are there. A block that lost its
            stride has the dilation of those before it, those behind it have twice that: at 16 it is 2 in the end, at 8
            it is 2 and then 4. So the same weights give the same features as at 32, but at more places
        last: for output stride 32, whether the last 1x1 convolution is there, of 1280 channels
        expanded: whether the features at 16 are then what block 13 expands its input to, before its stride: 576
            channels

    Raises:
        ValueError: for another output stride
    """

    def __init__(self, norm="batch", output_stride=32, last=False, expanded=True):
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride is {output_stride}; 8, 16 or 32 is needed")
        self.stem = ConvBlock(3, 32, 3, 2, "relu6", norm=norm)
        blocks, strides, features, channels, now, dilation = [], [], {}, 32, 2, 1
        for expansion, out_channels, num_blocks, first_stride in STAGES:
            for stride in (first_stride, *[1] * (num_blocks - 1)):
                kept = stride if now * stride <= output_stride else 1
                blocks.append(InvertedResidual(channels, channels * expansion, out_channels, kept, dilation, norm))
                channels, now, dilation = out_channels, now * kept, dilation * stride // kept
                strides.append(now)
                features[now] = channels
        self.blocks = blocks
        self.strides = tuple(strides)
        self.last = ConvBlock(channels, LAST_CHANNELS, 1, activation="relu6", norm=norm) if last else None
        self.expanded = expanded
        if last:
            features |= {16: EXPANDED_CHANNELS if expanded else features[16], 32: LAST_CHANNELS}
        self.channels = {stride: count for stride, count in features.items() if stride >= 4}

    def call(self, x):
        x, features = self.stem(x), {}
        for number, block in enumerate(self.blocks):
            x, hidden = block(x)
            features[self.strides[number]] = x
            if number == EXPANDED:
                hidden_16 = hidden
        if self.last is not None:
            features |= {16: hidden_16 if self.expanded else features[16], 32: self.last(x)}
        return {stride: features[stride] for stride in self.channels}
