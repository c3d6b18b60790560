"""From a recipe to a run: data, model, weights, trainer, and what is written at the end."""

import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trizoo.data.synthetic import synthesize
from trizoo.families import architecture, check_input_size, model_spec
from trizoo.ground.errors import UserError
from trizoo.metrics.plain import shown
from trizoo.pictures.draw import grid
from trizoo.tasks import task_of
from trizoo.tasks.base import EvaluationSet
from trizoo.tasks.writers import save_picture
from trizoo.training.batch import InputSizes
from trizoo.training.dataset import TrainingSet
from trizoo.training.loop import EpochSums, Trainer
from trizoo.training.schedule import Plan
from trizoo.weights.checkpoint import load as load_checkpoint
from trizoo.weights.classes import predicts_classes
from trizoo.weights.initial import initial_arrays
from trizoo.weights.report import match, parts_behind, strict

SYNTHETIC_IMAGES = 400
SYNTHETIC_SIZE = (256, 256)
SAMPLE_PICTURES = 8  # validation images drawn into the run folder
SAMPLE_CELL = (640, 480)  # pixels of each


@dataclass(frozen=True)
class Sources:
    """The images of a run: what to train on, and where the figures come from."""

    training: Any
    members: list[int]
    validation: EvaluationSet
    test: EvaluationSet


def open_data(recipe, say):
    """The recipe's data -> the recipe with its classes and root filled in, and `Sources`.

    Without a root the zoo's own drawings are made, or found, in ./data. `say` gets a line for each thing worth knowing.
    """
    root = recipe.data.root
    if root is None:
        width, height = SYNTHETIC_SIZE
        root = synthesize(Path("data") / f"synthetic-{width}x{height}", images=SYNTHETIC_IMAGES, size=SYNTHETIC_SIZE)
        say(f"data: no --data given, so {SYNTHETIC_IMAGES} drawings of the zoo's own in {root}")
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"root": str(Path(root).absolute())})})
    task = task_of(recipe.model.name)
    found = task.find(recipe.data)
    train = training_split(recipe.data, found.splits)
    training = task.open(found, recipe.data, train, recipe.classes)
    recipe = recipe.model_copy(update={"classes": training.classes})
    say(f"data: {training.root}, {len(training)} images to train on ({train}), classes: {_shorten(training.classes)}")
    for note in training.notes:
        say(f"data: {note}")
    if training.problems:
        count, first = len(training.problems), training.problems[0]
        say(
            f"warning: {count} {'thing' if count == 1 else 'things'} in the data put right or left out, such as "
            f"{first.kind} in {first.file}; python -m trizoo.data check {root} lists all"
        )
    members = list(range(min(recipe.data.overfit or len(training), len(training))))
    test = final_set(recipe, found=found)
    validation = test
    if not recipe.data.overfit:
        split = choose_split(recipe.data.validation, ("val", "test"), found.splits) or train
        validation = test if split == test.split else task.evaluation_set(found, recipe.data, split, recipe.classes)
        shared = {record.id for record in training.records} & {record.id for record in validation.records}
        if shared:
            say(
                f"warning: {len(shared)} of the {len(validation.records)} validation images ({split}) are trained on, "
                f"so the figure flatters; --set data.validation=SPLIT would choose others"
            )
    say(f"data: validation on {len(validation.records)} images ({validation.split}), final figure on {test.split}")
    return recipe, Sources(training, members, validation, test)


def choose_split(wanted, usual, there):
    """The split asked for, or the first of the usual ones that has images, or None. there: {split: ids}."""
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


def final_set(recipe, split=None, found=None):
    """The task's evaluation set of a recipe's final figure: this split, or the one that the run ended with.

    That is the recipe's test split, else test, its validation split, val, or what it was trained on; for a run with
    `overfit` the very images it was trained on. found: what the task found in the data, None to look now.
    """
    data, task = recipe.data, task_of(recipe.model.name)
    found = found or task.find(data)
    if data.overfit and split is None:
        return task.evaluation_set(found, data, training_split(data, found.splits), recipe.classes).first(data.overfit)
    usual = (data.test, "test", data.validation, "val")
    chosen = choose_split(split, usual, found.splits) or training_split(data, found.splits)
    return task.evaluation_set(found, data, chosen, recipe.classes)


def spec_of(recipe):
    """The ModelSpec of a recipe whose classes are known. Raises UserError for a size or a loss that doesn't fit."""
    check_input_size(recipe.model.name, recipe.input_size)
    options = dict(recipe.model)
    del options["objectness_prior"]
    spec = model_spec(options.pop("name"), len(recipe.classes), **options)
    if recipe.loss.kind != spec.family:
        raise UserError(f"loss.kind is {recipe.loss.kind}; {spec.name} learns by {spec.family}")
    return spec


def check_batch_norm(recipe, spec):
    """UserError where a batch norm would see a single value per channel, whose variance is 0."""
    width, height = input_sizes(recipe).smallest
    cells = spec.least_values((width, height))
    if recipe.freeze.batch_norm or cells is None:
        return
    sizes = {recipe.schedule.batch_size, recipe.freeze.batch_size or recipe.schedule.batch_size}
    if min(sizes) // recipe.schedule.accumulate * cells < 2:
        raise UserError(
            f"one image of {width}x{height} at a time gives batch norm a single value per channel; a larger "
            f"--batch-size, a larger --input-size, a larger multi_scale.low or a smaller schedule.accumulate would do"
        )


