"""The loss of classification; the reference, with its definition in words, is `trizoo.families.classification`."""

import tensorflow as tf

from tf2_zoo.losses.terms import by_class


class ClassificationLoss:
    """Outputs and targets -> {"loss", "cross_entropy"}: scalars.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: logits (B, C) alone
            targets: tensors of `trizoo.families.classification.targets`
            size: input (width, height)
        """
        options = self.options
        logs = tf.nn.log_softmax(tf.cast(heads[0], tf.float32))
        classes = tf.range(logs.shape[-1])
        shares = by_class(targets["shares"], classes, options.class_weights)
        right, whole = -tf.reduce_sum(shares * logs, axis=-1), tf.reduce_sum(shares, axis=-1)  # (B,) each
        smoothing = options.label_smoothing
        losses = (1 - smoothing) * right - smoothing * whole * tf.reduce_mean(logs, axis=-1)
        cross_entropy = tf.reduce_sum(losses) / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
