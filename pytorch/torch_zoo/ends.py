"""What an exported program ends in behind the network, by PyTorch's operators: boxes after NMS, a mask, probabilities.

Boxes are the same as those of the family's decode.py for an image that fills the input: in pixels of the input, clipped
to it, at most `max_detections`, highest score first. Of a batch all images have as many places as the one with most
boxes needs; empty ones have score 0, label -1 and a box of zeros.
"""

import math

import torch
from torch import Tensor, nn

from torch_zoo.graph_ops import Ops
from trizoo.deploy.metadata import Thresholds
from trizoo.families import ModelSpec
from trizoo.families.base.graph import NOTHING, voted

_NOTHING = float(NOTHING)
_KEPT = _NOTHING / 2  # between it and the least score


class Raw(nn.Module):
    """A network's outputs by their names: images, uint8 (B, H, W, 3) -> a dict of float32 tensors."""

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        super().__init__()
        self.network = network
        self.spec = spec

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.spec.output_names, self.network(images), strict=True))


class WithMask(Raw):
    """Those behind `mask`, uint8 (B, H, W): the likeliest class of each pixel."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs = super().forward(images)
        (logits,) = outputs.values()
        return {"mask": logits.argmax(dim=3).to(torch.uint8), **outputs}


class WithProbabilities(Raw):
    """Those behind `probabilities`, float32 (B, C): the softmax of the logits, or of each its sigmoid."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs = super().forward(images)
        (logits,) = outputs.values()
        return {"probabilities": logits.softmax(dim=1) if self.spec.exclusive else logits.sigmoid(), **outputs}


class WithBoxes(Raw):
    """Those behind boxes (B, K, 4), scores (B, K) and labels (B, K).

    Args:
        thresholds: which the program keeps
    """

    def __init__(self, network: nn.Module, spec: ModelSpec, thresholds: Thresholds) -> None:
        super().__init__(network, spec)
        self.thresholds = thresholds

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs = super().forward(images)
        height, width = images.shape[1:3]
        size, least = ((width,), (height,)), self.thresholds.confidence
        boxes, scores, labels = self.spec.candidates(Ops(), list(outputs.values()), size, least)
        sides = zip(boxes.unbind(-1), (width, height, width, height), strict=True)
        boxes = torch.stack([side.clamp(0, limit) for side, limit in sides], dim=-1)  # (B, K, 4)
        has_area = (boxes[..., 2:] > boxes[..., :2]).all(dim=-1)
        scores = torch.where(has_area, scores, _NOTHING)
        found = suppress(boxes, scores, labels, self.thresholds.nms, self.thresholds.max_detections)
        found = dict(zip(("boxes", "scores", "labels"), found, strict=True))
        if self.thresholds.nms_method == "vote":
            found["boxes"] = voted(Ops(), found["boxes"], found["labels"], boxes, scores, labels)
        return {**found, **outputs}


def suppress(
    boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float, most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """NMS per class, highest scores first: (B, N, 4), (B, N), (B, N) -> the same of what is kept, K = at most `most`.

    Exact and greedy: each round keeps the best box left of each image and drops what it overlaps, until none is left.

    Args:
        scores: of what is no candidate NOTHING
        threshold: IoU above which the weaker box of a class goes
        most: boxes of an image
    """
    from torch._higher_order_ops.while_loop import while_loop  # brings much, and to export alone

    threshold = threshold if threshold < 1 else math.inf  # no IoU is above it, but for rounding
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)
    turn = torch.arange(most)
    count = boxes.shape[0]

    def goes_on(step: Tensor, left: Tensor, places: Tensor, kept: Tensor) -> Tensor:
        return (step < most) & (left.max() > _KEPT)

    def round_of_all(step: Tensor, left: Tensor, places: Tensor, kept: Tensor) -> tuple[Tensor, ...]:
        place = left.argmax(dim=1, keepdim=True)  # the first of equal ones; (B, 1)
        score = left.gather(1, place)
        best = boxes.gather(1, place.unsqueeze(-1).expand(-1, -1, 4))  # (B, 1, 4)
        sides = torch.minimum(boxes[..., 2:], best[..., 2:]) - torch.maximum(boxes[..., :2], best[..., :2])
        common = sides.clamp(min=0).prod(dim=-1)
        union = areas + areas.gather(1, place) - common
        clashes = (common / union.clamp(min=1e-12) > threshold) & (labels == labels.gather(1, place))
        left = torch.where(clashes, _NOTHING, left).scatter(1, place, _NOTHING)
        now = turn == step
        return step + 1, left, torch.where(now, place, places), torch.where(now, score, kept)

    begin = torch.zeros((), dtype=torch.int64)
    places = torch.zeros((count, most), dtype=torch.int64)
    kept = torch.full((count, most), _NOTHING)
    _, _, places, kept = while_loop(goes_on, round_of_all, (begin, scores, places, kept))
    found = kept > _KEPT
    greatest = found.sum(dim=1).max().item()
    torch._check(greatest >= 0)
    torch._check(greatest <= most)
    rows = boxes.gather(1, places.unsqueeze(-1).expand(-1, -1, 4))
    shown = (
        torch.where(found.unsqueeze(-1), rows, 0.0),
        torch.where(found, kept, 0.0),
        torch.where(found, labels.gather(1, places), -1),
    )
    return tuple(values.narrow(1, 0, greatest) for values in shown)
