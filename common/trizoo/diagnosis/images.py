"""The images of a run as training finds them now, counted once for all that is looked for in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trizoo.data.images import in_threads
from trizoo.data.members import byte_size
from trizoo.data.statistics import evenly
from trizoo.diagnosis.limits import CHECK_BYTES, SAMPLE
from trizoo.recipes.schema import Recipe
from trizoo.training.anchor_fit import placed
from trizoo.training.data import open_data

WARNING = "warning: "


@dataclass(frozen=True)
class Part:
    """The images that are trained on, or those that validation is on.

    Args:
        name: of the split
        records: of all of them
        objects: int64 (C,), objects of each class; None of masks
        holders: int64 (C,), images that hold each class; of many masks, of `looked_at` of them
        looked_at: how many images `holders` is of
    """

    name: str
    records: Sequence[Any]
    objects: np.ndarray | None
    holders: np.ndarray
    looked_at: int

    def __len__(self):
        return len(self.records)

    def sides(self, recipe):
        """Sizes of boxes on the network's input: square roots of areas and classes, float64 (N,), int64 (N,)."""
        sides, labels = [np.zeros(0)], [np.zeros(0, np.int64)]
        for record in self.records:
            boxes = placed(record, recipe).boxes
            sides.append(np.sqrt((boxes[:, 2:] - boxes[:, :2]).astype(np.float64).prod(axis=1)))
            labels.append(record.labels[~record.crowd] if len(record.crowd) else record.labels)
        return np.concatenate(sides), np.concatenate(labels)


@dataclass(frozen=True)
class Images:
    """A run's images.

    Args:
        recipe: with the data set's place and classes
        training, validation: `Part`s
        tested: the records of the final metrics, and their split's name
        problems: what was put right or left out of them
        notes: what training would warn of
    """

    recipe: Recipe
    training: Part
    validation: Part
    tested: tuple[Sequence[Any], str]
    problems: Sequence[Any]
    notes: tuple[str, ...]

    @property
    def has_masks(self):
        """Whether there are classes of pixels and no boxes."""
        return self.training.objects is None

    @cached_property
    def are_few(self):
        """Whether they are few enough to be decoded for the data check."""
        total = 0
        for record in (*self.training.records, *self.validation.records):
            total += byte_size(record.image)
            if total > CHECK_BYTES:
                return False
        return True


def open_images(history):
    """The `Images` of a `History` whose data set is there. Raises UserError as training does."""
    recipe, notes = history.recipe, []
    recipe, sources = open_data(recipe.model_copy(update={"data": history.found_data}), notes.append, resumed=True)
    source, places = sources.unseen
    training = _part("train", sources.training, sources.members)
    if places:
        validation = _part(sources.validation.split, source, list(places))
    else:  # of classes that aren't those to train on, so there is nothing to say of these
        records = list(sources.validation.records)
        validation = Part(sources.validation.split, records, np.zeros_like(training.objects), training.holders, 0)
    return Images(
        recipe,
        training,
        validation,
        (sources.test.records, sources.test.split),
        sources.training.problems,
        tuple(note.removeprefix(WARNING) for note in notes if note.startswith(WARNING)),
    )


def _part(name, source, places):
    number, records = len(source.classes), [source.records[place] for place in places]
    if not source.labels_are_read:
        labels = [record.labels if record.label is None else [record.label] for record in records]
        objects = np.bincount(np.concatenate([np.zeros(0, np.int64), *labels]), minlength=number)
        return Part(name, records, objects, _holders(map(np.unique, labels), number), len(records))
    chosen = [places[place] for place in evenly(len(places), SAMPLE)]
    holders = _holders(map(list, in_threads(source.labels_in, chosen)), number)
    return Part(name, records, None, holders, len(chosen))


def _holders(label_sets, number):
    holders = np.zeros(number, np.int64)
    for labels in label_sets:
        holders[labels] += 1
    return holders
