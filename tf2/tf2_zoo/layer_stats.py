"""Mean and variance of what each layer puts out in a step, and how much of it isn't finite."""

from functools import partial

import tensorflow as tf

from tf2_zoo.layers import named_modules, named_variables


def layer_stats(model):
    """A function uint8 (B, H, W, 3) -> see `trizoo.framework.Learner.layer_stats`. It makes a graph for each size."""
    names = []

    @tf.function(reduce_retracing=True)
    def traced(images, size):
        found = []
        names.clear()

        def note(name, call, *inputs):
            output = call(*inputs)
            names.append(name)
            found.append((tf.size(output, tf.int64), _statistics(output)))
            return output

        kept = {name: tf.identity(v) for name, v in named_variables(model).items() if not v.trainable}
        layers = [
            (name, layer)
            for name, layer in named_modules(model)
            if any(isinstance(value, tf.Variable) for value in vars(layer).values())
        ]
        for name, layer in layers:
            layer.call = partial(note, name, layer.call)
        try:
            model(tf.ensure_shape(images, (None, *size, 3)), training=True)
        finally:
            for _, layer in layers:
                del layer.call
        variables = named_variables(model)
        for name, before in kept.items():
            variables[name].assign(before)
        return found

    def look(images):
        found = traced(images, tuple(images.shape[1:3]))
        return [(name, int(values), statistics) for name, (values, statistics) in zip(names, found, strict=True)]

    return look


def _statistics(output):
    """Mean and variance of the finite values, 0 where there are none, and how many aren't: scalars."""
    x = tf.cast(output, tf.float32)
    finite = tf.math.is_finite(x)
    count = tf.maximum(tf.reduce_sum(tf.cast(finite, tf.float32)), 1)
    mean = tf.reduce_sum(tf.where(finite, x, 0.0)) / count
    variance = tf.reduce_sum(tf.where(finite, (x - mean) ** 2, 0.0)) / count
    return mean, variance, tf.reduce_sum(tf.cast(~finite, tf.int64))
