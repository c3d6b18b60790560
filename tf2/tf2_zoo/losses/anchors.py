"""What the losses of SSD and RetinaNet have in common; the reference is in `trizoo.families.anchored.reference`."""

import tensorflow as tf

from tf2_zoo.losses.terms import overlap, smooth_l1
from trizoo.families.anchored.coding import MAX_LOG_SIZE, CornerCoding
from trizoo.ground.boxes import LEAST_SIDE

FARTHEST = 1e6  # sides of its anchor that a decoded box is moved by, at most: areas of more overflow in float32


class AnchorLoss:
    """Outputs and targets -> {"loss", "box", "class"}: scalars, each term with its gain applied.

    A subclass gives the class term.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: deltas (B, N, 4) and logits (B, N, K)
            targets: tensors of `trizoo.families.anchored.matching`
            size: input (width, height), known when traced
        """
        options, matches = self.options, targets["matches"]
        deltas, logits = (tf.cast(head, tf.float32) for head in heads)
        coder = self._coder(size)
        # Anchors without a box are kept and count nothing: picking out the others would mean shapes that depend on
        # values. Their deltas give way to 0 first, so that whatever they hold has no gradient.
        positive, index = matches >= 0, tf.maximum(matches, 0)
        labels = tf.gather(targets["labels"], index, batch_dims=1)
        boxes = tf.gather(targets["boxes"], index, batch_dims=1)  # (B, N, 4)
        deltas = tf.where(positive[..., None], deltas, 0.0)
        box = tf.reduce_sum(tf.where(positive, self._box(deltas, boxes, coder), 0.0))
        classification = self._class(logits, labels, matches, self._wanted(deltas, boxes, coder))

        terms = {
            "box": box * options.box_gain / targets["num_positives"],
            "class": classification * options.class_gain / targets["num_positives"],
        }
        return {"loss": sum(terms.values()), **terms}

    def _box(self, deltas, boxes, coder):
        """The box term of each anchor: (B, N, 4), (B, N, 4) -> (B, N)."""
        if self.options.box != "l1":
            return 1 - overlap(coder.decode(deltas), boxes, self.options.box)
        return tf.reduce_sum(smooth_l1(deltas - coder.encode(boxes), self.options.box_beta), axis=-1)

    def _wanted(self, deltas, boxes, coder):
        """What each anchor's class should score, (B, N, 4), (B, N, 4) -> (B, N), or None: 1; without a box any."""
        if self.options.score_iou == 0:
            return None
        return tf.stop_gradient(1 - self.options.score_iou * (1 - overlap(coder.decode(deltas), boxes)))

    def _class(self, logits, labels, matches, wanted):
        """The class term's sum: (B, N, K), three of (B, N) -> ().

        Args:
            labels: they count from 0; without a box they are any
            wanted: of `_wanted`
        """
        raise NotImplementedError

    def _coder(self, size):
        """The anchors' tensors; in a traced function they are made once."""
        return AnchorCoder(tf.constant(self.spec.grid(size).boxes), self.spec.coding)


class AnchorCoder:
    """Boxes of anchors as deltas and back; what `coding`, of `trizoo.families.anchored`, does, on tensors.

    Args:
        anchors: (N, 4), corners in pixels of the input
        coding: a CentreCoding or a CornerCoding
    """

    def __init__(self, anchors, coding):
        self.anchors = anchors
        self.by_corners = isinstance(coding, CornerCoding)
        self.centres = (anchors[:, :2] + anchors[:, 2:]) / 2
        self.sides = anchors[:, 2:] - anchors[:, :2]
        self.weights = tf.constant([coding.weight] * 4 if self.by_corners else coding.weights, tf.float32)

    def encode(self, boxes):
        """Deltas of each anchor's box: (B, N, 4) -> (B, N, 4)."""
        low, high = boxes[..., :2], boxes[..., 2:]
        if self.by_corners:
            low, high = (low - self.anchors[:, :2]) / self.sides, (high - self.anchors[:, 2:]) / self.sides
            return tf.concat([low, high], axis=-1) * self.weights
        offsets = ((low + high) / 2 - self.centres) / self.sides
        logs = tf.math.log(tf.maximum(high - low, LEAST_SIDE) / self.sides)
        return tf.concat([offsets, logs], axis=-1) * self.weights

    def decode(self, deltas):
        """Boxes that deltas stand for: (B, N, 4) -> (B, N, 4), within FARTHEST of their anchors."""
        deltas = deltas / self.weights
        first = tf.clip_by_value(deltas[..., :2], -FARTHEST, FARTHEST) * self.sides
        if self.by_corners:
            second = tf.clip_by_value(deltas[..., 2:], -FARTHEST, FARTHEST) * self.sides
            return tf.concat([first, second], axis=-1) + self.anchors
        centres, half = first + self.centres, tf.exp(tf.minimum(deltas[..., 2:], MAX_LOG_SIZE)) * self.sides / 2
        return tf.concat([centres - half, centres + half], axis=-1)
