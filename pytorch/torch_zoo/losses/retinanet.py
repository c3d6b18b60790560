"""RetinaNet's loss; the reference, with its definition in words, is `trizoo.families.retinanet.reference`."""

import torch
from torch import Tensor

from torch_zoo.losses.anchors import AnchorLoss
from torch_zoo.losses.terms import by_class, focal_loss
from trizoo.families.anchored.matching import IGNORED


class RetinaNetLoss(AnchorLoss):
    """See `AnchorLoss`. Logits (B, N, C); targets of `trizoo.families.retinanet.targets.assign`."""

    def _class(self, logits: Tensor, labels: Tensor, matches: Tensor, wanted: Tensor | None) -> Tensor:
        labels = torch.where(matches >= 0, labels, -1)
        losses = focal_loss(logits, labels, wanted, self.options.gamma, self.options.alpha)
        losses = by_class(losses, labels, self.options.class_weights)
        return torch.where(matches != IGNORED, losses, 0.0).sum()
