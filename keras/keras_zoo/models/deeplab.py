"""DeepLabv3+ (Chen et al. 2018) and DeepLabv3 (Chen et al. 2017) for inputs of any size from 32 pixels a side.

DeepLabv3+ is TensorFlow's: batch norm and relu after either half of a separable convolution, the pooled features first.
Without `separable` its 3x3 convolutions are full ones, as PyTorch's files of it have them.
DeepLabv3 on ResNet is torchvision's deeplabv3_resnet50 or -101 without the auxiliary head, with attributes in its
order; on MobileNetV2 it is TensorFlow's. All resize by centres of pixels, as torchvision, or with `align_corners` so
that corners meet corners, as TensorFlow's DeepLab.

Nothing drops out; see `keras_zoo.segmentation`.
"""

import keras

from keras_zoo.blocks import ConvBlock, Normalize, SeparableConv, concat, image_size, per_pixel, resize, size_of
from keras_zoo.network import Network
from keras_zoo.segmentation import ASPP, ASPP_CHANNELS, RATES, SegmentationHead, backbone_of

LOW_STRIDE = 4  # of the features that refine others
LOW_CHANNELS = 48
DECODER_CHANNELS = 256


class Decoder(keras.layers.Layer):
    """Features refined by those at stride 4: (B, h, w, 256), (B, H, W, in) -> (B, H, W, 256).

    Chen et al. 2018, section 3.1.

    Args:
        in_channels: of those at stride 4
        norm: see `ConvBlock`
        align_corners: see `resize`
        separable: whether the 3x3 blocks are depthwise separable
    """

    def __init__(self, in_channels, norm="batch", align_corners=False, separable=True):
        super().__init__()
        self.low = ConvBlock(in_channels, LOW_CHANNELS, 1, activation="relu", norm=norm)
        kind = SeparableConv if separable else ConvBlock
        self.conv1 = kind(ASPP_CHANNELS + LOW_CHANNELS, DECODER_CHANNELS, 3, activation="relu", norm=norm)
        self.conv2 = kind(DECODER_CHANNELS, DECODER_CHANNELS, 3, activation="relu", norm=norm)
        self.align_corners = align_corners

    def call(self, x, low):
        low = self.low(low)
        return self.conv2(self.conv1(concat(resize(x, size_of(low), self.align_corners), low)))


class DeepLabV3Plus(Network):
    """uint8 (B, H, W, 3) -> a tuple of logits (B, H, W, C) alone."""

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = backbone_of(spec)
        channels, separable = self.backbone.channels, spec.separable
        self.aspp = ASPP(
            channels[spec.output_stride],
            RATES,
            spec.output_stride,
            separable=separable,
            pool_first=True,
            norm=spec.norm,
        )
        self.decoder = Decoder(channels[LOW_STRIDE], spec.norm, spec.align_corners, separable)
        self.head = SegmentationHead(DECODER_CHANNELS, None, spec.num_classes, spec.norm)

    def from_features(self, features, images):
        x = self.decoder(self.aspp(features[self.spec.output_stride]), features[LOW_STRIDE])
        return (per_pixel(self.head(x), image_size(images), self.spec.align_corners),)


class DeepLabV3(Network):
    """uint8 (B, H, W, 3) -> a tuple of logits (B, H, W, C) alone.

    On MobileNetV2 nothing is dilated behind the backbone and no 3x3 block comes before the logits.
    """

    def __init__(self, spec):
        super().__init__(spec)
        mobile = spec.backbone == "mobilenetv2"
        rates, hidden_channels = ((), None) if mobile else (RATES, ASPP_CHANNELS)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = backbone_of(spec)
        channels = self.backbone.channels
        self.aspp = ASPP(
            channels[spec.output_stride], rates, spec.output_stride, separable=False, pool_first=mobile, norm=spec.norm
        )
        self.head = SegmentationHead(ASPP_CHANNELS, hidden_channels, spec.num_classes, spec.norm)

    def from_features(self, features, images):
        x = self.aspp(features[self.spec.output_stride])
        return (per_pixel(self.head(x), image_size(images), self.spec.align_corners),)
