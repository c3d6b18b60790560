"""Dropout that is the same in every framework."""

import torch
from torch import Tensor, nn

from torch_zoo.processes import gathered
from trizoo.families.classification.dropout import PRIME, kept, weighed


class Dropout(nn.Module):
    """In training a share of each image's values becomes 0, the others grow by what is lost: (B, C, 1, 1) -> the same.

    Args:
        share: in [0, 1)
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor, images: Tensor) -> Tensor:
        if not (self.training and self.share):
            return x
        keep = kept_of(images, x.shape[1], self.share)
        return x * (keep.to(x.dtype) / (1 - self.share))[:, :, None, None]


def kept_of(images: Tensor, channels: int, share: float) -> Tensor:
    """See `trizoo.families.classification.dropout.kept`: uint8 (B, H, W, 3) -> bool (B, channels).

    Of images that devices share each has those that it has in the whole batch.
    """
    rows = images.sum(dim=(2, 3), dtype=torch.int64) % PRIME  # (B, H)
    sums = rows.sum(dim=1, keepdim=True) % PRIME  # (B, 1)
    everyones, first = gathered(sums)
    places = torch.arange(everyones.shape[0], device=images.device)[:, None]
    numbers = torch.arange(channels, device=images.device)[None]
    whole = weighed(everyones, places).sum() % PRIME
    return kept(sums, whole, places[: images.shape[0]] + first, numbers, share)
