"""Initial weights, made from names by NumPy, so that the three frameworks start from the same numbers."""

import math
import zlib
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from trizoo.families.base.spec import predicts

L2_SCALE = 20.0  # Liu et al. 2016, section 3.1
SMALL = 0.01  # standard deviation of kernels that begin small (Lin et al. 2017, section 4.1)


_unfilled = ContextVar("unfilled", default=False)


@contextmanager
def unfilled():
    """Networks that are made within it stay as they are made, for whoever assigns all their weights next."""
    token = _unfilled.set(True)
    try:
        yield
    finally:
        _unfilled.reset(token)


def is_unfilled():
    """Whether this is within `unfilled`."""
    return _unfilled.get()


def initial_array(name, shape, seed, spec, objectness_prior=0.01, initializer=None):
    """The first value of one parameter: its canonical name and shape -> float32 array of that shape.

    Each array has a random stream of its own from (seed, name). Kernels that `ModelSpec.begins_small` names, those of
    the predicting convolutions in most families, are uniform with a standard deviation of 0.01, so that their bias,
    `ModelSpec.first_bias`, rules at first; with an initializer the predicting ones alone. Normalisation: weight and
    variance 1, bias and mean 0; scale of an L2 normalisation 20.

    Args:
        objectness_prior: how likely anything is at first, see `ModelSpec.first_bias`
        initializer: of the other kernels. "he" and None: He's uniform distribution (He et al. 2015) for the slope of
            the activation that follows, `ModelSpec.slope`; "kaiming": He's normal one for ReLU; "xavier": Glorot &
            Bengio 2010, uniform; "normal": standard deviation 0.02; "orthogonal": Saxe et al. 2013, rows or columns of
            length 1 that are at right angles

    Raises:
        ValueError: for a name that has no initialiser.
    """
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "weight" and len(shape) == 4:
        generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
        if spec.begins_small(name) and (initializer is None or predicts(name)):
            return _uniform(generator, shape, SMALL)
        return _KERNELS[initializer](generator, shape, spec.slope(name))
    if leaf == "bias" and predicts(name):
        return spec.first_bias(name, shape, objectness_prior)
    if leaf in ("weight", "running_var") and len(shape) == 1:
        return np.ones(shape, np.float32)
    if leaf in ("bias", "running_mean") and len(shape) == 1:
        return np.zeros(shape, np.float32)
    if leaf == "scale" and len(shape) == 1:
        return np.full(shape, L2_SCALE, np.float32)
    raise ValueError(f"no initialiser is declared for {name} of shape {tuple(shape)}")


def initial_arrays(shapes, seed, spec, objectness_prior=0.01, initializer=None):
    """`initial_array` of every parameter: {name: shape} -> {name: array}.

    Args:
        objectness_prior, initializer: see there
    """
    return {
        name: initial_array(name, shape, seed, spec, objectness_prior, initializer) for name, shape in shapes.items()
    }


def _uniform(generator, shape, std):
    """Uniform about 0 with this standard deviation."""
    bound = math.sqrt(3) * std
    return (generator.random(shape, dtype=np.float32) * 2 - 1) * np.float32(bound)


def _he(generator, shape, slope):
    return _uniform(generator, shape, math.sqrt(2 / (1 + slope**2) / math.prod(shape[1:])))


def _kaiming(generator, shape, slope):
    return generator.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / math.prod(shape[1:])))


def _xavier(generator, shape, slope):
    fan_in, fan_out = math.prod(shape[1:]), shape[0] * math.prod(shape[2:])
    return _uniform(generator, shape, math.sqrt(2 / (fan_in + fan_out)))


def _normal(generator, shape, slope):
    return generator.standard_normal(shape, np.float32) * np.float32(0.02)


def _orthogonal(generator, shape, slope):
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return (q if rows >= columns else q.T).reshape(shape).astype(np.float32)


_KERNELS = {None: _he, "he": _he, "kaiming": _kaiming, "xavier": _xavier, "normal": _normal, "orthogonal": _orthogonal}
