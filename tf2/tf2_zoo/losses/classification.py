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
        options, classes = self.options, tf.cast(targets["classes"], tf.int32)
        logs = tf.nn.log_softmax(tf.cast(heads[0], tf.float32))
        right = -tf.gather(logs, classes, batch_dims=1)
        smoothing = options.label_smoothing
        entropy = (1 - smoothing) * right - smoothing * tf.reduce_mean(logs, axis=-1)
        losses = by_class(entropy, classes, options.class_weights)
        cross_entropy = tf.reduce_sum(losses) / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
