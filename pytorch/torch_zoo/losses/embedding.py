"""The losses of embeddings; the reference, with definitions in words, is `trizoo.families.embedding.reference`."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, its usual name

from torch_zoo.processes import gathered
from trizoo.families.embedding.spec import LEAST_SQUARE, EmbeddingSpec
from trizoo.families.embedding.spec import EmbeddingLoss as EmbeddingSection

FAR = 1e9  # beyond every value of a pair


class EmbeddingLoss:
    """Outputs and targets -> {"loss", "embedding"}: scalars.

    Args:
        options: the recipe's loss section
    """

    def __init__(self, spec: EmbeddingSpec, options: EmbeddingSection) -> None:
        self.spec = spec
        self.margin, self.scale = options.margin_and_scale
        self.of_images = {"arcface": self._arcface, "triplet": self._triplet, "circle": self._circle}[options.name]

    def __call__(
        self, heads: Sequence[Tensor], targets: Mapping[str, Tensor], size: tuple[int, int]
    ) -> dict[str, Tensor]:
        """The terms of a batch.

        Args:
            heads: vectors (B, D) of length 1, their cosines with the classes' centres (B, C)
            targets: tensors of `trizoo.families.embedding.targets`
            size: input (width, height)
        """
        vectors, cosines = heads
        with torch.autocast(vectors.device.type, enabled=False):
            losses = self.of_images(vectors.float(), cosines.float(), targets["classes"].long())
        unused = 0 * (vectors.sum() + cosines.sum())  # so that parameters have a gradient that a loss doesn't go by
        embedding = losses.sum() / targets["normaliser"] + unused
        return {"loss": embedding, "embedding": embedding}

    def _arcface(self, vectors: Tensor, cosines: Tensor, classes: Tensor) -> Tensor:
        """The loss of each image: (B, D), (B, C), (B,) -> (B,)."""
        right = cosines.gather(-1, classes[:, None])
        sine = (1 - right**2).clamp(min=LEAST_SQUARE).sqrt()
        turned = right * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = right - self.margin * math.sin(self.margin)
        moved = torch.where(right > -math.cos(self.margin), turned, beyond)
        chosen = F.one_hot(classes, cosines.shape[-1]).bool()
        logs = F.log_softmax(self.scale * torch.where(chosen, moved, cosines), dim=-1)
        return -logs.gather(-1, classes[:, None])[:, 0]

    def _triplet(self, vectors: Tensor, cosines: Tensor, classes: Tensor) -> Tensor:
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = (vectors @ everyone.T).detach()
        farthest = _distance(vectors, everyone[torch.where(same, pairs, FAR).argmin(dim=-1)])
        nearest = _distance(vectors, everyone[torch.where(other, pairs, -FAR).argmax(dim=-1)])
        return torch.where(paired, F.relu(farthest - nearest + self.margin), 0.0)

    def _circle(self, vectors: Tensor, cosines: Tensor, classes: Tensor) -> Tensor:
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = vectors @ everyone.T
        of_same = -self.scale * (1 + self.margin - pairs.detach()).clamp(min=0)
        of_other = self.scale * (pairs.detach() + self.margin).clamp(min=0)
        near = torch.where(same, of_same * (pairs - 1 + self.margin), -FAR).logsumexp(dim=-1)
        far = torch.where(other, of_other * (pairs - self.margin), -FAR).logsumexp(dim=-1)
        return torch.where(paired, F.softplus(torch.where(paired, near + far, 0.0)), 0.0)


def _distance(vectors: Tensor, others: Tensor) -> Tensor:
    """(B, D), (B, D) -> (B,), of differences: 2 - 2 cosines would lose the digits of near vectors."""
    return ((vectors - others) ** 2).sum(dim=-1).clamp(min=LEAST_SQUARE).sqrt()


def _pairs(vectors: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Vectors of all devices; pairs with them of one class and of two, and images that have both.

    (B, D), (B,) -> (N, D), bool (B, N), (B, N), (B,).
    """
    (everyone, first), (labels, _) = gathered(vectors), gathered(classes)
    places = torch.arange(len(labels), device=classes.device)
    alike = classes[:, None] == labels
    same = alike & (places[: len(classes), None] + first != places)
    return everyone, same, ~alike, same.any(dim=-1) & (~alike).any(dim=-1)
