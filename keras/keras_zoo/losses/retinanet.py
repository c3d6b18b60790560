"""RetinaNet's loss; the reference, with its definition in words, is `common.losses_retinanet.retinanet_loss`."""

from keras import ops

from common.targets.matching import IGNORED
from keras_zoo.losses.anchors import AnchorLoss
from keras_zoo.losses.terms import focal_weight, overlap

RULED_OUT = -1e4  # a logit: sigmoid and softplus are 0, and so are cross-entropy and gradient


class RetinaNetLoss(AnchorLoss):
    """See `AnchorLoss`; logits (B, N, C). Targets: of `common.targets.retinanet.assign`."""

    def _box(self, deltas, boxes, coder):
        if self.options.box == "giou":
            return 1 - overlap(coder.decode(deltas), boxes, "giou")
        return super()._box(deltas, boxes, coder)

    def _class(self, logits, labels, matches):
        positive = matches >= 0
        own = ops.where(positive, labels, -1)[..., None] == ops.arange(self.spec.num_classes, dtype="int32")
        chosen = ops.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]  # (B, N)
        others = ops.where(own, RULED_OUT, logits)  # (B, N, C)
        background = ops.sum(self._cross_entropy(others, 0.0), axis=-1)  # (B, N)
        background = ops.where(matches != IGNORED, background, 0.0)
        objects = ops.where(positive, self._cross_entropy(chosen, 1.0), 0.0)
        return ops.sum(background + objects)

    def _cross_entropy(self, logits, right):
        """Binary cross-entropy times focal weight where the answer is `right`, 0.0 or 1.0: (...) -> (...)."""
        entropy = ops.softplus((1 - 2 * right) * logits)
        return entropy * focal_weight(logits, right, self.options.gamma, self.options.alpha)
