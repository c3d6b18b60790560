"""The loss of classification; the reference, with its definition in words, is `trizoo.families.classification`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.terms import by_class
from trizoo.families.classification.spec import ClassificationLoss as ClassificationSection
from trizoo.families.classification.spec import ClassificationSpec


class ClassificationLoss:
    """Outputs and targets -> {"loss", "cross_entropy"}: scalars.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: ClassificationSpec, options: ClassificationSection) -> None:
        self.spec = spec
        self.options = options

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: logits (B, C) alone
            targets: tensors of `trizoo.families.classification.targets`
            size: input (width, height)
        """
        options = self.options
        logs = F.log_softmax(heads[0].float(), dim=-1)
        classes = torch.arange(logs.shape[-1], device=logs.device)
        shares = by_class(targets["shares"], classes, options.class_weights)
        right, whole = -(shares * logs).sum(dim=-1), shares.sum(dim=-1)  # (B,) each
        smoothing = options.label_smoothing
        losses = (1 - smoothing) * right - smoothing * whole * logs.mean(dim=-1)
        cross_entropy = losses.sum() / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
