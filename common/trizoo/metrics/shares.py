"""Shares of counts, which aren't defined where there is nothing to count."""

import numpy as np


def ratio(part, whole):
    """part / whole as float64, nan where the whole is 0; element by element, by NumPy's broadcasting."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    nothing = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=nothing, where=whole > 0)


def mean(values):
    """The mean of some numbers, nan of none: (N,) -> float64 ()."""
    return ratio(np.sum(values), len(values))
