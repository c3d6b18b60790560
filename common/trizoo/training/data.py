"""The images of a run: what to train on, and where its metrics come from."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trizoo.data.advice import none_to_train_on, on_few_images
from trizoo.data.finding import is_there, named_place
from trizoo.data.reading import LEFT_OUT
from trizoo.data.splits import split_by_hash
from trizoo.data.stratify import choose_images
from trizoo.data.synthetic import KINDS, synthesize
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, quoted
from trizoo.tasks import task_of
from trizoo.tasks.base import EvaluationSet


@dataclass(frozen=True)
class Sources:
    """The images of a run: what to train on, and where its metrics come from.

    Args:
        training: the data set of the split to train on
        members: indices of its images that are trained on
        validation: an evaluation set for metrics during the run
        test: one for the final metrics
        unseen: a data set as `training` is, and the indices of its images that validation is on
    """

    training: Any
    members: list[int]
    validation: EvaluationSet
    test: EvaluationSet
    unseen: tuple[Any, Any]

    @property
    def sizes(self):
        """(width, height) of each image that is trained on."""
        return [self.training.records[member].size for member in self.members]


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
        given = [name for name in ("layout", "images", "annotations") if getattr(recipe.data, name) is not None]
        if given:
            raise UserError(f"data.{given[0]} says how the files of a data set lie; give --data ROOT (data.root) too")
        drawn = task_of(recipe.model.name).synthetic
        kind = drawn.get("kind", "shapes")
        (width, height), name = drawn.get("size") or KINDS[kind].size, "synthetic" if kind == "shapes" else kind
        root = synthesize(Path("data") / f"{name}-{width}x{height}", **drawn)
        say(f"data: no --data given, so {drawn['images']} images of synthetic data in {root}")
    else:
        check_root(root)
    recipe = recipe.model_copy(update={"data": _absolute(recipe.data, root)})
    task = task_of(recipe.model.name)
    listing = task.find(recipe.data)
    train = training_split(recipe.data, listing.splits)
    training = task.open(listing, recipe.data, train, recipe.classes)
    recipe = recipe.model_copy(update={"classes": training.classes})
    images = counted(len(training), "image")
    say(f"data: {training.root}, {images} to train on ({train}), classes: {_shorten(training.classes)}")
    advice = on_few_images(len(training), pretrained) if advised else None
    for note in [*training.notes, *([advice] if advice else [])]:
        say(note if note.startswith("warning: ") else f"data: {note}")
    tell_problems(training.problems, "training data", recipe.data, say)
    members = list(range(min(recipe.data.overfit or len(training), len(training))))
    test = final_set(recipe, listing=listing)
    validation, unseen = test, (training, members)
    if holds_back(recipe.data, listing.splits, len(training)):
        kept = set(_held_back(training.records))
        members = [place for place in members if place not in kept]
        unseen = (training, sorted(kept))
        validation = test if test.split == _held_back_of(train) else held_back_set(recipe, listing)
        say(
            f"data: no split is for validation, so a fifth of {train} ({len(kept)} images, always the same) is held "
            f"back to choose the best epoch; --set data.validation=SPLIT takes another"
        )
    elif not recipe.data.overfit:
        split = choose_split(recipe.data.validation, ("val",), listing.splits) or train
        validation = test if split == test.split else task.evaluation_set(listing, recipe, split)
        source = training
        if task.has_validation_loss and split != train:
            source = task.open(listing, recipe.data, split, recipe.classes)
        unseen = (source, range(len(source)))
        shared = {record.id for record in training.records} & {record.id for record in validation.records}
        if shared:
            say(
                f"warning: {len(shared)} of the {len(validation.records)} validation images ({split}) are trained on, "
                f"so the metrics flatter; --set data.validation=SPLIT would choose others"
            )
    if not task.has_validation_loss:
        unseen = (training, ())
    if recipe.data.limit:
        whole, members = len(members), choose_images(training, members, recipe.data.limit, recipe.seed)
        say(
            f"data: trained on {len(members)} of these {whole} images, chosen so that classes are balanced (data.limit)"
        )
    told = set(training.problems)
    for used in (validation, test):
        new = [problem for problem in used.problems if problem not in told]
        tell_problems(new, f"images of {used.split}", recipe.data, say)
        told.update(new)
    images = counted(len(validation.records), "image")
    say(f"data: validation on {images} ({validation.split}), final metrics on {test.split}")
    return recipe, Sources(training, members, validation, test, unseen)


def check_root(root):
    """UserError where the data set is not there.

    Args:
        root: None for the zoo's synthetic data
    """
    if root is not None and not is_there(root):
        raise UserError(f"data set {root} does not exist")


def moved(data, root):
    """The data section of a data set that lies elsewhere now, with those of its places that are there.

    Images and annotations that lay below the old root are looked for below the new one.
    """
    places = {}
    for name in ("images", "annotations"):
        place = getattr(data, name)
        if place is not None and data.root is not None and Path(place).is_relative_to(data.root):
            place = str(Path(place).relative_to(data.root))
        places[name] = place if place is not None and Path(root, place).exists() else None
    return data.model_copy(update={"root": str(root), **places})


def as_typed(data, root=None):
    """A data section as a command line takes it: the data set, and the flags by which its files are read.

    Args:
        root: where the data set lies, None for where the section says
    """
    flags = {"layout": data.layout, "images": data.images, "annotations": data.annotations}
    flags["mask-map"] = ",".join(f"{value}={label}" for value, label in data.mask_map)
    if data.palette:
        ignored = [f"{bytes(colour).hex()}=255" for colour in data.ignore_colours]
        flags["palette"] = ",".join([*(bytes(colour).hex() for colour in data.palette), *ignored])
    given = [f" --{flag} {quoted(value)}" for flag, value in flags.items() if value]
    return "".join([quoted(data.root if root is None else root), *given])


def tell_problems(problems, what, data, say):
    """A line on the problems of some images, where there are any: how many, and the worst, which is one left out.

    Args:
        data: the recipe's data section
    """
    if not problems:
        return
    first = next((problem for problem in problems if problem.kind == LEFT_OUT), problems[0])
    example = f"one image left out: {first.text}" if first.kind == LEFT_OUT else f"{first.kind} in {first.file}"
    say(
        f"warning: {len(problems)} {'thing' if len(problems) == 1 else 'things'} in the {what} put right or left out, "
        f"such as {example}; trizoo data check {as_typed(data)} lists all"
    )


def _absolute(data, root):
    """The data section with whole paths, so that another folder to work in changes nothing. Raises UserError.

    What lies below the root is named from there, so that it is found where the root is moved.
    """
    whole, found = Path(root).absolute(), {}
    for name in ("images", "annotations"):
        place = named_place(root, getattr(data, name), name)
        if place is not None:
            place = place.absolute()
            found[name] = str(place.relative_to(whole) if place.is_relative_to(whole) else place)
    return data.model_copy(update={"root": str(whole), **found})


def checksum_of_ids(records):
    """What tells whether a run would be resumed with the images that it began with: CRC-32 of their ids, in order."""
    return zlib.crc32("\n".join(record.id for record in records).encode())


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
        raise UserError(none_to_train_on(data.root, there) or f"{data.root} has no splits to train on")
    return split


def holds_back(data, there, images):
    """Whether a part of the images to train on is held back for validation: nothing else is for that, nor asked for.

    A test split never chooses the best epoch unless it is asked to.

    Args:
        there: {split: ids}
        images: how many there are to train on
    """
    return not data.overfit and images > 1 and choose_split(data.validation, ("val",), there) is None


def held_back_set(recipe, listing):
    """The task's evaluation set of the images to train on that are held back for validation."""
    split = training_split(recipe.data, listing.splits)
    whole = task_of(recipe.model.name).evaluation_set(listing, recipe, split)
    return whole.only(_held_back(whole.records), _held_back_of(split))


