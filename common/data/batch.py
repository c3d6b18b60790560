"""Batches: which images each step gets, and the arrays that go to the device."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np


class Batch(NamedTuple):
    """One step's input. A named tuple, so that every framework's loader passes it through.

    images: uint8 (B, H, W, 3); targets: {name: array}, see common/targets; ids: the images' names; step: which step
    """

    images: Any
    targets: dict[str, Any]
    ids: list[str]
    step: int


@dataclass(frozen=True)
class BatchPlan:
    """What a step's batch is made of.

    indices: which images; positions: their places in the epoch's order, which with the run's seed and the epoch seed
    the augmentation of each
    """

    step: int
    epoch: int
    indices: tuple[int, ...]
    positions: tuple[int, ...]


@lru_cache(maxsize=2)  # asked for at every step
def epoch_order(count, seed, epoch):
    """The order of `count` images in an epoch: a permutation that depends on (seed, epoch) alone, int64 (count,).

    The array is shared and can't be written to.
    """
    # the spawn key keeps the stream apart from (seed, epoch, 0), with which the first image is augmented
    order = np.random.default_rng(np.random.SeedSequence((seed, epoch), spawn_key=(1,))).permutation(count)
    order.flags.writeable = False
    return order


def batch_plan(step, epoch, offset, batch_size, count, seed):
    """The plan of the batch that begins at place `offset` of an epoch's order.

    Images left over when `count` isn't a multiple wait for another epoch's order; where there are fewer images than
    one batch needs, the order is repeated until it is full, and each repetition is augmented on its own.
    """
    positions = range(offset, offset + batch_size)
    order = epoch_order(count, seed, epoch)
    return BatchPlan(step, epoch, tuple(int(order[p % count]) for p in positions), tuple(positions))
