"""Dropout that is the same in every framework."""

import keras
from keras import ops

from keras_zoo import layout
from keras_zoo.replicas import gathered
from trizoo.families.classification.dropout import PRIME, kept, weighed


def _told_of_training(call):
    """A layer's `call(x, images)` with Keras's argument `training`, which the layer has as `trains` meanwhile."""

    def told(self, x, images, training=None):
        self.trains = bool(training)
        return call(self, x, images)

    return told


class Dropout(keras.layers.Layer):
    """In training a share of each image's values becomes 0, the others grow by what is lost: (B, 1, 1, C) -> the same.

    Args:
        share: in [0, 1)
    """

    def __init__(self, share):
        super().__init__()
        self.share = share

    @_told_of_training
    def call(self, x, images):
        if not (self.trains and self.share):
            return x
        keep = kept_of(images, x.shape[layout.CHANNELS], self.share)
        return x * layout.from_images((ops.cast(keep, x.dtype) / (1 - self.share))[:, None, None])


def kept_of(images, channels, share):
    """See `trizoo.families.classification.dropout.kept`: uint8 (B, H, W, 3) -> bool (B, channels).

    Of images that devices share each has those that it has in the whole batch.
    """
    rows = ops.sum(ops.cast(images, "int32"), axis=(2, 3)) % PRIME  # (B, H)
    sums = ops.sum(rows, axis=1, keepdims=True) % PRIME  # (B, 1)
    everyones, first = gathered(sums)
    places = ops.arange(ops.shape(everyones)[0], dtype="int32")[:, None]
    numbers = ops.arange(channels, dtype="int32")[None]
    whole = ops.sum(weighed(everyones, places)) % PRIME
    return kept(sums, whole, places[: ops.shape(images)[0]] + first, numbers, share)
