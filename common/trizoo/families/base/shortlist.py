"""The rows of a network's outputs that NMS can get to see, chosen where the outputs are: a GPU sends these alone.

A framework's `shortlist.py` ranks rows by what a family's Spec says of them and takes the first of each group, a few
more than decoding lets through. The host decodes these with the very code that it decodes whole outputs with, once it
has seen that no other row could have come through; where it can't be sure, it fetches the whole outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDING = 1e-4  # relative: more than a score computed on any device is off
SPARE = 1.25  # rows taken for each one that is needed, so that rounding seldom leaves a doubt


@dataclass(frozen=True)
class Ranking:
    """How a family's decoding chooses among the N rows of an image.

    A row's promise says how high its best score is. Groups follow one another, each has a contest of its own.

    Args:
        groups: number of rows of each group; N is their sum
        most: rows taken of a group
        needed: rows of a group after which no other comes through, the earlier of equal ones first; None where only a
            score below the threshold keeps a row out
        score: promises -> scores, in NumPy; it never falls
        exact: whether rows of equal promises have equal scores to the last bit
    """

    groups: tuple[int, ...]
    most: int
    needed: int | None
    score: Callable[[np.ndarray], np.ndarray] = np.asarray
    exact: bool = False

    @property
    def taken(self):
        """Number of rows taken of each group."""
        return [min(length, self.most) for length in self.groups]

    def suffices(self, promises, below, least):
        """Whether decoding finds the same in the rows taken of an image as in all.

        Args:
            promises: (k,), of the rows taken, a group's highest first; -inf: no candidate
            below: (groups,), of each group the highest promise under the last one taken
            least: the score of a candidate
        """
        parts = np.split(promises, np.cumsum(self.taken)[:-1])
        return all(
            len(part) == length or self._leaves_nothing(part, under, least)
            for part, under, length in zip(parts, below, self.groups, strict=True)
        )

    def _leaves_nothing(self, promises, below, least):
        """The same of a group of which not all rows were taken."""
        last = promises[-1]
        if last == -np.inf:
            return True
        end = -np.inf if self.needed is None else promises[self.needed - 1]
        if self._is_lower(last, max(least, self.score(end))):
            return True
        if not self.exact or last != end:
            return False
        # the others of just this promise come later; those of other promises mustn't be taken for equal ones
        above = promises[promises > last]
        return self._is_lower(below, max(least, self.score(last))) and (
            len(above) == 0 or self._is_lower(last, self.score(above[-1]))
        )

    def _is_lower(self, promise, score):
        return self.score(promise) * (1 + ROUNDING) < score


@dataclass(frozen=True)
class Shortlist:
    """The outputs of a batch, in the rows taken alone.

    Args:
        rows: integers (B, k), in the order of promises
        promises, below: (B, k) and (B, groups), see `Ranking.suffices`
        values: of each output, flattened, the rows taken: (B, k, ...)
        whole: gives the whole outputs, as a predictor does
    """

    rows: np.ndarray
    promises: np.ndarray
    below: np.ndarray
    values: list[np.ndarray]
    whole: Callable[[], list[np.ndarray]]


def decode_shortlist(spec, shortlist, placements, size, **options):
    """As `spec.decode` of the whole outputs.

    Args:
        shortlist: a Shortlist of outputs at an input size (width, height)
        placements, options: as of `spec.decode`
    """
    ranking, grid = spec.ranking(size), spec.grid(size)
    whole, results = None, []
    for number, placement in enumerate(placements):
        if ranking.suffices(shortlist.promises[number], shortlist.below[number], options["score"]):
            order = np.argsort(shortlist.rows[number])
            rows = shortlist.rows[number][order]
            values = [output[number][order][None] for output in shortlist.values]
            part = type(grid)(**{name: array[rows] for name, array in vars(grid).items()})
            results += spec.decode_rows(values, part, [placement], **options)
        else:
            whole = whole or shortlist.whole()
            alone = [output[number : number + 1] for output in whole]
            results += spec.decode(alone, [placement], size, **options)
    return results
