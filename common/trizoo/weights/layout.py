"""Canonical arrays and those of frameworks that put channels last: kernels (out, in, h, w) and (h, w, in, out)."""

import numpy as np


def to_canonical(array):
    """Kernels from (h, w, in, out) to (out, in, h, w), contiguous; other ranks as they are."""
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1)) if array.ndim == 4 else array


def from_canonical(array):
    """The inverse of `to_canonical`."""
    return np.ascontiguousarray(array.transpose(2, 3, 1, 0)) if array.ndim == 4 else array


def canonical_shape(shape):
    """The shape that `to_canonical` gives an array of this shape."""
    if len(shape) != 4:
        return tuple(shape)
    height, width, in_channels, out_channels = shape
    return out_channels, in_channels, height, width
