"""What a search for images and masks finds, before any pixel is read: all that a format has to give."""

from dataclasses import dataclass
from pathlib import Path

from trizoo.data.masks.dataset import MaskSet
from trizoo.data.masks.pair import Pair
from trizoo.data.reading import Problem
from trizoo.ground.text import first_few


@dataclass(frozen=True)
class Listing:
    """A data set with masks, as a format's finder found it.

    Args:
        layout: the format's name
        pairs: id -> Pair
        splits: name -> ids, each in `pairs`
        classes: names that the annotations bring along, or None
        unpaired: a Problem for each file without its other half
        problems: what else is left out
        notes: for a log
    """

    root: Path
    layout: str
    pairs: dict[str, Pair]
    splits: dict[str, list[str]]
    classes: tuple[str, ...] | None = None
    unpaired: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def open(self, split=None, classes=None, *, mask_map=None, palette=None, ignore_colours=()):
        """The `MaskSet` of a split, None for every image that has a mask."""
        return MaskSet(self, split, classes, mask_map=mask_map, palette=palette, ignore_colours=ignore_colours)


def examples(unpaired):
    """The names of the first files that have no other half."""
    names = [problem.file.name for problem in unpaired]
    return f"there are {first_few(names)}"
