"""A recipe's augmentations, applied in order, with random numbers that depend on seed, epoch and sample only."""

import inspect

import numpy as np

from trizoo.augment.blurring import blur
from trizoo.augment.colour import brightness_contrast, clahe, hsv
from trizoo.augment.erasing import cutout, grid_mask, hide_and_seek, random_erasing
from trizoo.augment.geometry import flip, keep_visible, random_placement, rotate, vertical_flip
from trizoo.augment.letterbox import fit, place_sample
from trizoo.augment.mosaic import cutmix, mixup, mosaic
from trizoo.augment.policy import rand_augment
from trizoo.ground.conventions import GREY
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Unread


def generator(seed, epoch, index):
    """The random generator for sample `index` of epoch `epoch` of a run: the same in any worker, in any order.

    Raises ValueError for a negative number.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, index)))


def place(sample, size, rng, policy=None, fill=GREY):
    """The whole sample on the canvas, by "letterbox", which None is too, or "stretch" -> Sample. No draw."""
    placed, _ = place_sample(sample, size, policy or "letterbox", fill)
    return placed


# name -> function -> Sample; what has no default the pipeline gives it, the rest is the recipe's
OPERATIONS = {
    "mosaic": mosaic,
    "random_placement": random_placement,
    "place": place,
    "flip": flip,
    "vertical_flip": vertical_flip,
    "rotate": rotate,
    "hsv": hsv,
    "blur": blur,
    "mixup": mixup,
    "cutout": cutout,
    "grid_mask": grid_mask,
    "brightness_contrast": brightness_contrast,
    "clahe": clahe,
    "random_erasing": random_erasing,
    "hide_and_seek": hide_and_seek,
    "cutmix": cutmix,
    "rand_augment": rand_augment,
}
OF_SEVERAL = ("mosaic", "mixup", "cutmix")  # they need other samples
PLACEMENT_DRAWS = {"random_placement": 5, "place": 0}  # what lays one sample on the canvas, and its number of draws
LATE_READERS = ("mosaic", *PLACEMENT_DRAWS)  # they take a sample whose pixels aren't read yet


def _split(function):
    """The names of an operation's arguments: those that the pipeline gives it, and those of the recipe.

    What has a probability may also stop happening at a share of the run, `until`.
    """
    arguments = inspect.signature(function).parameters.values()
    needs = tuple(argument.name for argument in arguments if argument.default is argument.empty)
    others = tuple(argument.name for argument in arguments if argument.name not in needs)
    return needs, (*others, "until") if "probability" in others else others


# name -> the names of what the pipeline gives it; name -> the names of its parameters
NEEDS = {name: _split(function)[0] for name, function in OPERATIONS.items()}
PARAMETERS = {name: _split(function)[1] for name, function in OPERATIONS.items()}


def register_operation(name, function):
    """Adds an augmentation of one's own, which recipes then name as `op`.

    Args:
        name: must not be in use
        function: `function(image, boxes, labels, mask, rng, **parameters)` -> the first four, changed. image: uint8
            (H, W, 3) RGB; boxes: float32 (N, 4) xmin, ymin, xmax, ymax in its pixels; labels: int64 (N,); mask: uint8
            (H, W) of class ids, 255 = ignore, or None; rng: NumPy's Generator, the only source of random numbers that
            keeps a run repeatable. Parameters must have defaults; a recipe may set them. A function of a module, not
            a lambda, where there are loader processes, which have to find it

    Raises:
        ValueError: for a name in use, for other arguments than these and for parameters without a default.
        TypeError: for what is no name or no function
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"the name of an augmentation is {name!r}; text is needed")
    if not callable(function):
        raise TypeError(
            f"the augmentation {name!r} is {function!r}; a function (image, boxes, labels, mask, rng) is needed"
        )
    if name in OPERATIONS:
        raise ValueError(f"there is an operation {name!r} already; choose another name")
    operation = OwnOperation(function)
    OPERATIONS[name] = operation
    NEEDS[name], PARAMETERS[name] = ("sample", "rng"), tuple(operation.defaults)


class OwnOperation:
    """A user's function on arrays as an operation on a Sample. defaults: {parameter: default}."""

    GIVEN = ("image", "boxes", "labels", "mask", "rng")

    def __init__(self, function):
        arguments = list(inspect.signature(function).parameters.values())
        names = tuple(argument.name for argument in arguments)
        if names[: len(self.GIVEN)] != self.GIVEN:
            raise ValueError(f"{function} takes {', '.join(names)}; it must begin with {', '.join(self.GIVEN)}")
        self.function = function
        self.defaults = {argument.name: argument.default for argument in arguments[len(self.GIVEN) :]}
        bare = [name for name, default in self.defaults.items() if default is inspect.Parameter.empty]
        if bare:
            raise ValueError(f"{function} has no default for {bare[0]}; each parameter of a recipe needs one")

    def __call__(self, sample, rng, **parameters):
        found = self.function(sample.image, sample.boxes, sample.labels, sample.mask, rng, **parameters)
        if not isinstance(found, tuple) or len(found) != 4:
            raise ValueError(f"{self.function} gave {type(found).__name__}; image, boxes, labels, mask are needed")
        image, boxes, labels, mask = found
        return sample.replace(image=image, boxes=boxes, labels=labels, mask=mask)


