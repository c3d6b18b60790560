"""The images of a run: what to train on, and where its metrics come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trizoo.data.advice import on_few_images
from trizoo.data.finding import named_place
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.tasks import task_of
from trizoo.tasks.base import EvaluationSet

SYNTHETIC_IMAGES = 400
SYNTHETIC_SIZE = (256, 256)


@dataclass(frozen=True)
class Sources:
    """The images of a run: what to train on, and where its metrics come from.

    Args:
        training: the data set of the split to train on
        members: indices of its images that are trained on
        validation: an evaluation set for metrics during the run
        test: one for the final metrics
    """

    training: Any
    members: list[int]
    validation: EvaluationSet
    test: EvaluationSet


def open_data(recipe, say, pretrained=False, resumed=False):
    """The recipe's data -> the recipe with its classes and root filled in, and `Sources`.

    Without a root the zoo's synthetic data are made, or found, in ./data. `say` gets a line for each thing worth
    knowing.

    Args:
        pretrained: whether training begins with weights
        resumed: whether it has begun before
    """
    advised = recipe.data.root is not None and not recipe.data.overfit and not resumed
    root = recipe.data.root
    if root is None:
        width, height = SYNTHETIC_SIZE
        root = synthesize(Path("data") / f"synthetic-{width}x{height}", images=SYNTHETIC_IMAGES, size=SYNTHETIC_SIZE)
        say(f"data: no --data given, so {SYNTHETIC_IMAGES} images of synthetic data in {root}")
    recipe = recipe.model_copy(update={"data": _absolute(recipe.data, root)})
    task = task_of(recipe.model.name)
    listing = task.find(recipe.data)
    train = training_split(recipe.data, listing.splits)
    training = task.open(listing, recipe.data, train, recipe.classes)
    recipe = recipe.model_copy(update={"classes": training.classes})
    say(f"data: {training.root}, {len(training)} images to train on ({train}), classes: {_shorten(training.classes)}")
    advice = on_few_images(len(training), pretrained) if advised else None
    for note in [*training.notes, *([advice] if advice else [])]:
        say(f"data: {note}")
    if training.problems:
        count, first = len(training.problems), training.problems[0]
        say(
            f"warning: {count} {'thing' if count == 1 else 'things'} in the data put right or left out, such as "
            f"{first.kind} in {first.file}; trizoo data check {root} lists all"
        )
    members = list(range(min(recipe.data.overfit or len(training), len(training))))
    test = final_set(recipe, listing=listing)
    validation = test
    if not recipe.data.overfit:
        split = choose_split(recipe.data.validation, ("val", "test"), listing.splits) or train
        validation = test if split == test.split else task.evaluation_set(listing, recipe.data, split, recipe.classes)
        shared = {record.id for record in training.records} & {record.id for record in validation.records}
        if shared:
            say(
                f"warning: {len(shared)} of the {len(validation.records)} validation images ({split}) are trained on, "
                f"so the metrics flatter; --set data.validation=SPLIT would choose others"
            )
    say(f"data: validation on {len(validation.records)} images ({validation.split}), final metrics on {test.split}")
    return recipe, Sources(training, members, validation, test)


def _absolute(data, root):
    """The data section with whole paths, so that another folder to work in changes nothing. Raises UserError."""
    places = {name: named_place(root, getattr(data, name), name) for name in ("images", "annotations")}
    found = {name: str(path.absolute()) for name, path in {"root": Path(root), **places}.items() if path}
    return data.model_copy(update=found)


def choose_split(wanted, usual, there):
    """The split asked for, or the first of the usual ones that has images, or None.

    Args:
        there: {split: ids}
    """
    return wanted or next((name for name in usual if there.get(name)), None)


def training_split(data, there):
    """The split to train on. Raises UserError where lists exist but none of them is meant for training."""
    split = choose_split(data.train, ("train", "trainval"), there)
    if split is None:
        raise UserError(
            f"{data.root} has the splits {', '.join(sorted(there))} and none called train or trainval; "
            f"--set data.train=SPLIT chooses one"
        )
    return split


def final_set(recipe, split=None, listing=None):
    """The task's evaluation set of a recipe's final metrics: this split, or the one that the run ended with.

    That is the recipe's test split, else test, its validation split, val, or what it was trained on; for a run with
    `overfit` the very images it was trained on.

    Args:
        listing: what the task found in the data, None to look now
    """
    data, task = recipe.data, task_of(recipe.model.name)
    listing = listing or task.find(data)
    if data.overfit and split is None:
        return task.evaluation_set(listing, data, training_split(data, listing.splits), recipe.classes).first(
            data.overfit
        )
    usual = (data.test, "test", data.validation, "val")
    chosen = choose_split(split, usual, listing.splits) or training_split(data, listing.splits)
    return task.evaluation_set(listing, data, chosen, recipe.classes)


def _shorten(names, limit=12):
    text = ", ".join(names[:limit])
    return f"{text} … ({len(names)})" if len(names) > limit else text
