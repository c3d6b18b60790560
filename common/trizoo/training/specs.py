"""From a recipe to the specification of its model, and what of a recipe doesn't fit the model."""

from trizoo.families import architecture, check_input_size, model_spec
from trizoo.ground.errors import UserError
from trizoo.tasks import best_metric
from trizoo.training.batch import InputSizes
from trizoo.training.order import check_groups


def spec_of(recipe):
    """The ModelSpec of a recipe whose classes are known. Raises UserError for a size or a loss that doesn't fit."""
    for size in (recipe.input_size, *input_sizes(recipe).listed):
        check_input_size(recipe.model.name, size)
    spec = spec_of_options(dict(recipe.model), len(recipe.classes))
    if recipe.loss.kind != spec.family:
        raise UserError(f"loss.kind is {recipe.loss.kind}; {spec.name} learns by {spec.family}")
    return spec


def check_model(recipe, devices=1):
    """UserError for sizes, batches, a loss or an option that don't fit a recipe's model, whatever its classes.

    Args:
        devices: how many share a batch
    """
    spec = spec_of(recipe.model_copy(update={"classes": recipe.classes or ("any",)}))
    best_metric(recipe)
    check_groups(recipe)
    check_batch_norm(recipe, spec, 1 if recipe.sync_batch_norm else devices)


def spec_of_options(options, num_classes):
    """The ModelSpec of a model section as a dict."""
    graph = {key: value for key, value in options.items() if key not in ("objectness_prior", "initializer")}
    return model_spec(num_classes=num_classes, **graph)


def check_batch_norm(recipe, spec, shares=1):
    """UserError where a batch norm would see a single value per channel, whose variance is 0.

    Args:
        shares: of a batch, each of which has statistics of its own
    """
    width, height = input_sizes(recipe).smallest
    cells = spec.least_values((width, height))
    if recipe.freeze.batch_norm or cells is None:
        return
    schedule, freeze = recipe.schedule, recipe.freeze
    sizes = {schedule.batch_size, freeze.batch_size or schedule.batch_size}
    if min(sizes) // schedule.accumulate // shares * cells >= 2:
        return
    ways = ["a larger --batch-size" if min(sizes) == schedule.batch_size else "a larger freeze.batch_size"]
    if spec.least_values((4 * width, 4 * height)) > cells:  # else pooling leaves one value of any image
        ways.append("a larger --input-size")
        ways += ["a larger multi_scale.low"] if recipe.multi_scale.low < 1 else []
    ways += ["a smaller schedule.accumulate"] if schedule.accumulate > 1 else []
    ways += ["--set sync_batch_norm=true"] if shares > 1 else []
    ways += ["--set model.norm=group", "--set freeze.batch_norm=true with pretrained weights"]
    raise UserError(
        f"one image of {width}x{height} at a time gives {spec.name}'s batch norm a single value per channel; "
        f"{', '.join(ways[:-1])} or {ways[-1]} would do"
    )


def input_sizes(recipe):
    """The `InputSizes` of a recipe's steps."""
    return InputSizes.of(recipe, architecture(recipe.model.name))
