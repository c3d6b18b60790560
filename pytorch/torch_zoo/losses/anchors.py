"""What the losses of SSD and RetinaNet have in common; the reference is in `trizoo.families.anchored.reference`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from torch_zoo.losses.terms import overlap, smooth_l1
from trizoo.families.anchored.coding import MAX_LOG_SIZE, CentreCoding, CornerCoding
from trizoo.families.retinanet.spec import RetinaNetLoss as RetinaNetSection
from trizoo.families.retinanet.spec import RetinaNetSpec
from trizoo.families.ssd.spec import SSDLoss as SSDSection
from trizoo.families.ssd.spec import SSDSpec
from trizoo.ground.boxes import LEAST_SIDE

FARTHEST = 1e6  # sides of its anchor that a decoded box is moved by, at most: areas of more overflow in float32


class AnchorLoss:
    """Outputs and targets -> {"loss", "box", "class"}: scalars, each term with its gain applied.

    A subclass gives the class term.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: SSDSpec | RetinaNetSpec, options: SSDSection | RetinaNetSection) -> None:
        self.spec = spec
        self.options = options
        self.coders: dict[tuple[tuple[int, int], torch.device], AnchorCoder] = {}

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: deltas (B, N, 4) and logits (B, N, K)
            targets: tensors of `trizoo.families.anchored.matching`, on the heads' device
            size: input (width, height)
        """
        options, matches = self.options, targets["matches"]
        deltas, logits = (head.float() for head in heads)
        coder = self._coder(size, deltas.device)
        # Anchors without a box are kept and count nothing: picking out the others would mean waiting for the device to
        # say how many there are. Their deltas give way to 0 first, so that whatever they hold has no gradient.
        positive, index = matches >= 0, matches.clamp(min=0).long()
        labels = targets["labels"].gather(1, index)
        boxes = targets["boxes"].gather(1, index[..., None].expand(-1, -1, 4))  # (B, N, 4)
        deltas = torch.where(positive[..., None], deltas, 0.0)
        box = torch.where(positive, self._box(deltas, boxes, coder), 0.0).sum()
        classification = self._class(logits, labels, matches, self._wanted(deltas, boxes, coder))

        terms = {
            "box": box * options.box_gain / targets["num_positives"],
            "class": classification * options.class_gain / targets["num_positives"],
        }
        return {"loss": sum(terms.values()), **terms}

    def _box(self, deltas: Tensor, boxes: Tensor, coder: "AnchorCoder") -> Tensor:
        """The box term of each anchor: (B, N, 4), (B, N, 4) -> (B, N)."""
        if self.options.box != "l1":
            return 1 - overlap(coder.decode(deltas), boxes, self.options.box)
        return smooth_l1(deltas - coder.encode(boxes), self.options.box_beta).sum(dim=-1)

    def _wanted(self, deltas: Tensor, boxes: Tensor, coder: "AnchorCoder") -> Tensor | None:
        """What each anchor's class should score, (B, N, 4), (B, N, 4) -> (B, N), or None: 1; without a box any."""
        if self.options.score_iou == 0:
            return None
        with torch.no_grad():
            return 1 - self.options.score_iou * (1 - overlap(coder.decode(deltas), boxes))

    def _class(self, logits: Tensor, labels: Tensor, matches: Tensor, wanted: Tensor | None) -> Tensor:
        """The class term's sum: (B, N, K), three of (B, N) -> ().

        Args:
            labels: they count from 0; without a box they are any
            wanted: of `_wanted`
        """
        raise NotImplementedError

    def _coder(self, size: tuple[int, int], device: torch.device) -> "AnchorCoder":
        """The anchors' tensors, made once per input size and device."""
        key = (size, device)
        if key not in self.coders:
            anchors = torch.tensor(self.spec.grid(size).boxes, device=device)
            self.coders[key] = AnchorCoder(anchors, self.spec.coding)
        return self.coders[key]


class AnchorCoder:
    """Boxes of anchors as deltas and back; what `coding`, of `trizoo.families.anchored`, does, on tensors.

    Args:
        anchors: (N, 4), corners in pixels of the input
        coding: a CentreCoding or a CornerCoding
    """

    def __init__(self, anchors: Tensor, coding: CentreCoding | CornerCoding) -> None:
        self.anchors = anchors
        self.by_corners = isinstance(coding, CornerCoding)
        self.centres = (anchors[:, :2] + anchors[:, 2:]) / 2
        self.sides = anchors[:, 2:] - anchors[:, :2]
        self.weights = anchors.new_tensor([coding.weight] * 4 if self.by_corners else coding.weights)

    def encode(self, boxes: Tensor) -> Tensor:
        """Deltas of each anchor's box: (B, N, 4) -> (B, N, 4)."""
        low, high = boxes[..., :2], boxes[..., 2:]
        if self.by_corners:
            low, high = (low - self.anchors[:, :2]) / self.sides, (high - self.anchors[:, 2:]) / self.sides
            return torch.cat([low, high], dim=-1) * self.weights
        offsets = ((low + high) / 2 - self.centres) / self.sides
        logs = ((high - low).clamp(min=LEAST_SIDE) / self.sides).log()
        return torch.cat([offsets, logs], dim=-1) * self.weights

    def decode(self, deltas: Tensor) -> Tensor:
        """Boxes that deltas stand for: (B, N, 4) -> (B, N, 4), within FARTHEST of their anchors."""
        deltas = deltas / self.weights
        first = deltas[..., :2].clamp(-FARTHEST, FARTHEST) * self.sides
        if self.by_corners:
            second = deltas[..., 2:].clamp(-FARTHEST, FARTHEST) * self.sides
            return torch.cat([first, second], dim=-1) + self.anchors
        centres, half = first + self.centres, deltas[..., 2:].clamp(max=MAX_LOG_SIZE).exp() * self.sides / 2
        return torch.cat([centres - half, centres + half], dim=-1)
