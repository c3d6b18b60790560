"""Vectors of images, and the angles between them."""

import tensorflow as tf

from tf2_zoo.blocks import L2_EPS


def unit_length(x):
    """Vectors divided by their length, in float32: (N, D) -> (N, D)."""
    x = tf.cast(x, tf.float32)
    return x * tf.math.rsqrt(tf.maximum(tf.reduce_sum(x**2, axis=-1, keepdims=True), L2_EPS**2))


def cosines(vectors, centres):
    """Cosines of the angles between vectors of length 1 and each kernel of a 1x1 convolution: (B, D) -> float32 (B, C).

    Args:
        centres: its kernels are (1, 1, D, C)
    """
    kernels = unit_length(tf.transpose(centres.weight[0, 0]))
    return tf.matmul(vectors, kernels, transpose_b=True)
