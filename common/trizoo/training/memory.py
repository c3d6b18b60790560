"""How much memory a training takes, estimated before it starts."""

import math
from dataclasses import dataclass

import numpy as np

from trizoo.ground.sample import Sample
from trizoo.training.batch import Batch
from trizoo.weights.layers import count_parameters

MIB, GIB = 1 << 20, 1 << 30
BOXES = 8  # of an image that is made up
TRACED = (2, 4)  # images of the batches that are traced; of one a batch norm may have a single value
SLOTS = {"sgd": 1, "adam": 2, "adamw": 2}  # of the optimisers, arrays of each parameter
# framework on a CPU -> bytes that it takes for itself, and by how much memory in use is more than what a step holds:
# the heap keeps freed pieces between others, and convolutions have buffers of their own. Fitted to what
# benchmarks/memory.py measures
OVERHEAD = {
    "pytorch": (500 * MIB, 1.22),
    "tf2": (850 * MIB, 1.05),
    "keras": (900 * MIB, 1.2),
}
OTHERS = (500 * MIB, 1.22)  # a framework of one's own
ON_GPU = (700 * MIB, 1.2)  # a guess: no GPU was measured


@dataclass(frozen=True)
class TeacherRoom:
    """Bytes that a teacher takes.

    Args:
        parameters: of its network
        kept_by_image: of its outputs and features, which the step's loss needs
        held_by_image: of its pass, before the step's own, of the whole batch at once
    """

    parameters: int = 0
    kept_by_image: int = 0
    held_by_image: int = 0


@dataclass(frozen=True)
class Estimate:
    """Bytes that a training takes, by what they are for.

    Args:
        parameters: of the network, statistics too
        gradients: of the parameters
        slots: of the optimiser
        average: of the weights, 0 without one
        held: of a step's forward and backward pass, whatever the batch
        held_by_image: the same for each image
        image: of an image in a batch, as bytes
        framework: that it takes for itself
        factor: of all the others, see OVERHEAD
        parts: of a batch, whose passes come one after another (`schedule.accumulate`) or on a device each
        teacher: what the run's teacher takes
    """

    parameters: int
    gradients: int
    slots: int
    average: int
    held: int
    held_by_image: int
    image: int
    framework: int
    factor: float
    parts: int = 1
    teacher: TeacherRoom = TeacherRoom()

    def activations(self, batch):
        """What the passes of a batch of so many images hold, of its largest part; a teacher's pass is over by then."""
        own = self.held + self.held_by_image * math.ceil(batch / self.parts)
        return max(own + self.teacher.kept_by_image * batch, self.teacher.held_by_image * batch)

    def total(self, batch):
        """All of a batch of so many images."""
        fixed = self.parameters + self.gradients + self.slots + self.average + self.teacher.parameters
        return self.framework + round(self.factor * (fixed + self.activations(batch) + self.image * batch))

    def largest(self, room, most, groups=1):
        """The largest batch whose total is within `room` bytes, at most `most` images; 0 where none is.

        Args:
            groups: images that each part holds together: the batch is `parts` of these, times a power of two
        """
        batch = self.parts * groups
        if batch > most or self.total(batch) > room:
            return 0
        while 2 * batch <= most and self.total(2 * batch) <= room:
            batch *= 2
        return batch


def estimate(framework, spec, recipe, shapes, size, device, shares=1, teacher=None):
    """The Estimate of a recipe's training.

    Args:
        framework: see `trizoo.framework.Framework`
        shapes: {canonical name: shape} of the model
        size: (width, height) of the input
        device: the framework's own, that trains
        shares: devices that share each batch
        teacher: the run's `trizoo.training.distill.Teacher`, None without one
    """
    values, trained = sum(map(math.prod, shapes.values())), count_parameters(shapes)
    few, more = (framework.held_bytes(spec, recipe, made_up(spec, recipe, size, count)) for count in TRACED)
    by_image = max(0, more - few) // (TRACED[1] - TRACED[0])
    own, factor = OVERHEAD.get(framework.name, OTHERS) if framework.is_cpu(device) else ON_GPU
    return Estimate(
        parameters=4 * values,
        gradients=4 * trained,
        slots=4 * trained * SLOTS[recipe.optimizer.name],
        average=4 * values if recipe.ema.decay else 0,
        held=max(0, few - TRACED[0] * by_image),
        held_by_image=by_image,
        image=size[0] * size[1] * 3,
        framework=own,
        factor=factor,
        parts=recipe.schedule.accumulate * shares,
        teacher=TeacherRoom() if teacher is None else teacher.room(size),
    )


def made_up(spec, recipe, size, count):
    """A Batch of grey images with some boxes each, and of masks without objects.

    Args:
        size: (width, height)
    """
    width, height = size
    corner = np.array([width, height, width, height], np.float32)
    boxes = np.tile(corner * np.array([0.2, 0.2, 0.6, 0.7], np.float32), (BOXES, 1))
    image = np.full((height, width, 3), 128, np.uint8)
    sample = Sample(image, boxes, np.zeros(BOXES, np.int64), np.zeros((height, width), np.uint8), {0: 1.0})
    targets = spec.targets([sample] * count, size, recipe.loss)
    return Batch(np.stack([image] * count), targets, [], 0)


def gib(size):
    """Bytes in words: "1.5 GiB"."""
    return f"{size / GIB:.1f} GiB"
