"""Embeddings: a backbone, the mean of its last features, and a linear layer to a vector of length 1.

Beside the vector stand its cosines with a centre of each class, by which some losses teach (Deng et al. 2019).
"""

import keras

from keras_zoo.angles import cosines, unit_length
from keras_zoo.backbones import make_backbone
from keras_zoo.blocks import ConvBlock, Normalize, global_average_pool, per_image
from keras_zoo.layers import make_conv
from keras_zoo.network import Network


class EmbeddingHead(keras.layers.Layer):
    """The mean of all pixels as a vector of length 1, and its cosines with each class's centre.

    (B, H, W, in) -> float32 (B, D), (B, C).

    Args:
        last_channels: of a 1x1 block before the mean, None for none
        embedding: D
        num_classes: C
        norm: see `ConvBlock`
    """

    def __init__(self, in_channels, last_channels, embedding, num_classes, norm="batch"):
        super().__init__()
        self.last = None
        if last_channels is not None:
            self.last = ConvBlock(in_channels, last_channels, 1, activation="relu6", norm=norm)
            in_channels = last_channels
        self.embed = make_conv(in_channels, embedding, 1)
        self.predict = make_conv(embedding, num_classes, 1, use_bias=False)

    def call(self, x):
        if self.last is not None:
            x = self.last(x)
        vectors = unit_length(per_image(self.embed(global_average_pool(x))))
        return vectors, cosines(vectors, self.predict)


class EmbeddingNet(Network):
    """uint8 (B, H, W, 3) -> vectors of length 1 (B, D), cosines with the classes' centres (B, C)."""

    def __init__(self, spec):
        super().__init__(spec)
        self.normalize = Normalize(spec.mean, spec.std)
        self.backbone = make_backbone(spec.backbone, spec.norm, stride_on_1x1=spec.stride_on_1x1)
        self.stride = max(self.backbone.channels)
        channels = self.backbone.channels[self.stride]
        self.head = EmbeddingHead(channels, spec.last_channels, spec.embedding, spec.num_classes, spec.norm)

    def from_features(self, features, images):
        return self.head(features[self.stride])
