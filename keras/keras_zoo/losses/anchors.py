"""What the losses of SSD and RetinaNet have in common; the reference is in `trizoo.families.anchored.reference`."""

from keras import ops

from keras_zoo.losses.terms import overlap, smooth_l1
from trizoo.families.anchored.coding import MAX_LOG_SIZE, CornerCoding
from trizoo.ground.boxes import LEAST_SIDE

FARTHEST = 1e6  # sides of its anchor that a decoded box is moved by, at most: areas of more overflow in float32


class AnchorLoss:
    """Outputs and targets -> {"loss", "box", "class"}: scalars, each term with its gain applied.

    A subclass gives the class term.

    Args:
        options: the recipe's loss section
    """

    terms = ("box", "class")

    def __init__(self, spec, options):
        self.spec = spec
        self.options = options

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: deltas (B, N, 4) and logits (B, N, K)
            targets: arrays or tensors of `trizoo.families.anchored.matching`
            size: input (width, height), known when traced
        """
        options = self.options
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        matches = targets["matches"]
        deltas, logits = (ops.cast(head, "float32") for head in heads)
        coder = self._coder(size)
        # Anchors without a box are kept and count nothing: a number of positives that only the data knows can't be
        # compiled. Their deltas give way to 0 first, so that whatever they hold has no gradient.
        positive, index = matches >= 0, ops.maximum(matches, 0)
        labels = ops.take_along_axis(targets["labels"], index, axis=1)
        boxes = ops.take_along_axis(targets["boxes"], index[..., None], axis=1)  # (B, N, 4)
        deltas = ops.where(positive[..., None], deltas, 0.0)
        box = ops.sum(ops.where(positive, self._box(deltas, boxes, coder), 0.0))
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
        return ops.sum(smooth_l1(deltas - coder.encode(boxes), self.options.box_beta), axis=-1)

    def _wanted(self, deltas, boxes, coder):
        """What each anchor's class should score, (B, N, 4), (B, N, 4) -> (B, N), or None: 1; without a box any."""
        if self.options.score_iou == 0:
            return None
        return ops.stop_gradient(1 - self.options.score_iou * (1 - overlap(coder.decode(deltas), boxes)))

    def _class(self, logits, labels, matches, wanted):
        """The class term's sum: (B, N, K), three of (B, N) -> ().

        Args:
            labels: they count from 0; without a box they are any
            wanted: of `_wanted`
        """
        raise NotImplementedError

    def _coder(self, size):
        """The anchors' tensors; in a traced function they are made once."""
        return AnchorCoder(ops.convert_to_tensor(self.spec.grid(size).boxes), self.spec.coding)


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
        weights = [coding.weight] * 4 if self.by_corners else coding.weights
        self.weights = ops.convert_to_tensor(weights, "float32")

    def encode(self, boxes):
        """Deltas of each anchor's box: (B, N, 4) -> (B, N, 4)."""
        low, high = boxes[..., :2], boxes[..., 2:]
        if self.by_corners:
            low, high = (low - self.anchors[:, :2]) / self.sides, (high - self.anchors[:, 2:]) / self.sides
            return ops.concatenate([low, high], axis=-1) * self.weights
        offsets = ((low + high) / 2 - self.centres) / self.sides
        logs = ops.log(ops.maximum(high - low, LEAST_SIDE) / self.sides)
        return ops.concatenate([offsets, logs], axis=-1) * self.weights

    def decode(self, deltas):
        """Boxes that deltas stand for: (B, N, 4) -> (B, N, 4), within FARTHEST of their anchors."""
        deltas = deltas / self.weights
        first = ops.clip(deltas[..., :2], -FARTHEST, FARTHEST) * self.sides
        if self.by_corners:
            second = ops.clip(deltas[..., 2:], -FARTHEST, FARTHEST) * self.sides
            return ops.concatenate([first, second], axis=-1) + self.anchors
        centres, half = first + self.centres, ops.exp(ops.minimum(deltas[..., 2:], MAX_LOG_SIZE)) * self.sides / 2
        return ops.concatenate([centres - half, centres + half], axis=-1)
