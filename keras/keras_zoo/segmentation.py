"""What segmentation models are made of: what pools at several scales, and heads.

Nothing drops out at random, as it does in the originals: so training resumes exactly and is the same in every
framework. Weight decay and augmentation regularise.
"""

import keras

from keras_zoo.backbones import make_backbone
from keras_zoo.blocks import ConvBlock, SeparableConv, average_pool, concat, global_average_pool, resize, size_of
from keras_zoo.layers import make_conv

RATES = (6, 12, 18)  # Chen et al. 2017, section 3.3, at output stride 16
ASPP_CHANNELS = 256
BINS = (1, 2, 3, 6)  # Zhao et al. 2017, section 3.2, bins a side


class ASPP(keras.layers.Layer):
    """Atrous spatial pyramid pooling (Chen et al. 2017): (B, H, W, in) -> (B, H, W, 256).

    A 1x1 block, dilated 3x3 blocks and the mean of all pixels, merged by a 1x1 block. In training the mean's batch norm
    has one value an image, so a batch needs two.

    Args:
        rates: dilations of the 3x3 blocks, at output stride 16
        output_stride: input pixels per cell of the features; at 8 the dilations are twice the rates
        separable: whether the 3x3 blocks are depthwise separable, as in DeepLabv3+
        pool_first: whether the mean comes first in what is merged, as in TensorFlow's DeepLab, or last, as in
            torchvision
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, rates, output_stride, *, separable, pool_first, norm="batch"):
        super().__init__()
        kind, rates = SeparableConv if separable else ConvBlock, [rate * 16 // output_stride for rate in rates]
        options = {"activation": "relu", "norm": norm}
        self.conv = ConvBlock(in_channels, ASPP_CHANNELS, 1, **options)
        self.dilated = [kind(in_channels, ASPP_CHANNELS, 3, dilation=rate, **options) for rate in rates]
        self.pool = ConvBlock(in_channels, ASPP_CHANNELS, 1, **options)
        self.project = ConvBlock(ASPP_CHANNELS * (2 + len(rates)), ASPP_CHANNELS, 1, **options)
        self.pool_first = pool_first

    def call(self, x):
        pooled = resize(self.pool(global_average_pool(x)), size_of(x))
        branches = [self.conv(x), *[block(x) for block in self.dilated]]
        return self.project(concat(pooled, *branches) if self.pool_first else concat(*branches, pooled))


class PyramidPooling(keras.layers.Layer):
    """The features and their means over 1, 4, 9 and 36 bins (Zhao et al. 2017): (B, H, W, in) -> (B, H, W, 2 * in).

    In training the first mean's batch norm has one value an image, so a batch needs two.

    Args:
        norm: see `ConvBlock`
        align_corners: see `resize`
    """

    def __init__(self, in_channels, norm="batch", align_corners=False):
        super().__init__()
        channels = in_channels // len(BINS)
        self.branches = [ConvBlock(in_channels, channels, 1, activation="relu", norm=norm) for _ in BINS]
        self.align_corners = align_corners

    def call(self, x):
        means = [branch(average_pool(x, bins)) for branch, bins in zip(self.branches, BINS, strict=True)]
        return concat(x, *[resize(mean, size_of(x), self.align_corners) for mean in means])


class SegmentationHead(keras.layers.Layer):
    """The logits of each cell: (B, H, W, in) -> (B, H, W, C).

    Args:
        hidden_channels: of a 3x3 block before them, or None for none
        num_classes: C
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, hidden_channels, num_classes, norm="batch"):
        super().__init__()
        self.conv = (
            None
            if hidden_channels is None
            else ConvBlock(in_channels, hidden_channels, 3, activation="relu", norm=norm)
        )
        self.predict_class = make_conv(hidden_channels or in_channels, num_classes, 1)

    def call(self, x):
        return self.predict_class(x if self.conv is None else self.conv(x))


def backbone_of(spec):
    """The backbone that a SegmentationSpec's network stands on."""
    return make_backbone(
        spec.backbone,
        spec.backbone_norm,
        spec.output_stride,
        spec.stride_on_1x1,
        rectified=spec.rectified,
        deep_stem=spec.deep_stem,
    )
