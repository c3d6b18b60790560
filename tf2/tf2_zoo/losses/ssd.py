"""SSD's loss; the reference, with its definition in words, is `trizoo.families.ssd.reference.ssd_loss`."""

import math

import tensorflow as tf

from tf2_zoo.losses.anchors import AnchorLoss
from tf2_zoo.losses.terms import by_class, focal_entropy
from trizoo.families.anchored.matching import NEGATIVE


class SSDLoss(AnchorLoss):
    """See `AnchorLoss`. Logits (B, N, 1 + C), background first; targets of `trizoo.families.ssd.targets.assign`."""

    def _class(self, logits, labels, matches, wanted):
        positive = matches >= 0
        classes = tf.where(positive, 1 + labels, 0)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits)
        if wanted is not None:
            background = -tf.nn.log_softmax(logits)[..., 0]
            entropy = tf.where(positive, wanted * entropy + (1 - wanted) * background, entropy)
        counted = positive | hard_negatives(tf.stop_gradient(entropy), matches, self.options.negatives)
        entropy = by_class(focal_entropy(entropy, self.options.focal_gamma), classes - 1, self.options.class_weights)
        return tf.reduce_sum(tf.where(counted, entropy, 0.0))


def hard_negatives(losses, matches, negatives):
    """Which anchors without a box count: (B, N), (B, N) -> bool (B, N); see `trizoo.families.ssd.reference`.

    Args:
        losses: each anchor's, as background
        matches: of `trizoo.families.ssd.targets.assign`
        negatives: so many times as many count as the image has positives, or one, at most
    """
    candidates = matches == NEGATIVE
    order = tf.argsort(tf.where(candidates, -losses, math.inf), axis=1, stable=True)
    rank = tf.cast(tf.argsort(order, axis=1), tf.float32)
    positives = tf.maximum(tf.reduce_sum(tf.cast(matches >= 0, tf.float32), axis=1, keepdims=True), 1.0)
    return candidates & (rank < negatives * positives)
