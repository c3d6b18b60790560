"""From a recipe to a run: data, model, weights, trainer, and what is written at the end."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trizoo.families import ModelSpec, architecture
from trizoo.ground.errors import UserError
from trizoo.ground.text import quoted
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.training.data import checksum_of_ids
from trizoo.training.dataset import TrainingSet
from trizoo.training.loop import EpochSums, Trainer
from trizoo.training.order import order_of
from trizoo.training.precision import settled
from trizoo.training.schedule import RunPlan
from trizoo.training.specs import input_sizes, spec_of, spec_of_options
from trizoo.training.validation import ValidationLoss
from trizoo.weights.checkpoint import gives_backbone_alone, lasting
from trizoo.weights.checkpoint import load as load_checkpoint
from trizoo.weights.classes import predicts_classes
from trizoo.weights.initial import initial_arrays
from trizoo.weights.report import match, parts_behind, strict


def check_anchors(given, spec, weights):
    """UserError where a checkpoint's boxes mean others than a model's; see `ModelSpec.misfit`.

    A backbone knows no boxes.

    Args:
        weights: the checkpoint's path
    """
    if gives_backbone_alone(given.is_backbone, given.recipe, spec.name):
        return
    theirs = spec_of_options({**given.recipe["model"], "name": spec.name}, spec.num_classes)
    reason = spec.misfit(theirs)
    if reason:
        raise UserError(f"{weights} {reason}")


def check_norm(given, spec, weights):
    """UserError where a checkpoint's model normalises in another way, and so has arrays of other names in every layer.

    Args:
        weights: the checkpoint's path
    """
    theirs = spec_of_options(given.recipe["model"], spec.num_classes).norm
    if theirs != spec.norm:
        raise UserError(
            f"model.norm is {spec.norm}, and {weights} was trained with {theirs}; --set model.norm={theirs}, or a run "
            f"without these weights, would do"
        )


def check_normalisation(given, spec, weights):
    """UserError where a checkpoint's network was trained on images normalised by another mean or std than a model's.

    Args:
        weights: the checkpoint's path
    """
    theirs = spec_of_options(given.recipe["model"], spec.num_classes)
    for name in ("mean", "std"):
        ours, other = getattr(spec, name), getattr(theirs, name)
        if not np.allclose(ours, other, rtol=0, atol=1e-3):
            raise UserError(
                f"model.{name} is {_numbers(ours)}, and {weights} was trained with {_numbers(other)}; leave it out, or "
                f"say --set model.{name}='{_numbers(other)}'"
            )


def _numbers(values):
    return f"[{', '.join(f'{value:g}' for value in values)}]"


def build_model(framework, recipe, device, say, *, weights=None, checkpoint=None, teacher=None):
    """A model of the recipe: from scratch, fine-tuned from the checkpoint file `weights`, or of a run to resume.

    Args:
        teacher: the run's `trizoo.training.distill.Teacher`, None without one
    """
    spec = spec_of(recipe)
    spec.check_loss(recipe.loss)
    model = framework.build(spec, device, seed=None)
    if teacher is not None:
        teacher.adapt(model)
    shapes = framework.shapes(model)
    if checkpoint is not None:
        if teacher is not None:
            teacher.check_resumed(checkpoint, shapes, say)
        strict(checkpoint.model, shapes, "the checkpoint of this run")
        framework.assign(model, checkpoint.model)
        return model
    arrays = initial_arrays(shapes, recipe.seed, spec, recipe.model.objectness_prior, recipe.model.initializer)
    if weights is not None:
        given = load_checkpoint(weights, optimizer=False)
        check_anchors(given, spec, weights)
        check_normalisation(given, spec, weights)
        values, new = given.weights, ("head", "attention")
        if gives_backbone_alone(given.is_backbone, given.recipe, spec.name):
            say("weights: a backbone, so what it lacks of the rest is re-initialised")
            prefix = architecture(spec.name).prefix
            new = parts_behind(prefix, shapes)
            if not given.is_backbone:  # a classifier, whose head is another
                values = {name: array for name, array in values.items() if name.startswith(prefix)}
        elif list(given.recipe["classes"]) != list(recipe.classes):  # as many, perhaps, but they mean other things
            say("weights: the classes are others, so what predicts them is re-initialised")
            values = {name: array for name, array in values.items() if not predicts_classes(name)}
        try:
            fitting, report = match(values, lasting(shapes), allowed_prefixes=new, source=weights)
        except UserError:
            check_norm(given, spec, weights)
            raise
        arrays |= fitting
        say(f"weights: {weights}\n{report}")
        if not gives_backbone_alone(given.is_backbone, given.recipe, spec.name):
            tell_size(given.recipe, recipe, say)
    framework.assign(model, arrays)
    return model


def tell_size(saved, recipe, say):
    """Says where weights were trained on images of another size, or placed otherwise, than this run's.

    Args:
        saved: their recipe, as a dict
    """
    size, resize = tuple(saved.get("input_size", recipe.input_size)), saved.get("resize", recipe.resize)
    if (size, resize) == (tuple(recipe.input_size), recipe.resize):
        return
    theirs, ours = ("x".join(map(str, sides)) for sides in (size, recipe.input_size))
    say(
        f"weights: they were trained at {theirs} ({resize}), and this run is at {ours} ({recipe.resize}); --input-size "
        f"{theirs} --set resize={resize} would keep to theirs"
    )


def build_trainer(
    framework,
    model,
    recipe,
    sources,
    *,
    run,
    progress,
    device,
    workers,
    pretrained,
    checkpoint=None,
    callbacks=(),
    world,
    teacher=None,
    layers=None,
):
    """The Trainer of a model: at the first step, or where the run's checkpoint stands.

    Args:
        sources: the run's `trizoo.training.data.Sources`
        run: the run folder, None in a process that writes nothing
        workers: processes that load images, 0 for none
        pretrained: whether weights were loaded
        checkpoint: of the run to resume, None for a new one
        callbacks: see `trizoo.training.callbacks`
        world: of the processes that train it
        teacher: see `build_model`
        layers: the run's `trizoo.training.layer_stats.LayerStats`, None without one

    Raises:
        UserError: where the data of a run to resume is no longer what it was, or nothing is left to do
    """
    spec = spec_of(recipe)
    prefix = architecture(spec.name).prefix
    ids = checksum_of_ids(sources.training.records[index] for index in sources.members)
    notes = {"pretrained": pretrained, "images": len(sources.members), "image_ids_crc32": ids}
    before = notes if checkpoint is None else {**checkpoint.state["notes"]}
    before.pop("teacher_crc32", None)
    if before != notes:
        raise UserError(
            f"{recipe.data.root} has {notes['images']} images to train on and the run began with "
            f"{before['images']}, or their names differ; a run is resumed with the same "
            f"images only, so lists of splits that came since would have to go, and a new one may begin with "
            f"--weights {quoted(run.last)}"
        )
    if teacher is not None:
        notes["teacher_crc32"] = teacher.crc32
    repeats = order_of(sources.training, sources.members, recipe.data)
    sizes = input_sizes(recipe)
    trainer = Trainer(
        framework=framework,
        learner=framework.learner(model, spec, recipe, device, teacher),
        spec=spec,
        recipe=recipe,
        plan=RunPlan(
            recipe.schedule, recipe.freeze, len(sources.members), recipe.seed, pretrained, prefix, sizes, repeats
        ),
        training_set=TrainingSet(sources.training, sources.members, recipe, spec),
        task=task_of(spec.name),
        evaluation=sources.validation,
        validation_loss=ValidationLoss(*sources.unseen, recipe, spec),
        run=run,
        progress=progress,
        device=device,
        workers=workers,
        notes=notes,
        callbacks=callbacks,
        world=world,
        teacher=teacher,
        layers=layers,
    )
    if checkpoint is not None:
        if checkpoint.step > trainer.plan.total_steps:
            raise UserError(f"{run.path} has done {checkpoint.step} steps already; {trainer.plan} would be fewer")
        trainer.learner.assign_optimizer(checkpoint.optimizer)
        trainer.learner.assign_state(checkpoint.state["learner"])
        # a run that was made one without an average must not evaluate the one that it had
        trainer.learner.average.assign(checkpoint.ema or {} if recipe.ema.decay else {})
        trainer.epoch_sums = EpochSums(**checkpoint.state["epoch"])
        trainer.step, trainer.best, trainer.metrics = checkpoint.step, checkpoint.best, checkpoint.metrics
        trainer.best_epoch = checkpoint.state.get("best_epoch", checkpoint.epoch)  # it wasn't kept before 0.4.0
        if trainer.step == trainer.plan.total_steps and not trainer.best_epoch:
            raise UserError(
                f"{run.path} has done {trainer.plan} and evaluated none of its epochs, so it has no best weights; more "
                f"epochs (--epochs N) would do, since the last one is always evaluated"
            )
    return trainer


@dataclass(frozen=True)
class Read:
    """A checkpoint that predicts, without a framework's model: the classes, anchors and sizes are in its recipe."""

    path: Any
    recipe: Recipe
    spec: ModelSpec
    arrays: dict


