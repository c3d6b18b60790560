"""The loss of key points; the reference, with its definition in words, is `trizoo.families.keypoints.reference`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.losses.ssd import hard_negatives
from torch_zoo.losses.terms import by_class
from trizoo.families.keypoints.spec import KeypointLoss as KeypointSection
from trizoo.families.keypoints.spec import KeypointSpec


class KeypointLoss:
    """Outputs and targets -> {"loss", "offset", "class"}: scalars, each term with its gain applied.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: KeypointSpec, options: KeypointSection) -> None:
        self.spec = spec
        self.options = options

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: the map alone, (B, rows, columns, 3 + C)
            targets: tensors of `trizoo.families.keypoints.targets.assign`
            size: input (width, height)
        """
        options, matches = self.options, targets["matches"]
        rows = heads[0].float().flatten(1, 2)  # (B, rows, columns, 3 + C) -> (B, N, 3 + C)
        positive = matches >= 0
        errors = torch.where(positive[..., None], rows[..., :2] - targets["offsets"], 0.0)
        classes = (1 + matches).long()  # NEGATIVE is the background, the first
        entropy = F.cross_entropy(rows[..., 2:].flatten(0, 1), classes.flatten(), reduction="none").view_as(classes)
        losses = by_class(entropy, matches, options.class_weights)
        if options.negatives is not None:
            counted = positive | hard_negatives(entropy.detach(), matches, options.negatives)
            losses = torch.where(counted, losses, 0.0)

        terms = {
            "offset": errors.square().sum() / 2 * options.offset_gain / targets["num_positives"],
            "class": losses.sum() * options.class_gain / targets["num_positives"],
        }
        return {"loss": sum(terms.values()), **terms}