def own_operations(operations):
    """Those of a recipe's operations that were registered, {name: OwnOperation}, for `adopt` in a loader process."""
    names = {operation["op"] for operation in operations}
    return {name: OPERATIONS[name] for name in names if isinstance(OPERATIONS.get(name), OwnOperation)}


def adopt(own):
    """Registers what `own_operations` gave, unless it is there; see there."""
    for name, operation in own.items():
        OPERATIONS.setdefault(name, operation)
        NEEDS.setdefault(name, ("sample", "rng"))
        PARAMETERS.setdefault(name, tuple(operation.defaults))


def check_operations(operations):
    """Raises ValueError for the first operation or parameter that doesn't exist, naming those that do."""
    for operation in operations:
        name = operation.get("op")
        if name not in OPERATIONS:
            raise ValueError(f"unknown operation {name!r}; one of {', '.join(OPERATIONS)} is needed")
        for parameter in operation:
            if parameter != "op" and parameter not in PARAMETERS[name]:
                raise ValueError(f"{name} has no parameter {parameter!r}; it has {', '.join(PARAMETERS[name])}")


def augment(sample, operations, size, rng, policy="letterbox", draw=None, progress=0.0):
    """The sample after each operation in order, on the canvas that `policy` gives it of `size` -> Sample.

    That is a canvas of `size` (width, height) itself, but for "keep_ratio" and "none"; see
    `trizoo.augment.letterbox.fit`.

    What became a mosaic is on the canvas already, so `random_placement` and `place` leave it alone. The partner of
    mixup and cutmix has gone through all the operations but those of several images. Where none of them has placed the
    sample on the canvas, `policy` does in the end, but for "none", which resizes nothing. Boxes are clipped to the
    canvas, those with a side of 1 pixel or less are gone. Arrays are C-contiguous and of the canonical dtypes; they may
    be the input's own where nothing changed them.

    Args:
        sample: Sample or Unread
        operations: mappings {"op": name in OPERATIONS, **its parameters}
        draw: `draw(rng)` gives a random other sample as it is in the data set, for mosaic, mixup and cutmix
        progress: share of the run that is over, from which on operations whose `until` is no more than that don't
            happen any more

    Raises:
        ValueError: for an unknown operation or parameter, and for operations of several images without `draw`
        UserError: for an operation that leaves another size than the canvas's where `policy` is "none"
    """
    check_operations(operations)
    canvas = fit(sample.size, size, policy).canvas
    alone = [operation for operation in operations if operation["op"] not in OF_SEVERAL]
    if draw is None and len(alone) < len(operations):
        names = f"{', '.join(OF_SEVERAL[:-1])} and {OF_SEVERAL[-1]}"
        raise ValueError(f"{names} need other images, of which there are none here; leave them out")

    def partner(rng):
        return augment(
            draw(rng), alone, canvas, rng, "stretch" if policy == "stretch" else "letterbox", progress=progress
        )

    given = {"sample": sample, "size": canvas, "rng": rng, "draw": draw, "partner": partner, "is_mosaic": False}
    resizing = None  # the last operation that changed the sample's size
    for operation in operations:
        name, parameters = operation["op"], {key: value for key, value in operation.items() if key != "op"}
        if given["is_mosaic"] and name in PLACEMENT_DRAWS:
            rng.random(PLACEMENT_DRAWS[name])  # so that what follows draws the same as without the mosaic
            continue
        if progress >= parameters.pop("until", 1):
            parameters["probability"] = 0
        if name == "place" and parameters.get("policy") is None:
            parameters["policy"] = policy if policy in ("stretch", "pad") else "letterbox"  # the others' canvas fits
        if name not in LATE_READERS:
            given["sample"] = given["sample"].read()
        before, needs = given["sample"], {need: given[need] for need in NEEDS[name]}
        given["sample"] = OPERATIONS[name](**needs, **parameters)
        given["is_mosaic"] |= name == "mosaic" and given["sample"] is not before
        resizing = name if given["sample"].size != before.size else resizing
    sample = given["sample"]
    if policy == "none" and sample.size != canvas:
        raise UserError(_ragged(resizing, sample.size, canvas))
    if sample.size != canvas or isinstance(sample, Unread):
        sample = place(sample, size, rng, policy)
    boxes, labels = keep_visible(sample.boxes, sample.labels, *sample.size, points=sample.points)
    return sample.replace(
        image=np.ascontiguousarray(sample.image, dtype=np.uint8),
        boxes=np.ascontiguousarray(boxes, dtype=np.float32),
        labels=np.ascontiguousarray(labels, dtype=np.int64),
        mask=None if sample.mask is None else np.ascontiguousarray(sample.mask, dtype=np.uint8),
    )


def _ragged(name, size, canvas):
    """The sentence about an operation behind which samples of a batch have several sizes."""
    return (
        f"augment ends on {size[0]}x{size[1]} after {name!r} and resize is none, which needs {canvas[0]}x{canvas[1]}, "
        f"the images' own size; random_placement or place behind it, or another resize policy, would do"
    )
