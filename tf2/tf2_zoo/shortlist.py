"""The rows of outputs that decoding can need, taken on the device; see `trizoo.families.base.shortlist`."""

import numpy as np
import tensorflow as tf


class Ops:
    """What a family's promises are computed with."""

    @staticmethod
    def flat(x):
        """One row after the other: (B, ..., K) -> (B, N, K)."""
        return tf.reshape(x, (x.shape[0], -1, x.shape[-1]))

    @staticmethod
    def join(parts):
        """Rows of several: (B, N, K) each -> (B, sum of N, K)."""
        return tf.concat(parts, 1)

    @staticmethod
    def greatest(x):
        """The greatest of each row: (..., K) -> (...)."""
        return tf.reduce_max(x, -1)

    @staticmethod
    def sigmoid(x):
        """Element by element."""
        return tf.sigmoid(x)

    @staticmethod
    def softmax(x):
        """Over the last axis."""
        return tf.nn.softmax(x)

    @staticmethod
    def of_finite(promises, x):
        """Promises (B, N), -inf where a row of x, (B, N, K), isn't finite throughout."""
        return tf.where(tf.reduce_all(tf.math.is_finite(x), -1), promises, -np.inf)


def take_rows(spec, ranking, outputs):
    """Rows, promises, below and values of a Shortlist, as tensors: of each group the first, earlier equal ones first.

    Args:
        outputs: the network's, float32
    """
    values, promises = spec.promises(Ops, outputs)
    rows, below, first = [], [], 0
    for group, taken in zip(tf.split(promises, ranking.groups, 1), ranking.taken, strict=True):
        ordered, places = tf.math.top_k(group, taken)
        rows.append(places + first)
        last = ordered[:, -1:]
        below.append(tf.reduce_max(tf.where(group < last, group, -np.inf), 1))
        first += group.shape[1]
    rows = tf.concat(rows, 1)
    taken = [tf.gather(output, rows, batch_dims=1) for output in values]
    return [rows, tf.gather(promises, rows, batch_dims=1), tf.stack(below, 1), *taken]
