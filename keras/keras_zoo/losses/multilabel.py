"""The loss of multi-label classification; the reference, with its definition in words: `trizoo.families.multilabel`."""

from keras import ops

from keras_zoo.losses.terms import by_class


class MultilabelLoss:
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
            targets: tensors of `trizoo.families.multilabel.targets`
            size: input (width, height)
        """
        options, logits = self.options, ops.cast(heads[0], "float32")
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        truth = (1 - options.label_smoothing) * targets["shares"] + options.label_smoothing / 2
        entropy = ops.binary_crossentropy(truth, logits, from_logits=True)
        classes = ops.arange(logits.shape[-1], dtype="int32")
        cross_entropy = ops.sum(by_class(entropy, classes, options.class_weights)) / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
