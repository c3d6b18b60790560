"""SSD (Liu et al. 2016): SSD300 and SSD512 on VGG16, SSD300 on MobileNetV2.

SSD300 on VGG16 is the graph of torchvision's ssd300_vgg16, with attributes in its order. SSD512 is the original's, of
levels of 64, 32, 16, 8, 4, 2 and 1 cells a side; torchvision's option for it has the same shapes of kernels but 64, 32,
16, 8, 6, 4 and 1 cells, since from the fifth level on it neither strides nor pads.

On MobileNetV2 the first level is what a block expands its input to at stride 16 (Sandler et al. 2018, section 6.2), the
second the last features, and inverted residuals make the others. Heads are full convolutions here too. With `l2_norm`
the first level is what a block gives, normalised by length, and a ReLU ends those that inverted residuals make.

Another backbone may stand in the place of either, if it has features at the same strides.
"""

import tensorflow as tf

from tf2_zoo.backbones import make_backbone
from tf2_zoo.backbones.mobilenet_v2 import InvertedResidual, MobileNetV2
from tf2_zoo.blocks import ConvBlock, L2Norm, Normalize, per_anchor, relu
from tf2_zoo.layers import Conv2d, Module
from tf2_zoo.network import Network


class ExtraBlock(Module):
    """1x1 to half the channels, then what makes the next level: (B, H, W, in) -> (B, h, w, out).

    Args:
        kernel_size, stride, padding: of the second block, whose padding is in cells on each side
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, norm=None):
        super().__init__()
        self.conv1 = ConvBlock(in_channels, out_channels // 2, 1, activation="relu", norm=norm)
        self.conv2 = ConvBlock(out_channels // 2, out_channels, kernel_size, stride, "relu", padding=padding, norm=norm)

    def call(self, x):
        return self.conv2(self.conv1(x))


class SSDHead(Module):
    """The predictions of a level: (B, H, W, in) -> deltas (B, H * W * A, 4), logits (B, H * W * A, 1 + C).

    Args:
        num_anchors, num_classes: A of a cell, and C without the background
    """

    def __init__(self, in_channels, num_anchors, num_classes):
        super().__init__()
        self.predict_box = Conv2d(in_channels, num_anchors * 4, 3)
        self.predict_class = Conv2d(in_channels, num_anchors * (1 + num_classes), 3)
        self.num_logits = 1 + num_classes

    def call(self, x):
        return per_anchor(self.predict_box(x), 4), per_anchor(self.predict_class(x), self.num_logits)


class SSDVGG16(Network):
    """uint8 (B, 300, 300, 3) -> deltas (B, 8732, 4), logits (B, 8732, 1 + C), of `trizoo.families.ssd.anchors`.

    The first logit is the background's.
    """

    # per block out channels; kernel size, stride and padding of its second convolution
    extra_numbers = ((512, 3, 2, 1), (256, 3, 2, 1), (256, 3, 1, 0), (256, 3, 1, 0))

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, max(spec.strides), spec.stride_on_1x1)
        first, second = (self.backbone.channels[stride] for stride in spec.strides)
        self.l2_norm = L2Norm(first)
        channels = (first, second, *[numbers[0] for numbers in self.extra_numbers])
        pairs = zip(channels[1:-1], self.extra_numbers, strict=True)
        self.extras = [ExtraBlock(before, *numbers, spec.norm) for before, numbers in pairs]
        self.heads = make_heads(channels, spec)

    def from_features(self, features, images):
        first, second = (features[stride] for stride in self.spec.strides)
        levels = [self.l2_norm(first), second]
        for block in self.extras:
            levels.append(block(levels[-1]))
        return predict(self.heads, levels)


class SSD512VGG16(SSDVGG16):
    """uint8 (B, 512, 512, 3) -> deltas (B, 24564, 4), logits (B, 24564, 1 + C)."""

    extra_numbers = ((512, 3, 2, 1), (256, 3, 2, 1), (256, 3, 2, 1), (256, 3, 2, 1), (256, 4, 1, 1))


class SSDMobileNetV2(Network):
    """uint8 (B, 300, 300, 3) -> deltas (B, 3000, 4), logits (B, 3000, 1 + C)."""

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        if spec.backbone == "mobilenetv2":
            self.backbone = MobileNetV2(spec.norm, last=True, expanded=not spec.l2_norm)
        else:
            self.backbone = make_backbone(spec.backbone, spec.norm, max(spec.strides), spec.stride_on_1x1)
        first, second = (self.backbone.channels[stride] for stride in spec.strides)
        self.l2_norm = L2Norm(first) if spec.l2_norm else None
        self.extras = [
            InvertedResidual(second, 256, 512, stride=2, norm=spec.norm),
            InvertedResidual(512, 128, 256, stride=2, norm=spec.norm),
            InvertedResidual(256, 128, 256, stride=2, norm=spec.norm),
            InvertedResidual(256, 64, 64, stride=2, norm=spec.norm),
        ]
        self.heads = make_heads((first, second, 512, 256, 256, 64), spec)

    def from_features(self, features, images):
        first, second = (features[stride] for stride in self.spec.strides)
        levels = [first if self.l2_norm is None else self.l2_norm(first), second]
        for block in self.extras:
            x, _ = block(levels[-1])
            levels.append(x if self.l2_norm is None else relu(x))
        return predict(self.heads, levels)


def make_heads(channels, spec):
    """A head for each level of so many channels."""
    pairs = zip(channels, spec.anchors_per_cell, strict=True)
    return [SSDHead(in_channels, anchors, spec.num_classes) for in_channels, anchors in pairs]


def predict(heads, levels):
    """The predictions of all levels, finest first: deltas (B, anchors, 4), logits (B, anchors, 1 + C)."""
    deltas, logits = zip(*[head(level) for head, level in zip(heads, levels, strict=True)], strict=True)
    return tf.concat(deltas, axis=1), tf.concat(logits, axis=1)
