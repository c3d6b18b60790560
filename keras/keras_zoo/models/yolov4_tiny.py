"""YOLOv4-tiny (Wang et al. 2021), the graph of Darknet's yolov4-tiny.cfg.

Three blocks in which half of the channels pass two convolutions, max pools between them, two heads. The second head's
anchors are the cfg's masks 1,2,3 (see trizoo.families). With attention, which the cfg hasn't, the features that
the heads get pass a block of it, as do the upsampled ones.
"""

import keras

from keras_zoo.attention import make_attention
from keras_zoo.blocks import ConvBlock, Normalize, YOLOHead, concat, max_pool, split_half, upsample
from keras_zoo.network import Network


class CSPBlock(keras.layers.Layer):
    """(B, H, W, C) -> (B, H, W, 2 C), and the part of its last convolution, (B, H, W, C).

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, channels, norm="batch"):
        super().__init__()
        self.conv1 = ConvBlock(channels, channels, 3, norm=norm)
        self.conv2 = ConvBlock(channels // 2, channels // 2, 3, norm=norm)
        self.conv3 = ConvBlock(channels // 2, channels // 2, 3, norm=norm)
        self.conv4 = ConvBlock(channels, channels, 1, norm=norm)

    def call(self, x):
        x = self.conv1(x)
        first = self.conv2(split_half(x))
        part = self.conv4(concat(self.conv3(first), first))
        return concat(x, part), part


class CSPTinyBackbone(keras.layers.Layer):
    """(B, H, W, 3) -> {stride: features}: 256 channels at stride 16 and 512 at stride 32.

    Args:
        norm: see `ConvBlock`
    """

    def __init__(self, norm="batch"):
        super().__init__()
        self.conv1 = ConvBlock(3, 32, 3, stride=2, norm=norm)
        self.conv2 = ConvBlock(32, 64, 3, stride=2, norm=norm)
        self.blocks = [CSPBlock(channels, norm) for channels in (64, 128, 256)]
        self.conv3 = ConvBlock(512, 512, 3, norm=norm)
        self.channels = {16: 256, 32: 512}

    def call(self, x):
        x = self.conv2(self.conv1(x))
        for block in self.blocks:
            x, c4 = block(x)
            x = max_pool(x, 2, stride=2)
        return {16: c4, 32: self.conv3(x)}


class YOLOv4Tiny(Network):
    """uint8 (B, H, W, 3), sides multiples of 32 -> outputs (B, h, w, A, 5 + C) at strides 32, 16."""

    def __init__(self, spec):
        super().__init__(spec)
        anchors_p5, anchors_p4 = spec.anchors_per_cell
        norm = spec.norm
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = CSPTinyBackbone(norm)
        self.attention_c4 = make_attention(spec.attention, 256)
        self.attention_c5 = make_attention(spec.attention, 512)
        self.neck_p5 = ConvBlock(512, 256, 1, norm=norm)
        self.head_p5 = YOLOHead(256, 512, anchors_p5, spec.num_classes, norm)
        self.lateral_p4 = ConvBlock(256, 128, 1, norm=norm)
        self.attention_p4 = make_attention(spec.attention, 128)
        self.head_p4 = YOLOHead(128 + 256, 256, anchors_p4, spec.num_classes, norm)

    def from_features(self, features, images):
        c4, c5 = features[16], features[32]
        c4, c5 = self.attention_c4(c4), self.attention_c5(c5)
        p5 = self.neck_p5(c5)
        p4 = concat(self.attention_p4(upsample(self.lateral_p4(p5))), c4)
        return self.head_p5(p5), self.head_p4(p4)
