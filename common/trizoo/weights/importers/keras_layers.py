"""Keras's layers as arrays with PyTorch's leaves, whichever Keras wrote them: all keep one order within a layer.

Convolutions and dense layers: kernel, bias. Batch norms: gamma, beta, moving mean, moving variance.
"""

from trizoo.weights.readers.keras_h5 import VARIABLES

KINDS = ("keras2", "keras3")
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")


def named(weights):
    """{"<layer>.<leaf>": array} of a `trizoo.weights.readers.Weights` of one of KINDS; views without a copy.

    Kernels are (out, in, h, w), depthwise ones (channels, 1, h, w), those of dense layers stay (in, out). A layer
    within another is called by its own name.
    """
    arrays = {}
    for layer, values in _layers(weights).items():
        if len(values) == len(BATCH_NORM) and all(value.ndim == 1 for value in values):
            arrays |= {f"{layer}.{leaf}": value for leaf, value in zip(BATCH_NORM, values, strict=True)}
            continue
        for number, value in enumerate(values):
            leaf = ("weight", "bias")[number] if number < 2 else str(number)
            arrays[f"{layer}.{leaf}"] = _canonical(layer, value)
    return arrays


def _layers(weights):
    """{layer: its arrays in order}."""
    by_parent = {}
    for path, array in weights.arrays.items():
        by_parent.setdefault(path.rpartition("/")[0], []).append(array)
    if weights.kind == "keras3":
        names = weights.about["names"]
        return {names.get(parent.removesuffix(f"/{VARIABLES}"), parent): arrays for parent, arrays in by_parent.items()}
    # Keras 2: <group>/<layer>/<weight>. Of a group with one layer the group has the name, since Keras numbers a
    # layer that is made twice; a model within the model is a group with several
    groups = {}
    for parent, arrays in by_parent.items():
        groups.setdefault(parent.split("/")[0], {})[parent.rpartition("/")[2]] = arrays
    return {
        (group if len(layers) == 1 else layer): arrays
        for group, layers in groups.items()
        for layer, arrays in layers.items()
    }


def _canonical(layer, value):
    if value.ndim != 4:
        return value
    return value.transpose(2, 3, 0, 1) if "depthwise" in layer else value.transpose(3, 2, 0, 1)
