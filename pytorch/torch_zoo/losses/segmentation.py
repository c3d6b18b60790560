"""The loss of segmentation; the reference, with its definition in words, is `trizoo.families.segmentation`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.terms import by_class, focal_entropy
from trizoo.families.segmentation.spec import SegmentationLoss as SegmentationSection
from trizoo.families.segmentation.spec import SegmentationSpec
from trizoo.ground.conventions import IGNORE


class SegmentationLoss:
    """Outputs and targets -> {"loss", "cross_entropy", "dice"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: SegmentationSpec, options: SegmentationSection) -> None:
        self.spec = spec
        self.options = options

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: logits (B, H, W, C) alone
            targets: tensors of `trizoo.families.segmentation.targets`, on the heads' device
            size: input (width, height), which the logits have
        """
        options, masks = self.options, targets["masks"].long()
        logits = heads[0].float()
        counted = masks != IGNORE
        labels = torch.where(counted, masks, 0)[..., None]  # (B, H, W, 1)
        logs = F.log_softmax(logits, dim=-1)
        entropy = -logs.gather(-1, labels)[..., 0]
        entropy = by_class(focal_entropy(entropy, options.focal_gamma), labels[..., 0], options.class_weights)
        cross_entropy = torch.where(counted, entropy, 0.0).sum()

        terms = {
            "cross_entropy": cross_entropy * options.cross_entropy_gain / targets["normaliser"],
            "dice": self._dice(logs, labels, counted) * options.dice_gain / targets["num_images"],
        }
        return {"loss": sum(terms.values()), **terms}

    def _dice(self, logs: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
        """The Dice term's sum over images: (B, H, W, C), (B, H, W, 1), (B, H, W) -> (); 0 where it counts nothing."""
        if self.options.dice_gain == 0:
            return logs.new_zeros(())
        found = torch.where(counted[..., None], logs.exp(), 0.0)
        truth = (labels == torch.arange(logs.shape[-1], device=logs.device)) & counted[..., None]
        overlap = torch.where(truth, found, 0.0).sum(dim=(1, 2))  # (B, C)
        sums = found.sum(dim=(1, 2)) + truth.float().sum(dim=(1, 2))
        return (1 - (2 * overlap + 1) / (sums + 1)).mean(dim=-1).sum()
