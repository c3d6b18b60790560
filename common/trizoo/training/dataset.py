"""The training set: batch plans in, augmented batches out."""

import functools
import math

import numpy as np

from trizoo.augment.letterbox import fit, in_one_size
from trizoo.augment.pipeline import adopt, augment, generator, own_operations
from trizoo.families import size_around
from trizoo.ground.conventions import GREY
from trizoo.ground.sample import Unread
from trizoo.training.batch import Batch
from trizoo.training.cache import ROOM, Kept


class TrainingSet:
    """Calling it with a `BatchPlan` gives the `Batch`; workers of every framework's loader do just that.

    Args:
        source: a data set with `records` and `sample(index, at_least)`, such as a `trizoo.data.boxes.dataset.BoxSet`
        members: which of its images to use
        recipe, spec: of the run
        room: bytes of decoded images that each process keeps in memory
    """

    def __init__(self, source, members, recipe, spec, room=ROOM):
        self.source = Kept(source, room)
        self.members = members
        self.size = recipe.input_size
        self.operations = [operation.model_dump() for operation in recipe.augment]
        self.own_operations = own_operations(self.operations)
        self.policy = recipe.resize
        self.loss = recipe.loss
        self.largest_scale = max(
            [1.0, *(operation["scale"][1] for operation in self.operations if "scale" in operation)]
        )
        self.seed = recipe.seed
        self.spec = spec

    def __len__(self):
        return len(self.members)

    def __setstate__(self, state):
        self.__dict__.update(state)
        adopt(self.own_operations)  # a loader process hasn't run what registered them

    def __call__(self, plan):
        size = plan.size or self.size
        samples = [
            self.sample(index, plan.epoch, place, size, plan.progress)
            for index, place in zip(plan.indices, plan.positions, strict=True)
        ]
        images = in_one_size([s.image for s in samples], GREY, self._canvas(samples))
        targets = self.spec.targets(samples, images.shape[2:0:-1], self.loss)
        ids = [self.source.records[self.members[index]].id for index in plan.indices]
        return Batch(images, targets, ids, plan.step)

    def _canvas(self, samples):
        """The (width, height) of a batch of images as they are, whose sizes may differ where they are for validation.

        None with another policy, whose samples are of the model's sizes already.
        """
        if self.policy != "none":
            return None
        height, width = np.max([sample.image.shape[:2] for sample in samples], axis=0).tolist()
        return size_around(self.spec.name, (width, height))

    def whole_targets(self, plan):
        """See `trizoo.families.base.spec.ModelSpec.whole_targets`: of a plan's batch, without a pixel being read."""
        if not self.spec.learns_pairs:
            return {}
        labels = [self.source.source.labels_in(self.members[index]) for index in plan.indices]
        return self.spec.whole_targets(labels, self.loss)

    def sample(self, index, epoch, position, size=None, progress=0.0):
        """One augmented sample of this size (None: the recipe's); its random numbers come from (seed, epoch, position).

        Args:
            progress: share of the run that is over; some augmentations end before the run does
        """
        size = size or self.size

        def draw(rng):
            return self.unread(rng.integers(len(self.members)), size)

        rng = generator(self.seed, epoch, position)
        return augment(self.unread(index, size), self.operations, size, rng, self.policy, draw, progress)

    def unread(self, index, size):
        """A member as it is in the data set, its pixels not read yet, for an input of this size -> Unread.

        A JPEG is then decoded no larger than it is shown; where pixels are wanted before that is known, no larger than
        the recipe's largest scale asks for.
        """
        member = self.members[index]
        original = self.source.records[member].size
        canvas = fit(original, size, self.policy).canvas
        largest = tuple(math.ceil(side * self.largest_scale) for side in canvas)
        return Unread(original, functools.partial(self.source.sample, member), largest)
