"""RetinaNet (Lin et al. 2017) on ResNet-18 to -152, or another backbone, of any size of input.

On ResNet-50 it is the graph of torchvision's retinanet_resnet50_fpn, or of its retinanet_resnet50_fpn_v2, with
attributes in its order. The two differ in the heads' towers, which v2 normalises in groups, and in what P6 is made of.
All five levels share their heads.
"""

import keras
from keras import ops

from keras_zoo.backbones import make_backbone
from keras_zoo.blocks import ConvBlock, Normalize, per_anchor
from keras_zoo.layers import make_conv
from keras_zoo.necks import FPN
from keras_zoo.network import Network
from trizoo.families.retinanet.spec import STRIDES

PYRAMID_CHANNELS = 256
TOWER_BLOCKS = 4


class ClassHead(keras.layers.Layer):
    """The logits of a level: (B, H, W, in) -> (B, H * W * A, C).

    Args:
        num_anchors, num_classes: A of a cell, and C
        norm: see `make_tower`
    """

    def __init__(self, in_channels, num_anchors, num_classes, norm):
        super().__init__()
        self.tower = make_tower(in_channels, norm)
        self.predict_class = make_conv(in_channels, num_anchors * num_classes, 3)
        self.num_classes = num_classes

    def call(self, x):
        for block in self.tower:
            x = block(x)
        return per_anchor(self.predict_class(x), self.num_classes)


class BoxHead(keras.layers.Layer):
    """The deltas of a level: (B, H, W, in) -> (B, H * W * A, 4).

    Args:
        num_anchors: A, of a cell
        norm: see `make_tower`
    """

    def __init__(self, in_channels, num_anchors, norm):
        super().__init__()
        self.tower = make_tower(in_channels, norm)
        self.predict_box = make_conv(in_channels, num_anchors * 4, 3)

    def call(self, x):
        for block in self.tower:
            x = block(x)
        return per_anchor(self.predict_box(x), 4)


class RetinaNet(Network):
    """uint8 (B, H, W, 3) -> deltas (B, N, 4), logits (B, N, C), of the N anchors of `trizoo.families.anchored.grid`."""

    def __init__(self, spec):
        super().__init__(spec)
        num_anchors, norm = spec.anchors_per_cell[0], "group" if spec.v2 else None
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, stride_on_1x1=spec.stride_on_1x1)
        channels = [self.backbone.channels[stride] for stride in STRIDES]
        self.fpn = FPN(channels, PYRAMID_CHANNELS, spec.p6_from_c5)
        self.head_class = ClassHead(PYRAMID_CHANNELS, num_anchors, spec.num_classes, norm)
        self.head_box = BoxHead(PYRAMID_CHANNELS, num_anchors, norm)

    def from_features(self, features, images):
        levels = self.fpn(*[features[stride] for stride in STRIDES])
        deltas = ops.concatenate([self.head_box(level) for level in levels], axis=1)
        logits = ops.concatenate([self.head_class(level) for level in levels], axis=1)
        return deltas, logits


def make_tower(channels, norm):
    """The 3x3 blocks before a prediction, a list: (B, H, W, C) -> (B, H, W, C) each.

    Args:
        norm: "group", or None for a bias
    """
    return [ConvBlock(channels, channels, 3, activation="relu", norm=norm) for _ in range(TOWER_BLOCKS)]
