"""Dropout that is the same in every framework."""

import tensorflow as tf

from tf2_zoo.layers import Module, is_training
from tf2_zoo.replicas import gathered
from trizoo.families.classification.dropout import PRIME, kept, weighed


class Dropout(Module):
    """In training a share of each image's values becomes 0, the others grow by what is lost: (B, 1, 1, C) -> the same.

    Args:
        share: in [0, 1)
    """

    def __init__(self, share):
        super().__init__()
        self.share = share

    def call(self, x, images):
        if not (is_training() and self.share):
            return x
        keep = kept_of(images, x.shape[-1], self.share)
        return x * (tf.cast(keep, x.dtype) / (1 - self.share))[:, None, None]


def kept_of(images, channels, share):
    """See `trizoo.families.classification.dropout.kept`: uint8 (B, H, W, 3) -> bool (B, channels).

    Of images that devices share each has those that it has in the whole batch.
    """
    rows = tf.reduce_sum(tf.cast(images, tf.int32), axis=(2, 3)) % PRIME  # (B, H)
    sums = tf.reduce_sum(rows, axis=1, keepdims=True) % PRIME  # (B, 1)
    everyones, first = gathered(sums)
    places = tf.range(tf.shape(everyones)[0])[:, None]
    numbers = tf.range(channels)[None]
    whole = tf.reduce_sum(weighed(everyones, places)) % PRIME
    return kept(sums, whole, places[: tf.shape(images)[0]] + first, numbers, share)
