"""RetinaNet's loss; the reference, with its definition in words, is `common.losses_retinanet.retinanet_loss`."""

import tensorflow as tf

from common.targets.matching import IGNORED
from tf2_zoo.losses.anchors import AnchorLoss
from tf2_zoo.losses.terms import focal_weight, overlap

RULED_OUT = -1e4  # a logit: sigmoid and softplus are 0, and so are cross-entropy and gradient


class RetinaNetLoss(AnchorLoss):
    """See `AnchorLoss`; logits (B, N, C). Targets: of `common.targets.retinanet.assign`."""

    def _box(self, deltas, boxes, coder):
        if self.options.box == "giou":
            return 1 - overlap(coder.decode(deltas), boxes, "giou")
        return super()._box(deltas, boxes, coder)

    def _class(self, logits, labels, matches):
        positive = matches >= 0
        own = tf.where(positive, labels, -1)[..., None] == tf.range(self.spec.num_classes)  # (B, N, C)
        chosen = tf.gather(logits, labels, batch_dims=2)  # (B, N)
        others = tf.where(own, RULED_OUT, logits)
        background = tf.reduce_sum(self._cross_entropy(others, 0.0), axis=-1)  # (B, N)
        background = tf.where(matches != IGNORED, background, 0.0)
        objects = tf.where(positive, self._cross_entropy(chosen, 1.0), 0.0)
        return tf.reduce_sum(background + objects)

    def _cross_entropy(self, logits, right):
        """Binary cross-entropy times focal weight where the answer is `right`, 0.0 or 1.0: (...) -> (...)."""
        entropy = tf.nn.softplus((1 - 2 * right) * logits)
        return entropy * focal_weight(logits, right, self.options.gamma, self.options.alpha)
