"""The loss on images that are not trained on, beside their metrics: how far training and validation lie apart."""

import math

from trizoo.training.batch import BatchPlan
from trizoo.training.dataset import TrainingSet

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

    def measure(self, predict, loss):
        """The mean loss of batches; None where there is no image.

        Args:
            predict: outputs from uint8 images, of a framework's predictor
            loss: of a framework's `measured_loss`
        """
        losses = []
        for first in range(0, len(self.images), BATCH):
            indices = tuple(range(first, min(first + BATCH, len(self.images))))
            batch = self.images(BatchPlan(0, 0, indices, indices))
            _, height, width, _ = batch.images.shape
            losses.append(loss(predict(batch.images), batch.targets, (width, height))["loss"])
        return sum(losses) / len(losses) if losses else None
