"""RetinaNet's loss; the reference, with its definition in words, is `common.losses_retinanet.retinanet_loss`."""

import torch
from torch.nn import functional as F  # noqa: N812, its usual name

from common.targets.matching import IGNORED
from torch_zoo.losses.anchors import AnchorLoss
from torch_zoo.losses.terms import focal_weight, overlap

RULED_OUT = -1e4  # a logit: sigmoid and softplus are 0, and so are cross-entropy and gradient


class RetinaNetLoss(AnchorLoss):
    """See `AnchorLoss`; logits (B, N, C). Targets: of `common.targets.retinanet.assign`."""

    def _box(self, deltas, boxes, coder):
        if self.options.box == "giou":
            return 1 - overlap(coder.decode(deltas), boxes, "giou")
        return super()._box(deltas, boxes, coder)

    def _class(self, logits, labels, matches):
        positive, own = matches >= 0, labels[..., None].long()
        chosen = logits.gather(-1, own)  # (B, N, 1)
        others = logits.scatter(-1, own, torch.where(positive[..., None], RULED_OUT, chosen))
        # image by image, which halves the time on a CPU: arrays that small needn't be asked of the system anew
        background = torch.stack([self._cross_entropy(image, 0.0).sum(dim=-1) for image in others])  # (B, N)
        background = torch.where(matches != IGNORED, background, 0.0)
        objects = torch.where(positive, self._cross_entropy(chosen[..., 0], 1.0), 0.0)
        return (background + objects).sum()

    def _cross_entropy(self, logits, right):
        """Binary cross-entropy times focal weight where the answer is `right`, 0.0 or 1.0: (...) -> (...)."""
        entropy = -F.logsigmoid((2 * right - 1) * logits)
        return entropy * focal_weight(logits, right, self.options.gamma, self.options.alpha)