def read_model(weights):
    """The `Read` of a checkpoint. Raises UserError for a file that holds none, or a backbone alone."""
    checkpoint = load_checkpoint(weights, optimizer=False)
    recipe = from_dict(Recipe, checkpoint.recipe, f"checkpoint {weights}")
    if checkpoint.is_backbone:
        raise UserError(
            f"{weights} holds the backbone of {recipe.model.name} and nothing that predicts; train.py --weights "
            f"trains the rest, and what comes of that is needed here"
        )
    return Read(weights, recipe, spec_of(recipe), checkpoint.weights)


def make_model(framework, read, device, precision=None):
    """A `Read` as (recipe, model) of a framework; the recipe's precision is the one of its use.

    Args:
        precision: None for what it was trained in on a GPU, fp32 on a CPU; "auto" for bf16 where the device multiplies
            that itself, else as None
    """
    if precision == "auto":
        precision = "bf16" if framework.multiplies_bf16(device) else None
    precision = precision or ("fp32" if framework.is_cpu(device) else settled(framework, device, read.recipe.precision))
    model = framework.build(read.spec, device, seed=None)
    strict(read.arrays, framework.shapes(model), read.path)
    framework.assign(model, read.arrays)
    return read.recipe.model_copy(update={"precision": precision}), model
