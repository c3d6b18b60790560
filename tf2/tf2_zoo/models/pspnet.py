"""PSPNet (Zhao et al. 2017) for inputs of any size from 32 pixels a side, without the auxiliary head.

The backbone is the zoo's own, so ResNet begins with one 7x7 convolution, and with `deep_stem` with three 3x3 ones as in
the original. Sizes change by centres of pixels, or with `align_corners` so that corners meet corners, as in the
original. Nothing drops out; see `tf2_zoo.segmentation`.
"""

from tf2_zoo.blocks import Normalize, image_size, per_pixel
from tf2_zoo.network import Network
from tf2_zoo.segmentation import PyramidPooling, SegmentationHead, backbone_of

HIDDEN_CHANNELS = 512


class PSPNet(Network):
    """uint8 (B, H, W, 3) -> a tuple of logits (B, H, W, C) alone."""

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = backbone_of(spec)
        channels = self.backbone.channels
        self.pyramid = PyramidPooling(channels[spec.output_stride], spec.norm, spec.align_corners)
        hidden_channels = spec.head_channels or HIDDEN_CHANNELS
        self.head = SegmentationHead(2 * channels[spec.output_stride], hidden_channels, spec.num_classes, spec.norm)

    def from_features(self, features, images):
        x = self.pyramid(features[self.spec.output_stride])
        return (per_pixel(self.head(x), image_size(images), self.spec.align_corners),)
