"""What each layer of a network puts out, and what a training step holds, found without computing anything."""

import math
from functools import partial

import keras

from keras_zoo.families import make_network
from keras_zoo.layers import named_layers
from keras_zoo.layout import CHANNELS_FIRST
from trizoo.weights.initial import unfilled

# bytes that a step holds for each number that a layer with parameters puts out: their activations, sums and gradients
_HELD = 4 * 1.5


def trace(spec, size):
    """See `trizoo.framework.Framework.trace`."""
    calls = []

    def note(name, call, *inputs, **options):
        output = call(*inputs, **options)
        _, *shape = output.shape
        calls.append((name, (*shape[1:], shape[0]) if CHANNELS_FIRST else tuple(shape)))
        return output

    def begin(call, *inputs, **options):
        calls.clear()  # on PyTorch Keras may run a network twice to find its shapes
        return call(*inputs, **options)

    with keras.device("cpu"), unfilled():
        network = make_network(spec)
        for name, layer in list(named_layers(network)):
            if layer._trainable_variables:
                layer.call = partial(note, name, layer.call)
        network.call = partial(begin, network.call)
        images = keras.KerasTensor((1, size[1], size[0], 3), "uint8")
        outputs = network(images, training=False)
    return calls, [tuple(output.shape[1:]) for output in outputs]


def held_bytes(spec, recipe, batch):
    """See `trizoo.framework.Framework.held_bytes`: by what layers put out, since backends have no graph in common."""
    count, height, width, _ = batch.images.shape
    calls, outputs = trace(spec, (width, height))
    values = sum(math.prod(shape) for shape in [*(shape for _, shape in calls), *outputs])
    return round(count * values * _HELD * (1 if recipe.precision == "fp32" else 0.5))
