"""SSD's loss; the reference, with its definition in words, is `trizoo.families.ssd.reference.ssd_loss`."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.anchors import AnchorLoss
from torch_zoo.losses.terms import by_class, focal_entropy
from trizoo.families.anchored.matching import NEGATIVE


class SSDLoss(AnchorLoss):
    """See `AnchorLoss`. Logits (B, N, 1 + C), background first; targets of `trizoo.families.ssd.targets.assign`."""

    def _class(self, logits: Tensor, labels: Tensor, matches: Tensor, wanted: Tensor | None) -> Tensor:
        positive = matches >= 0
        classes = torch.where(positive, 1 + labels, 0).long()
        entropy = F.cross_entropy(logits.flatten(0, 1), classes.flatten(), reduction="none").view_as(classes)
        if wanted is not None:
            background = -F.log_softmax(logits, dim=-1)[..., 0]
            entropy = torch.where(positive, wanted * entropy + (1 - wanted) * background, entropy)
        counted = positive | hard_negatives(entropy.detach(), matches, self.options.negatives)
        entropy = by_class(focal_entropy(entropy, self.options.focal_gamma), classes - 1, self.options.class_weights)
        return torch.where(counted, entropy, 0.0).sum()


def hard_negatives(losses: Tensor, matches: Tensor, negatives: float) -> Tensor:
    """Which anchors without a box count: (B, N), (B, N) -> bool (B, N); see `trizoo.families.ssd.reference`.

    Args:
        losses: each anchor's, as background
        matches: of `trizoo.families.ssd.targets.assign`
        negatives: so many times as many count as the image has positives, or one, at most
    """
    candidates = matches == NEGATIVE
    order = torch.where(candidates, -losses, torch.inf).argsort(dim=1, stable=True)
    rank = order.argsort(dim=1)
    positives = (matches >= 0).sum(dim=1, keepdim=True).clamp(min=1)
    return candidates & (rank < negatives * positives.float())
