"""Initial weights, made from names by NumPy, so that the three frameworks start from the same numbers."""

import math
import zlib

import numpy as np

LEAKY_SLOPE = 0.1  # of every activation in YOLOv3's .cfg files
L2_SCALE = 20.0  # Liu et al. 2016, section 3.1
_PREDICTING = (".predict.", ".predict_box.", ".predict_class.")


def initial_array(name, shape, seed, spec, objectness_prior=0.01):
    """The first value of one parameter: its canonical name and shape -> float32 array of that shape.

    Kernels: He's uniform distribution for leaky activations (He et al. 2015), in a feature pyramid for none. Those of
    the predicting convolutions: uniform with standard deviation 0.01, so that their bias rules at first, as those of
    RetinaNet's towers before them (Lin et al. 2017, section 4.1); that bias: `ModelSpec.first_bias`, by
    `objectness_prior`. Normalisation: weight and variance 1, bias and mean 0; scale of an L2 normalisation 20. Each
    array has a random stream of its own from (seed, name). Raises ValueError for a name that has no initialiser.
    """
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "weight" and len(shape) == 4:
        generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
        if _predicts(name) or ".tower." in name:
            bound = math.sqrt(3) * 0.01
        else:
            fan_in, slope = math.prod(shape[1:]), 1 if name.startswith("fpn.") else LEAKY_SLOPE
            bound = math.sqrt(3) * math.sqrt(2 / (1 + slope**2) / fan_in)
        return (generator.random(shape, dtype=np.float32) * 2 - 1) * np.float32(bound)
    if leaf == "bias" and _predicts(name):
        return spec.first_bias(name, shape, objectness_prior)
    if leaf in ("weight", "running_var") and len(shape) == 1:
        return np.ones(shape, np.float32)
    if leaf in ("bias", "running_mean") and len(shape) == 1:
        return np.zeros(shape, np.float32)
    if leaf == "scale" and len(shape) == 1:
        return np.full(shape, L2_SCALE, np.float32)
    raise ValueError(f"no initialiser is declared for {name} of shape {tuple(shape)}")


def initial_arrays(shapes, seed, spec, objectness_prior=0.01):
    """`initial_array` of every parameter: {name: shape} -> {name: array}."""
    return {name: initial_array(name, shape, seed, spec, objectness_prior) for name, shape in shapes.items()}


def _predicts(name):
    return any(part in name for part in _PREDICTING)
