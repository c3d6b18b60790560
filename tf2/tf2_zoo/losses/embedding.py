"""The losses of embeddings; the reference, with definitions in words, is `trizoo.families.embedding.reference`."""

import math

import tensorflow as tf

from tf2_zoo.replicas import gathered
from trizoo.families.embedding.spec import LEAST_SQUARE

FAR = 1e9  # beyond every value of a pair


class EmbeddingLoss:
    """Outputs and targets -> {"loss", "embedding"}: scalars.

    Args:
        options: the recipe's loss section
    """

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
        vectors, cosines = (tf.cast(head, tf.float32) for head in heads)
        losses = self.of_images(vectors, cosines, tf.cast(targets["classes"], tf.int32))
        unused = 0 * (
            tf.reduce_sum(vectors) + tf.reduce_sum(cosines)
        )  # so that parameters have a gradient that a loss doesn't go by
        embedding = tf.reduce_sum(losses) / targets["normaliser"] + unused
        return {"loss": embedding, "embedding": embedding}

    def _arcface(self, vectors, cosines, classes):
        """The loss of each image: (B, D), (B, C), (B,) -> (B,)."""
        right = tf.gather(cosines, classes[:, None], batch_dims=1)
        sine = tf.sqrt(tf.maximum(1 - right**2, LEAST_SQUARE))
        turned = right * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = right - self.margin * math.sin(self.margin)
        moved = tf.where(right > -math.cos(self.margin), turned, beyond)
        chosen = classes[:, None] == tf.range(tf.shape(cosines)[-1])
        logs = tf.nn.log_softmax(self.scale * tf.where(chosen, moved, cosines))
        return -tf.gather(logs, classes, batch_dims=1)

    def _triplet(self, vectors, cosines, classes):
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = tf.stop_gradient(tf.matmul(vectors, everyone, transpose_b=True))
        farthest = _distance(vectors, _taken(everyone, tf.argmin(tf.where(same, pairs, FAR), axis=-1)))
        nearest = _distance(vectors, _taken(everyone, tf.argmax(tf.where(other, pairs, -FAR), axis=-1)))
        return tf.where(paired, tf.nn.relu(farthest - nearest + self.margin), 0.0)

    def _circle(self, vectors, cosines, classes):
        """As `_arcface`."""
        everyone, same, other, paired = _pairs(vectors, classes)
        pairs = tf.matmul(vectors, everyone, transpose_b=True)
        of_same = -self.scale * tf.maximum(1 + self.margin - tf.stop_gradient(pairs), 0.0)
        of_other = self.scale * tf.maximum(tf.stop_gradient(pairs) + self.margin, 0.0)
        near = tf.reduce_logsumexp(tf.where(same, of_same * (pairs - 1 + self.margin), -FAR), axis=-1)
        far = tf.reduce_logsumexp(tf.where(other, of_other * (pairs - self.margin), -FAR), axis=-1)
        return tf.where(paired, tf.nn.softplus(tf.where(paired, near + far, 0.0)), 0.0)


def _taken(everyone, places):
    """(N, D), (B,) -> (B, D). Of a batch, or the gradient would be slices that TensorFlow warns of."""
    return tf.gather(everyone[None], places[None], batch_dims=1)[0]


def _distance(vectors, others):
    """(B, D), (B, D) -> (B,), of differences: 2 - 2 cosines would lose the digits of near vectors."""
    return tf.sqrt(tf.maximum(tf.reduce_sum((vectors - others) ** 2, axis=-1), LEAST_SQUARE))


def _pairs(vectors, classes):
    """Vectors of all devices; pairs with them of one class and of two, and images that have both.

    (B, D), (B,) -> (N, D), bool (B, N), (B, N), (B,).
    """
    (everyone, first), (labels, _) = gathered(vectors), gathered(classes)
    places = tf.range(tf.shape(labels)[0])
    alike = classes[:, None] == labels
    same = alike & (places[: tf.shape(classes)[0], None] + first != places)
    return everyone, same, ~alike, tf.reduce_any(same, axis=-1) & tf.reduce_any(~alike, axis=-1)