def _held_back_of(split):
    """What the held back images of a split are called."""
    return f"held back of {split}"


def _held_back(records):
    """Places of a fifth of the records, by a hash of each id."""
    chosen = set(split_by_hash([record.id for record in records])["val"])
    return [place for place, record in enumerate(records) if record.id in chosen]


def final_set(recipe, split=None, listing=None):
    """The task's evaluation set of a recipe's final metrics: this split, or the one that the run ended with.

    That is the recipe's test split, else test, its validation split, val, or what was held back for validation; for a
    run with `overfit` the very images it was trained on.

    Args:
        listing: what the task found in the data, None to look now
    """
    data, task = recipe.data, task_of(recipe.model.name)
    listing = listing or task.find(data)
    if data.overfit and split is None:
        train = training_split(data, listing.splits)
        whole = task.evaluation_set(listing, recipe, train)
        return whole.only(range(min(data.overfit, len(whole.records))), f"{train} (overfit)")
    chosen = choose_split(split, (data.test, "test", data.validation, "val"), listing.splits)
    if chosen is None:
        train = training_split(data, listing.splits)
        if holds_back(data, listing.splits, len(listing.splits[train])):
            return held_back_set(recipe, listing)
        chosen = train
    return task.evaluation_set(listing, recipe, chosen)


def _shorten(names, limit=12):
    text = ", ".join(names[:limit])
    return f"{text} … ({len(names)})" if len(names) > limit else text
