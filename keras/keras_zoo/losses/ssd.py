"""SSD's loss; the reference, with its definition in words, is `trizoo.families.ssd.reference.ssd_loss`."""

import math

from keras import ops

from keras_zoo.losses.anchors import AnchorLoss
from keras_zoo.losses.terms import by_class, focal_entropy
from trizoo.families.anchored.matching import NEGATIVE


class SSDLoss(AnchorLoss):
    """See `AnchorLoss`. Logits (B, N, 1 + C), background first; targets of `trizoo.families.ssd.targets.assign`."""

    def _class(self, logits, labels, matches, wanted):
        positive = matches >= 0
        classes = ops.where(positive, 1 + labels, 0)
        # Keras's own cross-entropy makes one-hot classes on some backends
        logs = ops.log_softmax(logits, axis=-1)
        entropy = -ops.take_along_axis(logs, classes[..., None], axis=-1)[..., 0]
        if wanted is not None:
            entropy = ops.where(positive, wanted * entropy - (1 - wanted) * logs[..., 0], entropy)
        counted = positive | hard_negatives(ops.stop_gradient(entropy), matches, self.options.negatives)
        entropy = by_class(focal_entropy(entropy, self.options.focal_gamma), classes - 1, self.options.class_weights)
        return ops.sum(ops.where(counted, entropy, 0.0))


def hard_negatives(losses, matches, negatives):
    """Which anchors without a box count: (B, N), (B, N) -> bool (B, N); see `trizoo.families.ssd.reference`.

    Args:
        losses: each anchor's, as background
        matches: of `trizoo.families.ssd.targets.assign`
        negatives: so many times as many count as the image has positives, or one, at most
    """
    candidates = matches == NEGATIVE
    order = ops.argsort(ops.where(candidates, -losses, math.inf), axis=1)  # stable on every backend
    rank = ops.cast(ops.argsort(order, axis=1), "float32")
    positives = ops.maximum(ops.sum(ops.cast(matches >= 0, "float32"), axis=1, keepdims=True), 1.0)
    return candidates & (rank < negatives * positives)
