"""What each layer of a network puts out, found without computing anything."""

from functools import partial

import tensorflow as tf

from tf2_zoo.families import make_network
from tf2_zoo.layers import named_modules
from trizoo.weights.initial import unfilled


def trace(spec, size):
    """See `trizoo.framework.Framework.trace`."""
    calls = []

    def note(name, call, *inputs):
        output = call(*inputs)
        calls.append((name, tuple(output.shape[1:])))
        return output

    with tf.device("/CPU:0"), unfilled():
        network = make_network(spec)
    for name, layer in list(named_modules(network)):
        if any(isinstance(value, tf.Variable) for value in vars(layer).values()):
            layer.call = partial(note, name, layer.call)
    images = tf.TensorSpec((1, size[1], size[0], 3), tf.uint8)
    graph = tf.function(lambda images: network(images, training=False)).get_concrete_function(images)
    return calls, [tuple(output.shape[1:]) for output in graph.outputs]
