"""The losses of embeddings; the reference, with definitions in words, is `trizoo.families.embedding.reference`."""

import math

from keras import ops

from keras_zoo.replicas import gathered
from trizoo.families.embedding.spec import LEAST_SQUARE

FAR = 1e9  # beyond every value of a pair


class EmbeddingLoss:
    """Outputs and targets -> {"loss", "embedding"}: scalars.

    Args:
        options: the recipe's loss section
    """

    terms = ("embedding",)

    def __init__(self, spec, options):
        self.spec = spec
        self.margin, self.scale = options.margin_and_scale
        self.of_images = {"arcface": self._arcface, "triplet": self._triplet, "circle": self._circle}[options.name]

    def __call__(self, heads, targets, size):
        """The terms of a batch.

        Args:
            heads: vectors (B, D) of length 1, their cosines with the classes' centres (B, C)
            targets: tensors of `trizoo.families.embedding.targets`
            size: input (width, height)
        """
        targets = {name: ops.convert_to_tensor(value) for name, value in targets.items()}
        vectors, cosines = (ops.cast(head, "float32") for head in heads)
        losses = self.of_images(vectors, cosines, ops.cast(targets["classes"], "int32"))
        unused = 0 * (
            ops.sum(vectors) + ops.sum(cosines)
        )  # so that parameters have a gradient that a loss doesn't go by
        embedding = ops.sum(losses) / targets["normaliser"] + unused
        return {"loss": embedding, "embedding": embedding}

    def _arcface(self, vectors, cosines, classes):
        """The loss of each image: (B, D), (B, C), (B,) -> (B,)."""
        right = ops.take_along_axis(cosines, classes[:, None], axis=-1)
        sine = ops.sqrt(ops.maximum(1 - right**2, LEAST_SQUARE))
        turned = right * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = right - self.margin * math.sin(self.margin)
        moved = ops.where(right > -math.cos(self.margin), turned, beyond)
        chosen = classes[:, None] == ops.arange(cosines.shape[-1], dtype="int32")
        logs = ops.log_softmax(self.scale * ops.where(chosen, moved, cosines), axis=-1)
        return -ops.take_along_axis(logs, classes[:, None], axis=-1)[:, 0]

    def _triplet(self, vectors, cosines, classes):
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = ops.stop_gradient(ops.matmul(vectors, ops.transpose(everyone)))
        farthest = _distance(vectors, _taken(everyone, ops.argmin(ops.where(same, pairs, FAR), axis=-1)))
        nearest = _distance(vectors, _taken(everyone, ops.argmax(ops.where(other, pairs, -FAR), axis=-1)))
        return ops.where(paired, ops.relu(farthest - nearest + self.margin), 0.0)

    def _circle(self, vectors, cosines, classes):
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = ops.matmul(vectors, ops.transpose(everyone))
        of_same = -self.scale * ops.maximum(1 + self.margin - ops.stop_gradient(pairs), 0.0)
        of_other = self.scale * ops.maximum(ops.stop_gradient(pairs) + self.margin, 0.0)
        near = ops.logsumexp(ops.where(same, of_same * (pairs - 1 + self.margin), -FAR), axis=-1)
        far = ops.logsumexp(ops.where(other, of_other * (pairs - self.margin), -FAR), axis=-1)
        return ops.where(paired, ops.softplus(ops.where(paired, near + far, 0.0)), 0.0)


def _taken(everyone, places):
    """(N, D), (B,) -> (B, D)."""
    return ops.take_along_axis(everyone[None], places[None, :, None], axis=1)[0]


def _distance(vectors, others):
    """(B, D), (B, D) -> (B,), of differences: 2 - 2 cosines would lose the digits of near vectors."""
    return ops.sqrt(ops.maximum(ops.sum((vectors - others) ** 2, axis=-1), LEAST_SQUARE))


def _pairs(vectors, classes):
    """Vectors of all devices; pairs with them of one class and of two, and images that have both.

    (B, D), (B,) -> (N, D), bool (B, N), (B, N), (B,).
    """
    (everyone, first), (labels, _) = gathered(vectors), gathered(classes)
    places = ops.arange(ops.shape(labels)[0], dtype="int32")
    alike = classes[:, None] == labels
    same = ops.logical_and(alike, places[: ops.shape(classes)[0], None] + first != places)
    other = ops.logical_not(alike)
    return everyone, same, other, ops.logical_and(ops.any(same, axis=-1), ops.any(other, axis=-1))
