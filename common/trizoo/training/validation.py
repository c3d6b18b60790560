"""The loss on images that are not trained on, beside their metrics: how far training and validation lie apart."""

import math
from itertools import zip_longest

import numpy as np

from trizoo.training.batch import BatchPlan
from trizoo.training.dataset import TrainingSet
from trizoo.training.world import World

BATCH = 8  # images, as an evaluation's, so that a compiled predictor serves both


class ValidationLoss:
    """The loss of some validation images, as the network sees them without augmentation.

    Args:
        source: a data set as `TrainingSet` takes it
        members: which of its images are for validation; as many as `evaluate.loss_images` says are taken, evenly spread
        recipe, spec: of the run
    """

    def __init__(self, source, members, recipe, spec):
        members, most = list(members), recipe.evaluate.loss_images
        chosen = members[:: math.ceil(len(members) / most) or 1] if most else []
        if BATCH <= len(chosen) < len(members):
            chosen = chosen[: len(chosen) // BATCH * BATCH]
        plain = recipe.model_copy(update={"augment": ()})
        self.images = TrainingSet(source, chosen, plain, spec, room=0)

    def measure(self, predict, loss, world=World()):  # noqa: B008, it never changes
        """The mean loss of batches; None where there is no image, and in another process than the first.

        Args:
            predict: outputs from uint8 images, of a framework's predictor
            loss: of a framework's `measured_loss`
            world: of the processes that take the batches in turn
        """
        losses = []
        for first in range(world.rank * BATCH, len(self.images), world.size * BATCH):
            indices = tuple(range(first, min(first + BATCH, len(self.images))))
            batch = self.images(BatchPlan(0, 0, indices, indices))
            _, height, width, _ = batch.images.shape
            losses.append(loss(predict(batch.images), batch.targets, (width, height))["loss"])
        parts = [part["losses"].tolist() for part in world.gather({"losses": np.array(losses)})]
        losses = [loss for batches in zip_longest(*parts) for loss in batches if loss is not None]  # in one's order
        return sum(losses) / len(losses) if losses else None
