"""The layers of a network, with their parameters and multiply-adds, from names and shapes alone."""

import math
from dataclasses import dataclass

STATISTICS = ("running_mean", "running_var")


@dataclass(frozen=True)
class Layer:
    """A layer with parameters.

    Args:
        name: canonical, without the leaf
        kind: in words
        output: (H, W, C) of the first call, for one image
        parameters: numbers that training changes
        macs: multiply-adds of a convolution for one image, in all its calls; nothing else counts
        calls: how often it is called
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    macs: int
    calls: int


def layers_of(shapes, calls):
    """The Layers of a network, in the order of their first calls.

    Args:
        shapes: {canonical name: shape}
        calls: [(name of a layer, shape of its output without the batch)], of one image
    """
    arrays = {}
    for name, shape in shapes.items():
        layer, _, leaf = name.rpartition(".")
        arrays.setdefault(layer, {})[leaf] = shape
    outputs = {}
    for name, output in calls:
        outputs.setdefault(name, []).append(output)
    return [_layer(name, arrays[name], found) for name, found in outputs.items()]


def count_parameters(shapes):
    """How many numbers training changes: all but the statistics of batch norms.

    Args:
        shapes: {canonical name: shape}
    """
    return sum(math.prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in STATISTICS)


def count_macs(layers):
    """Multiply-adds of all convolutions for one image; twice that are the operations that GFLOPs count."""
    return sum(layer.macs for layer in layers)


def _layer(name, arrays, outputs):
    values = sum(math.prod(output) for output in outputs)
    kernel = arrays.get("weight", ())
    of_value = math.prod(kernel[1:]) if len(kernel) > 2 else 0  # (out, in, h, w); of a normalisation (channels,)
    return Layer(name, _kind(arrays), outputs[0], count_parameters(arrays), of_value * values, calls=len(outputs))


def _kind(arrays):
    if "scale" in arrays:
        return "L2 norm"
    kernel = arrays["weight"]
    if len(kernel) < 3:
        return "batch norm" if "running_mean" in arrays else "group norm"
    sides = "x".join(map(str, kernel[2:]))
    depthwise = "depthwise " if kernel[1] == 1 and kernel[0] > 1 and max(kernel[2:]) > 1 else ""
    return f"{depthwise}conv {sides}"
