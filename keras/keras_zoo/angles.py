"""Vectors of images, and the angles between them."""

from keras import ops

from keras_zoo.blocks import L2_EPS


def unit_length(x):
    """Vectors divided by their length, in float32: (N, D) -> (N, D)."""
    x = ops.cast(x, "float32")
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=-1, keepdims=True), L2_EPS**2))


def cosines(vectors, centres):
    """Cosines of the angles between vectors of length 1 and each kernel of a 1x1 convolution: (B, D) -> float32 (B, C).

    Args:
        centres: its kernels are (1, 1, D, C)
    """
    kernels = unit_length(ops.transpose(centres.kernel[0, 0]))
    return ops.matmul(vectors, ops.transpose(kernels))