def check_anchors(given, spec, weights):
    """UserError where a checkpoint's boxes are offsets from other anchors than a model's, of those that have presets.

    weights: the checkpoint's path. A backbone knows no anchors.
    """
    if given.is_backbone or not hasattr(spec, "anchor_preset"):
        return
    theirs = model_spec(spec.name, 1, anchor_preset=given.recipe["model"].get("anchor_preset")).anchor_preset
    if theirs != spec.anchor_preset:
        raise UserError(
            f"{weights} was trained with the anchors {theirs}, which don't fit model.anchor_preset "
            f"{spec.anchor_preset}; leave that out, or train from a backbone"
        )


def input_sizes(recipe):
    """The `InputSizes` of a recipe's steps."""
    return InputSizes.of(recipe, architecture(recipe.model.name))


def build_model(framework, recipe, device, say, *, weights=None, checkpoint=None):
    """A model of the recipe: from scratch, fine-tuned from the checkpoint file `weights`, or of a run to resume."""
    spec = spec_of(recipe)
    check_batch_norm(recipe, spec)
    model = framework.build(spec, device)
    shapes = framework.shapes(model)
    if checkpoint is not None:
        strict(checkpoint.model, shapes, "the checkpoint of this run")
        framework.assign(model, checkpoint.model)
        return model
    arrays = initial_arrays(shapes, recipe.seed, spec, recipe.model.objectness_prior)
    if weights is not None:
        given = load_checkpoint(weights, optimizer=False)
        check_anchors(given, spec, weights)
        values, anew = given.weights, ("head", "attention")
        if given.is_backbone:
            say("weights: a backbone, so what it lacks of the rest begins anew")
            anew = parts_behind(architecture(spec.name).backbone, shapes)
        elif list(given.recipe["classes"]) != list(recipe.classes):  # as many, perhaps, but they mean other things
            say("weights: the classes are others, so what predicts them begins anew")
            values = {name: array for name, array in values.items() if not predicts_classes(name)}
        found, report = match(values, shapes, allowed_prefixes=anew, source=weights)
        arrays |= found
        say(f"weights: {weights}\n{report}")
    framework.assign(model, arrays)
    return model


def build_trainer(framework, model, recipe, sources, *, run, progress, device, workers, pretrained, checkpoint=None):
    """The Trainer of a model: at the first step, or where the run's checkpoint stands.

    Raises UserError where the data of a run to resume is no longer what it was, or nothing is left to do.
    """
    spec = spec_of(recipe)
    prefix = architecture(spec.name).backbone
    ids = "\n".join(sources.training.records[index].id for index in sources.members)
    notes = {"pretrained": pretrained, "images": len(sources.members), "image_ids_crc32": zlib.crc32(ids.encode())}
    if checkpoint is not None and checkpoint.state["notes"] != notes:
        raise UserError(
            f"{recipe.data.root} has {notes['images']} images to train on and the run began with "
            f"{checkpoint.state['notes']['images']}, or their names differ; a run goes on with the same images only, "
            f"a new one may begin with --weights {run.last}"
        )
    trainer = Trainer(
        framework=framework,
        learner=framework.learner(model, spec, recipe, device),
        spec=spec,
        recipe=recipe,
        plan=Plan(
            recipe.schedule, recipe.freeze, len(sources.members), recipe.seed, pretrained, prefix, input_sizes(recipe)
        ),
        training_set=TrainingSet(sources.training, sources.members, recipe, spec),
        task=task_of(spec.name),
        evaluation=sources.validation,
        run=run,
        progress=progress,
        device=device,
        workers=workers,
        notes=notes,
    )
    if checkpoint is not None:
        if checkpoint.step > trainer.plan.total_steps:
            raise UserError(f"{run.path} has done {checkpoint.step} steps already; {trainer.plan} would be fewer")
        trainer.learner.assign_optimizer(checkpoint.optimizer)
        trainer.learner.assign_state(checkpoint.state["learner"])
        trainer.learner.average.assign(checkpoint.ema or {})
        trainer.epoch_sums = EpochSums(**checkpoint.state["epoch"])
        trainer.step, trainer.best, trainer.metrics = checkpoint.step, checkpoint.best, checkpoint.metrics
    return trainer


def finish(trainer, test, say):
    """The final figure with the best weights, on the test split: RUN/metrics.json, curves and sample pictures."""
    started = time.monotonic()
    best = load_checkpoint(trainer.run.best, optimizer=False)
    trainer.framework.assign(trainer.learner.model, best.model)
    task = trainer.task
    use = task.evaluator(trainer.framework, trainer.learner.model, trainer.spec, trainer.recipe, trainer.device)
    metrics, found = test.measure(use)
    figure = f"validation_{task.figures[0]}"
    about = {"split": test.split, "epoch": best.epoch, "step": best.step, figure: best.best}
    trainer.run.write_metrics({**metrics, **about, "versions": trainer.framework.versions()})
    trainer.run.draw_curves()
    draw_samples(trainer.run.samples, test, found)
    say(
        f"best weights (epoch {best.epoch}) on {test.split}: "
        + ", ".join(f"{name} {shown(metrics[name])}" for name in task.figures)
        + f" ({time.monotonic() - started:.0f} s); everything is in {trainer.run.path}"
    )
    return metrics


def draw_samples(folder, evaluation, found):
    """Pictures of the first images, ground truth on the left and prediction on the right, and one sheet of them all."""
    folder.mkdir(exist_ok=True)
    sheet: list[Any] = []
    for number, record in enumerate(evaluation.records[:SAMPLE_PICTURES]):
        pair = list(evaluation.draw(found, number))
        sheet += pair
        save_picture(folder / f"{record.image.stem}.jpg", grid(pair, 2, SAMPLE_CELL))
    if sheet:
        save_picture(folder / "sheet.jpg", grid(sheet, 4, (320, 240)))


def _shorten(names, limit=12):
    text = ", ".join(names[:limit])
    return f"{text} … ({len(names)})" if len(names) > limit else text
