"""The training set: batch plans in, augmented batches out."""

import math

import numpy as np

from common.augment.pipeline import augment, generator
from common.data.batch import Batch
from common.targets.yolo import assign


class TrainingSet:
    """Calling it with a `BatchPlan` gives the `Batch`; workers of every framework's loader do just that.

    source: a data set with `records` and `sample(index, at_least)`, such as `common.data.voc.VOC`; members: which of
    its images to use; recipe, spec: of the run.
    """

    def __init__(self, source, members, recipe, spec):
        self.source = source
        self.members = members
        self.size = recipe.input_size
        self.operations = [operation.model_dump() for operation in recipe.augment]
        self.policy = recipe.resize
        # a JPEG may be decoded smaller, but not below what the largest scale asks for
        largest = max([1.0, *(operation["scale"][1] for operation in self.operations if "scale" in operation)])
        self.at_least = tuple(math.ceil(side * largest) for side in self.size)
        self.seed = recipe.seed
        self.spec = spec

    def __len__(self):
        return len(self.members)

    def __call__(self, plan):
        samples = [
            self.sample(index, plan.epoch, place) for index, place in zip(plan.indices, plan.positions, strict=True)
        ]
        targets = assign([s.boxes for s in samples], [s.labels for s in samples], self.spec, self.size)
        ids = [self.source.records[self.members[index]].id for index in plan.indices]
        return Batch(np.stack([s.image for s in samples]), targets, ids, plan.step)

    def sample(self, index, epoch, position):
        """One augmented sample at the input size; its random numbers come from (seed, epoch, position) alone."""
        sample = self.source.sample(self.members[index], at_least=self.at_least)
        return augment(sample, self.operations, self.size, generator(self.seed, epoch, position), self.policy)
