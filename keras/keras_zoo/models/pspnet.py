"""PSPNet (Zhao et al. 2017) for inputs of any size from 32 pixels a side, without the auxiliary head.

The backbone is the zoo's own, so ResNet begins with one 7x7 convolution where the original has three. Sizes change by
centres of pixels (`align_corners=False`). Nothing drops out; see `keras_zoo.segmentation`.
"""

from keras_zoo.blocks import Normalize, per_pixel, size_of
from keras_zoo.network import Network
from keras_zoo.segmentation import PyramidPooling, SegmentationHead, make_backbone

HIDDEN_CHANNELS = 512


class PSPNet(Network):
    """uint8 (B, H, W, 3) -> a tuple of logits (B, H, W, C) alone."""

    def __init__(self, spec):
        super().__init__(spec)
        backbone, _, channels = make_backbone(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = backbone
        self.pyramid = PyramidPooling(channels)
        self.head = SegmentationHead(2 * channels, HIDDEN_CHANNELS, spec.num_classes)

    def call(self, images):
        x = self.normalize(images)
        size = size_of(x)
        *_, x = self.backbone(x)
        return (per_pixel(self.head(self.pyramid(x)), size),)
