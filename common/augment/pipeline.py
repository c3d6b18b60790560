"""A recipe's augmentations, applied in order, with random numbers that depend on seed, epoch and sample only."""

import functools
import inspect

import numpy as np

from common.augment.colour import hsv
from common.augment.geometry import flip, keep_visible, random_placement, vertical_flip
from common.augment.letterbox import GREY, as_size, place_sample


def generator(seed, epoch, index):
    """The random generator for sample `index` of epoch `epoch` of a run: the same in any worker, in any order.

    Raises ValueError for a negative number.
    """
    return np.random.default_rng(np.random.SeedSequence((seed, epoch, index)))


def place(sample, size, rng, policy="letterbox", fill=GREY):
    """The whole sample on the canvas, by "letterbox" or "stretch" -> Sample. No draw."""
    placed, _ = place_sample(sample, size, policy, fill)
    return placed


def _without_size(operation):
    """The operation, called with the size that it has no use for, as all of OPERATIONS are."""

    @functools.wraps(operation)
    def called_with_size(sample, size, rng, **parameters):
        return operation(sample, rng, **parameters)

    return called_with_size


# name -> function(sample, size, rng, **parameters) -> Sample
OPERATIONS = {
    "random_placement": random_placement,
    "place": place,
    "flip": _without_size(flip),
    "vertical_flip": _without_size(vertical_flip),
    "hsv": _without_size(hsv),
}

# name -> the names of its parameters
PARAMETERS = {
    name: tuple(key for key in inspect.signature(function).parameters if key not in ("sample", "size", "rng"))
    for name, function in OPERATIONS.items()
}


def check_operations(operations):
    """Raises ValueError for the first operation or parameter that doesn't exist, naming those that do."""
    for operation in operations:
        name = operation.get("op")
        if name not in OPERATIONS:
            raise ValueError(f"unknown operation {name!r}; one of {', '.join(OPERATIONS)} is needed")
        for parameter in operation:
            if parameter != "op" and parameter not in PARAMETERS[name]:
                raise ValueError(f"{name} has no parameter {parameter!r}; it has {', '.join(PARAMETERS[name])}")


def augment(sample, operations, size, rng, policy="letterbox"):
    """The sample after each operation in order, at exactly `size` (width, height) -> Sample.

    operations: mappings {"op": name in OPERATIONS, **its parameters}. Where none of them has placed the sample on the
    canvas, `policy` does in the end. Boxes are clipped to the canvas, those with a side of 1 pixel or less are gone.
    Arrays are C-contiguous and of the canonical dtypes; they may be the input's own where nothing changed them.
    Raises ValueError for an unknown operation or parameter.
    """
    check_operations(operations)
    size = as_size(size)
    for operation in operations:
        parameters = {name: value for name, value in operation.items() if name != "op"}
        sample = OPERATIONS[operation["op"]](sample, size, rng, **parameters)
    if sample.size != size:
        sample = place(sample, size, rng, policy)
    boxes, labels = keep_visible(sample.boxes, sample.labels, *size)
    return sample.replace(
        image=np.ascontiguousarray(sample.image, dtype=np.uint8),
        boxes=np.ascontiguousarray(boxes, dtype=np.float32),
        labels=np.ascontiguousarray(labels, dtype=np.int64),
        mask=None if sample.mask is None else np.ascontiguousarray(sample.mask, dtype=np.uint8),
    )
