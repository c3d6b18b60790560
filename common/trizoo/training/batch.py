"""Batches: which images each step gets, and the arrays that go to the device."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from trizoo.ground.errors import UserError
from trizoo.training.order import epoch_order


class Batch(NamedTuple):
    """One step's input. A named tuple, so that every framework's loader passes it through.

    Args:
        images: uint8 (B, H, W, 3)
        targets: {name: array}, see `ModelSpec.targets`
        ids: the images' names
        step: which step
    """

    images: Any
    targets: dict[str, Any]
    ids: list[str]
    step: int


@dataclass(frozen=True)
class BatchPlan:
    """What a step's batch is made of.

    Args:
        indices: which images
        positions: their places in the epoch's order, which with the run's seed and the epoch seed the augmentation of
            each
        progress: share of the run that is over, from 0 to below 1
        size: (width, height) of the batch's images, None = the recipe's input size
    """

    step: int
    epoch: int
    indices: tuple[int, ...]
    positions: tuple[int, ...]
    progress: float = 0.0
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class InputSizes:
    """The input size of each step: a factor from U(low, high), times `size`, or one of `sizes`; for `every` steps.

    It depends on (seed, step // every) alone.

    Args:
        size: (width, height) at factor 1; other factors' sides are rounded to a multiple of `multiple`, and at least
            that
        sizes: (shorter side, longer side) each, turned as `size` is
    """

    size: tuple[int, int]
    multiple: int
    seed: int
    low: float = 1.0
    high: float = 1.0
    every: int = 1
    sizes: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, recipe, architecture):
        """Those of a recipe's run of a model. Raises UserError for changing sizes where it takes one alone."""
        scale = recipe.multi_scale
        if architecture.only_size and scale.changes:
            raise UserError(
                f"multi_scale is {scale}, and {recipe.model.name} takes one size alone; low and high of 1, and no "
                f"sizes, would do"
            )
        return cls(recipe.input_size, architecture.size_multiple, recipe.seed, **scale.model_dump())

    @property
    def listed(self):
        """(width, height) of each of `sizes`."""
        width, height = self.size
        return [size[::-1] if width >= height else size for size in self.sizes]

    @property
    def smallest(self):
        """(width, height) that no step's has fewer pixels than."""
        return min(self.listed, key=math.prod) if self.sizes else self._scaled(self.low)

    @property
    def largest(self):
        """(width, height) that no step's has more pixels than."""
        return max(self.listed, key=math.prod) if self.sizes else self._scaled(self.high)

    def at(self, step):
        """(width, height) of a step's images."""
        # the spawn key keeps the stream apart from the order's, (seed, epoch), and from the images', (seed, epoch, i)
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, step // self.every), spawn_key=(2,)))
        if self.sizes:
            return self.listed[rng.integers(len(self.sizes))]
        return self._scaled(rng.uniform(self.low, self.high))

    def _scaled(self, factor):
        if factor == 1:
            return self.size
        return tuple(max(1, round(side * factor / self.multiple)) * self.multiple for side in self.size)


def batch_plan(step, epoch, offset, batch_size, count, seed, progress=0.0, size=None, repeats=None):
    """The plan of the batch that begins at place `offset` of an epoch's order.

    Images left over when `count` isn't a multiple wait for another epoch's order; where there are fewer images than one
    batch needs, the order is repeated until it is full, and each repetition is augmented on its own.

    Args:
        progress, size: see `BatchPlan`
        repeats: see `epoch_order`
    """
    positions = range(offset, offset + batch_size)
    order = epoch_order(count, seed, epoch, repeats)
    indices = tuple(int(order[p % count]) for p in positions)
    return BatchPlan(step, epoch, indices, tuple(positions), progress, size)
