"""Batch norms of other files as ours: the same output from other numbers."""

import numpy as np

EPS = 1e-5  # of all batch norms here: blocks.py of each framework
DARKNETS = 1e-6  # normalize_cpu of Darknet's src/blas.c adds it to the root
LEAST = 1e-10  # of variance + eps: a float32 near -1e-5 can't tell less from 0, by which nothing can be divided


def with_eps(arrays, eps):
    """Arrays whose batch norms, with our eps, give what those given do with theirs.

    The difference goes into the variance, so that var + EPS is what var + eps was; the variance of a channel that never
    varies can come out below 0. With a batch's own statistics, in training, the difference of eps remains.
    """
    if eps == EPS:
        return arrays
    return {name: _shifted(array, eps) if name.endswith(".bn.running_var") else array for name, array in arrays.items()}


def with_darknets_root(arrays):
    """Arrays whose batch norms, with our eps, divide by the sqrt(variance) + 1e-6 of the first Darknet.

    As in `with_eps`, and but for variances below 1e-10: those divide by 1e-5.
    """
    return {name: _rooted(array) if name.endswith(".bn.running_var") else array for name, array in arrays.items()}


def without_biases(arrays, biases):
    """Arrays without the biases of convolutions before a batch norm, which only move its mean.

    Args:
        biases: {our name of the convolution's bias, which our model doesn't have: array}
    """
    arrays = dict(arrays)
    for name, bias in biases.items():
        mean = f"{name.removesuffix('.conv.bias')}.bn.running_mean"
        if mean in arrays:
            arrays[mean] = arrays[mean] - bias
    return arrays


def _rooted(variance):
    root = np.sqrt(np.maximum(variance.astype(np.float64), 0)) + DARKNETS
    return (np.maximum(root * root, LEAST) - EPS).astype(np.float32)


def _shifted(variance, eps):
    return (np.maximum(variance.astype(np.float64) + eps, LEAST) - EPS).astype(np.float32)
