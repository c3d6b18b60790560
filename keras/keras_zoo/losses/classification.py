"""The loss of classification; the reference, with its definition in words, is `trizoo.families.classification`."""

from keras import ops

from keras_zoo.losses.terms import by_class


class ClassificationLoss:
    """Outputs and targets -> {"loss", "cross_entropy"}: scalars.

    Args:
        options: the recipe's loss section
    """

    terms = ("cross_entropy",)

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
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        logs = ops.log_softmax(ops.cast(heads[0], "float32"), axis=-1)
        classes = ops.arange(logs.shape[-1], dtype="int32")
        shares = by_class(targets["shares"], classes, options.class_weights)
        right, whole = -ops.sum(shares * logs, axis=-1), ops.sum(shares, axis=-1)  # (B,) each
        smoothing = options.label_smoothing
        losses = (1 - smoothing) * right - smoothing * whole * ops.mean(logs, axis=-1)
        cross_entropy = ops.sum(losses) / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
