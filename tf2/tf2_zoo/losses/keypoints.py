"""The loss of key points; the reference, with its definition in words, is `trizoo.families.keypoints.reference`."""

import tensorflow as tf

from tf2_zoo.losses.ssd import hard_negatives
from tf2_zoo.losses.terms import by_class


class KeypointLoss:
    """Outputs and targets -> {"loss", "offset", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: the map alone, (B, rows, columns, 3 + C)
            targets: tensors of `trizoo.families.keypoints.targets.assign`
            size: input (width, height)
        """
        options, matches = self.options, targets["matches"]
        cells = tf.cast(heads[0], tf.float32)
        rows = tf.reshape(cells, (tf.shape(cells)[0], -1, cells.shape[3]))  # (B, rows, columns, 3 + C) -> (B, N, 3 + C)
        positive = matches >= 0
        errors = tf.where(positive[..., None], rows[..., :2] - targets["offsets"], 0.0)
        classes = 1 + matches  # NEGATIVE is the background, the first
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, rows[..., 2:])
        losses = by_class(entropy, matches, options.class_weights)
        if options.negatives is not None:
            counted = positive | hard_negatives(tf.stop_gradient(entropy), matches, options.negatives)
            losses = tf.where(counted, losses, 0.0)

        terms = {
            "offset": tf.reduce_sum(tf.square(errors)) / 2 * options.offset_gain / targets["num_positives"],
            "class": tf.reduce_sum(losses) * options.class_gain / targets["num_positives"],
        }
        return {"loss": sum(terms.values()), **terms}
