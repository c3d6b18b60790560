"""The loss of multi-label classification; the reference, with its definition in words: `trizoo.families.multilabel`."""

import tensorflow as tf

from tf2_zoo.losses.terms import by_class


class MultilabelLoss:
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
            targets: tensors of `trizoo.families.multilabel.targets`
            size: input (width, height)
        """
        options, logits = self.options, tf.cast(heads[0], tf.float32)
        truth = (1 - options.label_smoothing) * targets["shares"] + options.label_smoothing / 2
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
        classes = tf.range(logits.shape[-1])
        cross_entropy = tf.reduce_sum(by_class(entropy, classes, options.class_weights)) / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
