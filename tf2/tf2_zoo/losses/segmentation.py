"""The loss of segmentation; the reference, with its definition in words, is `trizoo.families.segmentation`."""

import tensorflow as tf

from tf2_zoo.losses.terms import by_class, focal_entropy
from trizoo.ground.conventions import IGNORE


class SegmentationLoss:
    """Outputs and targets -> {"loss", "cross_entropy", "dice"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: logits (B, H, W, C) alone
            targets: tensors of `trizoo.families.segmentation.targets`
            size: input (width, height), which the logits have
        """
        options, masks = self.options, tf.cast(targets["masks"], tf.int32)
        logits = tf.cast(heads[0], tf.float32)
        counted = masks != IGNORE
        labels = tf.where(counted, masks, 0)  # (B, H, W)
        logs = tf.nn.log_softmax(logits)
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        entropy = by_class(focal_entropy(entropy, options.focal_gamma), labels, options.class_weights)
        cross_entropy = tf.reduce_sum(tf.where(counted, entropy, 0.0))

        terms = {
            "cross_entropy": cross_entropy * options.cross_entropy_gain / targets["normaliser"],
            "dice": self._dice(logs, labels, counted) * options.dice_gain / targets["num_images"],
        }
        return {"loss": sum(terms.values()), **terms}

    def _dice(self, logs, labels, counted):
        """The Dice term's sum over images: (B, H, W, C), (B, H, W), (B, H, W) -> (); 0 where it counts nothing."""
        if self.options.dice_gain == 0:
            return tf.zeros(())
        found = tf.where(counted[..., None], tf.exp(logs), 0.0)
        truth = (labels[..., None] == tf.range(self.spec.num_classes)) & counted[..., None]
        overlap = tf.reduce_sum(tf.where(truth, found, 0.0), axis=(1, 2))  # (B, C)
        sums = tf.reduce_sum(found, axis=(1, 2)) + tf.reduce_sum(tf.cast(truth, tf.float32), axis=(1, 2))
        return tf.reduce_sum(tf.reduce_mean(1 - (2 * overlap + 1) / (sums + 1), axis=-1))
