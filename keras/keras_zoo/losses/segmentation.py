"""The loss of segmentation; the reference, with its definition in words, is `trizoo.families.segmentation`."""

from keras import ops

from keras_zoo.losses.terms import by_class, focal_entropy
from trizoo.ground.conventions import IGNORE


class SegmentationLoss:
    """Outputs and targets -> {"loss", "cross_entropy", "dice"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    terms = ("cross_entropy", "dice")

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: logits (B, H, W, C) alone
            targets: arrays or tensors of `trizoo.families.segmentation.targets`
            size: input (width, height), which the logits have
        """
        options = self.options
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        masks = ops.cast(targets["masks"], "int32")
        logits = ops.cast(heads[0], "float32")
        counted = masks != IGNORE
        labels = ops.where(counted, masks, 0)  # (B, H, W)
        own = labels[..., None] == ops.arange(self.spec.num_classes, dtype="int32")
        logs = ops.log_softmax(logits, axis=-1)
        entropy = -ops.sum(ops.where(own, logs, 0.0), axis=-1)
        entropy = by_class(focal_entropy(entropy, options.focal_gamma), labels, options.class_weights)
        cross_entropy = ops.sum(ops.where(counted, entropy, 0.0))

        terms = {
            "cross_entropy": cross_entropy * options.cross_entropy_gain / targets["normaliser"],
            "dice": self._dice(logs, own, counted) * options.dice_gain / targets["num_images"],
        }
        return {"loss": sum(terms.values()), **terms}

    def _dice(self, logs, own, counted):
        """The Dice term's sum over images: (B, H, W, C), (B, H, W, C), (B, H, W) -> (); 0 where it counts nothing."""
        if self.options.dice_gain == 0:
            return ops.zeros(())
        found = ops.where(counted[..., None], ops.exp(logs), 0.0)
        truth = own & counted[..., None]
        overlap = ops.sum(ops.where(truth, found, 0.0), axis=(1, 2))  # (B, C)
        sums = ops.sum(found, axis=(1, 2)) + ops.sum(ops.cast(truth, "float32"), axis=(1, 2))
        return ops.sum(ops.mean(1 - (2 * overlap + 1) / (sums + 1), axis=-1))
