"""What each layer of a network puts out, and what a training step holds, found without computing anything."""

import math
from collections import defaultdict
from functools import partial

import tensorflow as tf

from tf2_zoo.families import FAMILIES, make_network
from tf2_zoo.layers import named_modules
from tf2_zoo.precision import set_precision
from trizoo.weights.initial import unfilled

# operations whose result is their first input's memory, and those that may write it over an input that is used up
_VIEWS = {"EnsureShape", "ExpandDims", "Identity", "PreventGradient", "Reshape", "Squeeze", "StopGradient"}
_IN_PLACE = {
    "Add",
    "AddN",
    "AddV2",
    "BiasAdd",
    "Cast",
    "Exp",
    "LeakyRelu",
    "LeakyReluGrad",
    "Log",
    "Maximum",
    "Minimum",
}
_IN_PLACE |= {"Mul", "Neg", "Pow", "RealDiv", "Relu", "Relu6", "Relu6Grad", "ReluGrad", "Rsqrt", "Select", "SelectV2"}
_IN_PLACE |= {"Sigmoid", "SigmoidGrad", "Softplus", "SoftplusGrad", "Sqrt", "Square", "Sub", "Tanh", "TanhGrad"}
_NOT_MADE = {"Const", "Placeholder", "ReadVariableOp"}  # by a step


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


def held_bytes(spec, recipe, batch):
    """See `trizoo.framework.Framework.held_bytes`: the step's graph is walked in the order in which it was made."""
    _, height, width, _ = batch.images.shape
    with tf.device("/CPU:0"), unfilled():
        network = make_network(spec)
    set_precision(network, recipe.precision)
    loss, trained = FAMILIES[spec.family].loss(spec, recipe.loss), network.trainable_variables

    def differentiate(images, targets):
        with tf.GradientTape() as tape:
            terms = loss(network(images, training=True), targets, (width, height))
        return tape.gradient(terms["loss"], trained)

    given = tf.nest.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), (batch.images, batch.targets))
    return _most_alive(tf.function(differentiate).get_concrete_function(*given).graph)


def _most_alive(graph):
    """The most bytes of a graph's tensors that are needed at once, the graph's own outputs apart."""
    operations, buffers, last = graph.get_operations(), {}, {}
    for number, operation in enumerate(operations):
        inputs = [buffers.get(tensor.ref(), tensor.ref()) for tensor in operation.inputs]
        last.update(dict.fromkeys(inputs, number))
        if operation.type in _VIEWS:
            buffers[operation.outputs[0].ref()] = inputs[0]
    sizes = {buffers.get(tensor.ref(), tensor.ref()): 0 for tensor in graph.outputs}
    now, most, ends = 0, 0, defaultdict(list)
    for number, operation in enumerate(operations):
        is_made = operation.type not in _NOT_MADE | _VIEWS
        made = [tensor for tensor in operation.outputs if is_made and tensor.ref() in last]
        for tensor in made:
            size = sizes.setdefault(tensor.ref(), _bytes(tensor))
            if operation.type in _IN_PLACE:
                used_up = (buffers.get(given.ref(), given.ref()) for given in operation.inputs)
                taken = next((given for given in used_up if last[given] == number and sizes.get(given) == size), None)
                if taken is not None:
                    now -= size
                    sizes[taken] = 0
            now += size
            ends[last[tensor.ref()]].append(tensor.ref())
        most = max(most, now)
        now -= sum(sizes[tensor] for tensor in ends.pop(number, ()))
    return most


def _bytes(tensor):
    """Of a tensor whose shape is known; of others, which are small, 0."""
    if not tensor.shape.is_fully_defined() or not tensor.dtype.size:
        return 0
    return math.prod(tensor.shape) * tensor.dtype.size
