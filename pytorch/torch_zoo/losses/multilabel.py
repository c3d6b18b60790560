"""The loss of multi-label classification; the reference, with its definition in words: `trizoo.families.multilabel`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.terms import by_class
from trizoo.families.multilabel.spec import MultilabelLoss as MultilabelSection
from trizoo.families.multilabel.spec import MultilabelSpec


class MultilabelLoss:
    """Outputs and targets -> {"loss", "cross_entropy"}: scalars.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: MultilabelSpec, options: MultilabelSection) -> None:
        self.spec = spec
        self.options = options

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: logits (B, C) alone
            targets: tensors of `trizoo.families.multilabel.targets`
            size: input (width, height)
        """
        options, logits = self.options, heads[0].float()
        truth = (1 - options.label_smoothing) * targets["shares"] + options.label_smoothing / 2
        entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        classes = torch.arange(logits.shape[-1], device=logits.device)
        cross_entropy = by_class(entropy, classes, options.class_weights).sum() / targets["normaliser"]
        return {"loss": cross_entropy, "cross_entropy": cross_entropy}
