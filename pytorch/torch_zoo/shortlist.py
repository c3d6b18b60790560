"""The rows of outputs that decoding can need, taken on the device; see `trizoo.families.base.shortlist`."""

import torch

from trizoo.families import ModelSpec
from trizoo.families.base.shortlist import Ranking


class Ops:
    """What a family's promises are computed with."""

    @staticmethod
    def flat(x: torch.Tensor) -> torch.Tensor:
        """One row after the other: (B, ..., K) -> (B, N, K)."""
        return x.flatten(1, -2)

    @staticmethod
    def join(parts: list[torch.Tensor]) -> torch.Tensor:
        """Rows of several: (B, N, K) each -> (B, sum of N, K)."""
        return torch.cat(parts, 1)

    @staticmethod
    def greatest(x: torch.Tensor) -> torch.Tensor:
        """The greatest of each row: (..., K) -> (...)."""
        return x.amax(-1)

    @staticmethod
    def sigmoid(x: torch.Tensor) -> torch.Tensor:
        """Element by element."""
        return x.sigmoid()

    @staticmethod
    def softmax(x: torch.Tensor) -> torch.Tensor:
        """Over the last axis."""
        return x.softmax(-1)

    @staticmethod
    def of_finite(promises: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Promises (B, N), -inf where a row of x, (B, N, K), isn't finite throughout."""
        return promises.masked_fill(~x.isfinite().all(-1), -torch.inf)


def take_rows(spec: ModelSpec, ranking: Ranking, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """Rows, promises, below and values of a Shortlist, as tensors: of each group the first, earlier equal ones first.

    Args:
        outputs: the network's, float32
    """
    values, promises = spec.promises(Ops, outputs)
    rows, below, first = [], [], 0
    for group, taken in zip(promises.split(ranking.groups, 1), ranking.taken, strict=True):
        ordered, places = group.sort(dim=1, descending=True, stable=True)  # not topk, which mixes equal ones
        rows.append(places[:, :taken] + first)
        last = ordered[:, taken - 1 : taken]
        below.append(group.masked_fill(group >= last, -torch.inf).amax(1))
        first += group.shape[1]
    rows = torch.cat(rows, 1)
    taken = [output.take_along_dim(rows[..., None], 1) for output in values]
    return [rows, promises.gather(1, rows), torch.stack(below, 1), *taken]
