"""The loss of key points; the reference, with its definition in words, is `trizoo.families.keypoints.reference`."""

from keras import ops

from keras_zoo.losses.ssd import hard_negatives
from keras_zoo.losses.terms import by_class


class KeypointLoss:
    """Outputs and targets -> {"loss", "offset", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    terms = ("offset", "class")

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
        options = self.options
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        matches = targets["matches"]
        cells = ops.cast(heads[0], "float32")
        rows = ops.reshape(cells, (ops.shape(cells)[0], -1, cells.shape[3]))  # -> (B, N, 3 + C)
        positive = matches >= 0
        errors = ops.where(positive[..., None], rows[..., :2] - targets["offsets"], 0.0)
        classes = 1 + matches  # NEGATIVE is the background, the first
        # Keras's own cross-entropy makes one-hot classes on some backends
        logs = ops.log_softmax(rows[..., 2:], axis=-1)
        entropy = -ops.take_along_axis(logs, classes[..., None], axis=-1)[..., 0]
        losses = by_class(entropy, matches, options.class_weights)
        if options.negatives is not None:
            counted = positive | hard_negatives(ops.stop_gradient(entropy), matches, options.negatives)
            losses = ops.where(counted, losses, 0.0)

        terms = {
            "offset": ops.sum(ops.square(errors)) / 2 * options.offset_gain / targets["num_positives"],
            "class": ops.sum(losses) * options.class_gain / targets["num_positives"],
        }
        return {"loss": sum(terms.values()), **terms}
