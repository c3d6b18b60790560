"""In which order images come, epoch by epoch."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trizoo.data.images import in_threads
from trizoo.data.repeats import image_repeats
from trizoo.ground.errors import UserError


def order_of(source, places, data):
    """`Repeats` or `Groups` of some of a data set's images, as a recipe asks for; None: every image once an epoch.

    Args:
        source: see `trizoo.training.data.Sources.training`
        data: the recipe's section

    Raises:
        UserError: for groups of images that have several classes, or none
    """
    if not data.per_class:
        factors = image_repeats(source, places, data.rare_below)
        return None if factors is None else Repeats(factors)
    labels = in_threads(source.labels_in, places)
    for place, held in zip(places, labels, strict=True):
        if len(held) != 1:
            raise UserError(
                f"data.per_class is {data.per_class}, and {source.records[place].id} is of {len(held)} classes; it is "
                f"for images of one class each, so leave it out"
            )
    return Groups(np.array([label for (label,) in labels], np.int64), data.per_class)


def check_groups(recipe):
    """UserError where a recipe's batches, or their parts, don't hold whole groups of `data.per_class` images."""
    size, schedule = recipe.data.per_class, recipe.schedule
    if size == 1 and getattr(recipe.loss, "by_pairs", False):
        raise UserError(
            f"data.per_class is 1, and loss.name={recipe.loss.name} compares images of a class with one another; 2 or "
            f"more would do, 4 is usual"
        )
    for key, batch in (("schedule", schedule.batch_size), ("freeze", recipe.freeze.batch_size)):
        if size and batch and (batch % schedule.accumulate or batch // schedule.accumulate % size):
            parts = f" in {schedule.accumulate} parts" if schedule.accumulate > 1 else ""
            raise UserError(
                f"{key}.batch_size is {batch}{parts}, which data.per_class={size} images of a class don't fill; a "
                f"multiple of {size * schedule.accumulate} would do"
            )


@dataclass(frozen=True, eq=False)
class Repeats:
    """How often each image comes: `factors` of `trizoo.data.repeats`, float64 (count,). Equal to itself alone."""

    factors: np.ndarray

    def order(self, rng):
        """An epoch's order: int64 (count,), of a permutation of more images, each as often as its factor says.

        The factor's fraction is the chance of once more.
        """
        count = len(self.factors)
        times = np.floor(self.factors + rng.random(count)).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(count), times))[:count]


@dataclass(frozen=True, eq=False)
class Groups:
    """Images come in groups of one class, so that a batch has several of each of its classes. Equal to itself alone.

    Args:
        labels: int64 (count,), a class id an image
        size: images in a group; one that a class can't fill has some of its images again
    """

    labels: np.ndarray
    size: int

    def order(self, rng):
        """An epoch's order: int64 (count,), of groups whose classes are spread evenly over the epoch."""
        groups, places = [], []
        for label in np.unique(self.labels):
            members = rng.permutation(np.flatnonzero(self.labels == label))
            missing = -len(members) % self.size
            rows = np.concatenate([members, np.resize(members, missing)]).reshape(-1, self.size)
            groups.append(rows)
            places.append((np.arange(len(rows)) + rng.random(len(rows))) / len(rows))
        order = np.argsort(np.concatenate(places), kind="stable")
        return np.concatenate(groups)[order].ravel()[: len(self.labels)]


@lru_cache(maxsize=2)  # asked for at every step
def epoch_order(count, seed, epoch, repeats=None):
    """The order of `count` images in an epoch: a permutation that depends on (seed, epoch) alone, int64 (count,).

    The array is shared and can't be written to.

    Args:
        repeats: `Repeats` or `Groups`, whose `order` it then is
    """
    # the spawn key keeps the stream apart from (seed, epoch, 0), with which the first image is augmented
    rng = np.random.default_rng(np.random.SeedSequence((seed, epoch), spawn_key=(1,)))
    order = rng.permutation(count) if repeats is None else repeats.order(rng)
    order.flags.writeable = False
    return order
