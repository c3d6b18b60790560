"""The class of many images."""

from dataclasses import dataclass

import numpy as np

from trizoo.tasks.pipeline import ImagePipeline


@dataclass(frozen=True)
class Classifier(ImagePipeline):
    """Gives how likely each class is of each image, float32 (C,); see `ClassificationSpec.probabilities`.

    Args:
        flip: whether each image is looked at mirrored too; the logits are the mean of both
    """

    flip: bool = False

    def results(self, outputs, placements, images):
        """See `ImagePipeline.results`.

        Args:
            outputs: one, logits (B, C)
        """
        (logits,) = outputs
        if self.flip:
            (mirrored,) = self.predict(np.ascontiguousarray(images[:, :, ::-1]))
            logits = (logits + mirrored) / 2
        return list(self.spec.probabilities(logits.astype(np.float64)).astype(np.float32))


def ranked(probabilities, most=None):
    """Class ids, the likeliest first, of equal ones the first: float (C,) -> int64 (C,), or the first `most`."""
    return np.argsort(-probabilities, kind="stable")[:most]


def above(probabilities, score):
    """Class ids of at least this score, the likeliest first: float (C,) -> list of int."""
    order = ranked(probabilities)
    return order[np.asarray(probabilities)[order] >= score].tolist()
