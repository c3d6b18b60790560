"""What evaluate and predict ask of a recipe that came with a checkpoint."""

from dataclasses import replace

from trizoo.deploy.runtimes import Exported
from trizoo.families import check_input_size
from trizoo.ground.errors import UserError
from trizoo.tasks import FLAGS
from trizoo.tasks.scales import sizes_at
from trizoo.training.build import spec_of


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
