"""The largest batch that memory has room for (`--batch-size auto`), and what would do where it had none."""

import contextlib

from trizoo.ground.errors import UserError
from trizoo.training.cache import ROOM
from trizoo.training.memory import MIB, estimate, gib
from trizoo.training.specs import check_model, input_sizes, spec_of

MOST = 64  # images of a part of a batch: more gain no speed, and learning rates are known for fewer
SHARE = 0.9  # of the memory, the rest is a margin
LOADER = 80 * MIB  # of a loader process, beside the images that it keeps


def undecided(recipe, shares=1):
    """The recipe with the largest batch that may be chosen, which is what devices share.

    Args:
        shares: processes that share each batch
    """
    groups = recipe.data.per_class or 1
    return with_batch_size(recipe, max(MOST // groups, 1) * groups * recipe.schedule.accumulate * shares)


def with_batch_size(recipe, size):
    """The recipe with another batch size, in frozen epochs too."""
    schedule = recipe.schedule.model_copy(update={"batch_size": size})
    return recipe.model_copy(
        update={"schedule": schedule, "freeze": recipe.freeze.model_copy(update={"batch_size": None})}
    )


def fit_batch_size(framework, recipe, shapes, device, say, *, sizes, workers, world, devices=1, teacher=None):
    """The recipe with the largest batch, a power of two times its parts, whose estimate fits the device's memory.

    Args:
        framework: see `trizoo.framework.Framework`
        shapes: {canonical name: shape} of the model
        device: the framework's own
        say: gets a line that tells it
        sizes: (width, height) of each image that is trained on
        workers: loader processes
        world: of the processes that share each batch, of which the first decides
        devices: of each process that share its part
        teacher: the run's `trizoo.training.distill.Teacher`, None without one

    Raises:
        UserError: where not even the smallest batch fits, and where the device doesn't say what it has
    """
    room = room_of(framework, device, sizes, workers, world.local_size * devices)
    if room is None:
        raise UserError(
            f"--batch-size is auto, and {framework.versions()} doesn't say how much memory its device has; a number "
            f"is needed"
        )
    spec = spec_of(recipe)
    size = input_sizes(recipe).largest
    known = estimate(framework, spec, recipe, shapes, size, device, world.size * devices, teacher)
    images, groups = len(sizes), recipe.data.per_class or 1
    least = known.parts * groups
    if least > images:
        raise UserError(
            f"--batch-size is auto, and a batch has at least {least} images, where there are {images}; more images, "
            f"fewer parts (schedule.accumulate), fewer of a class together (data.per_class) or fewer processes are "
            f"needed"
        )
    batch = world.of_first(known.largest(room, min(images, max(MOST * known.parts, least)), groups))
    if not batch:
        raise UserError(
            f"--batch-size is auto, and {least} images of {size[0]}x{size[1]} would take an estimated "
            f"{gib(known.total(least))}, where {gib(room)} can be had; a smaller --input-size or model would do"
        )
    say(
        f"batch size: {batch}, whose training takes an estimated {gib(known.total(batch))} of the {gib(room)} that can "
        f"be had (--batch-size auto)"
    )
    recipe = with_batch_size(recipe, batch)
    check_model(recipe, world.size * devices)
    return recipe


def room_of(framework, device, sizes, workers, shares=1):
    """Bytes that a step on a device may take, with a margin; None where that isn't known.

    Args:
        sizes: (width, height) of each image that is trained on
        workers: loader processes of each process
        shares: processes or devices that share a CPU's memory
    """
    there = framework.memory_of(device)
    if there is None:
        return None
    if framework.is_cpu(device):
        kept = sum(3 * width * height for width, height in sizes)
        there = there / shares - max(1, workers) * min(ROOM, kept) - workers * LOADER
    return max(0, int(SHARE * there))


def explain(error, framework, recipe, shapes, device, *, sizes, workers, world, teacher=None):
    """A step's TooLittleMemoryError as a UserError that names a batch that fits by the estimate, and what would do.

    Args:
        error: the `trizoo.ground.memory.TooLittleMemoryError`
        framework, recipe, shapes, device, sizes, workers, world, teacher: as for `fit_batch_size`
    """
    tried, accumulate = error.images * world.size, recipe.schedule.accumulate
    parts, fits = accumulate * world.size, 0
    room = room_of(framework, device, sizes, workers, world.local_size)
    if room is not None:
        # what there is may be too little to look for it in, of which each framework has an error of its own
        with contextlib.suppress(Exception):
            known = estimate(framework, spec_of(recipe), recipe, shapes, error.size, device, world.size, teacher)
            fits = known.largest(room, tried // 2)  # no more than half, whatever the estimate: the whole didn't fit
    what = f"memory is too small for {tried} images of {error.size[0]}x{error.size[1]} at once"
    if not fits and tried // 2 < parts:
        return UserError(f"{what}; a smaller --input-size or model would do")
    by = "by the estimate" if fits else "perhaps"
    fits = fits or parts
    # the fewest equal parts of which each is no more than one of what fits, and shared equally
    sizes = (size for size in range(fits // accumulate, 0, -1) if tried % size == 0 and size % world.size == 0)
    more = tried // next(sizes)
    return UserError(
        f"{what}; {fits} would fit {by}: --batch-size {fits}, or auto, or --set schedule.accumulate={more}, which "
        f"takes the batch of {tried} in parts"
    )
