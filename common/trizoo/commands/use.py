"""What evaluate, predict and serve ask of weights."""

from dataclasses import dataclass, replace
from typing import Any

from trizoo.commands.cli import check_flags, find_weights, tell_precision
from trizoo.deploy.runtimes import Exported, make_model, read_model
from trizoo.families import check_input_size
from trizoo.ground.errors import UserError
from trizoo.tasks import FLAGS, task_of
from trizoo.tasks.scales import sizes_at
from trizoo.training.specs import spec_of


@dataclass(frozen=True)
class Used:
    """A model that looks at images.

    Args:
        task: a `trizoo.tasks.base.Task`
        pipeline: its predictor, with what the flags ask for
        recipe: the model's, as the flags have it
        spec: the model's
        framework: that runs it, or a `trizoo.deploy.runtimes.Runtime`
        device: the framework's own
    """

    task: Any
    pipeline: Any
    recipe: Any
    spec: Any
    framework: Any
    device: Any


def open_predictor(args, choice):
    """The `Used` of predict's flags, on the framework of a Choice; --weights becomes the file's path."""
    args.weights = find_weights(args)
    read = read_model(args.weights)
    task = task_of(read.spec.name)
    check_flags(args, "predict", read.spec.name, task.name)
    read = as_asked(read, args, "predict", task.name)
    framework, device = choice.start(args.device)
    recipe, model = make_model(framework, read, device, args.precision)
    tell_precision(args, recipe)
    pipeline = task.as_used(task.predictor(framework, model, read.spec, recipe, device, args), args)
    return Used(task, pipeline, recipe, read.spec, framework, device)


def as_asked(read, args, command, task):
    """A `trizoo.training.build.Read` with what the command's flags set in its recipe.

    Args:
        command: "evaluate" or "predict"
        task: its model's task, by name

    Raises:
        UserError: for an input size or stride that the model doesn't take, or that an exported file doesn't have
    """
    recipe = read.recipe
    for flag in FLAGS[task].of(command):
        value = getattr(args, flag.name)
        if flag.sets and value is not None:
            for key, setting in flag.sets(value).items():
                section, name = key.split(".")
                changed = getattr(recipe, section).model_copy(update={name: setting})
                recipe = recipe.model_copy(update={section: changed})
    if args.input_size is not None:
        if recipe.resize == "none":
            width, height = args.input_size
            raise UserError(
                f"--input-size is {width}x{height}, and {read.path} takes images as they are (resize: none); "
                f"leave it out"
            )
        check_input_size(read.spec.name, args.input_size)
        recipe = recipe.model_copy(update={"input_size": args.input_size})
    if args.tta_scales:
        sizes = sizes_at(args.tta_scales, read.spec.name, recipe.input_size, recipe.resize)
        if isinstance(read, Exported):
            for size in sizes:
                read.check_size(size)
    changed = replace(read, recipe=recipe)
    if recipe.model == read.recipe.model:
        return changed
    if isinstance(read, Exported):
        raise UserError(f"{read.path} has its output stride in its graph; leave --output-stride out, or export it anew")
    return replace(changed, spec=spec_of(recipe))
