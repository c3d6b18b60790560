"""RetinaNet's loss; the reference, with its definition in words, is `trizoo.families.retinanet.reference`."""

import tensorflow as tf

from tf2_zoo.losses.anchors import AnchorLoss
from tf2_zoo.losses.terms import by_class, focal_loss
from trizoo.families.anchored.matching import IGNORED


class RetinaNetLoss(AnchorLoss):
    """See `AnchorLoss`. Logits (B, N, C); targets of `trizoo.families.retinanet.targets.assign`."""

    def _class(self, logits, labels, matches, wanted):
        labels = tf.where(matches >= 0, labels, -1)
        losses = focal_loss(logits, labels, wanted, self.options.gamma, self.options.alpha)
        losses = by_class(losses, labels, self.options.class_weights)
        return tf.reduce_sum(tf.where(matches != IGNORED, losses, 0.0))
