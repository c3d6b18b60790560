"""Mean and variance of what each layer puts out in a step, and how much of it isn't finite."""

import math
from functools import partial

import numpy as np
from keras import ops

from keras_zoo.layers import get_array, named_layers


def layer_stats(model):
    """A function uint8 (B, H, W, 3) -> see `trizoo.framework.Learner.layer_stats`; its pass isn't compiled."""

    def look(images):
        found = []

        def note(name, call, *inputs, **options):
            output = call(*inputs, **options)
            found.append((name, math.prod(output.shape), _statistics(output)))
            return output

        kept = [(variable, get_array(variable)) for variable in model.non_trainable_variables]
        layers = [(name, layer) for name, layer in named_layers(model) if layer._trainable_variables]
        for name, layer in layers:
            layer.call = partial(note, name, layer.call)
        try:
            model(ops.convert_to_tensor(np.asarray(images)), training=True)
        finally:
            for _, layer in layers:
                del layer.call
            for variable, before in kept:
                variable.assign(before)
        return found

    return look


def _statistics(output):
    """Mean and variance of the finite values, 0 where there are none, and how many aren't: scalars."""
    x = ops.stop_gradient(ops.cast(output, "float32"))
    finite = ops.isfinite(x)
    count = ops.maximum(ops.sum(ops.cast(finite, "float32")), 1)
    mean = ops.sum(ops.where(finite, x, 0.0)) / count
    variance = ops.sum(ops.where(finite, (x - mean) ** 2, 0.0)) / count
    return tuple(float(get_array(value)) for value in (mean, variance, ops.sum(ops.cast(~finite, "int32"))))
