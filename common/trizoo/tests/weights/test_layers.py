"""Layers from names, shapes and calls, against counts by hand."""

from trizoo.weights.layers import count_macs, count_parameters, layers_of

SHAPES = {
    "stem.conv.weight": (8, 3, 3, 3),
    "stem.bn.weight": (8,),
    "stem.bn.bias": (8,),
    "stem.bn.running_mean": (8,),
    "stem.bn.running_var": (8,),
    "depth.conv.weight": (8, 1, 3, 3),
    "depth.gn.weight": (8,),
    "depth.gn.bias": (8,),
    "norm.scale": (8,),
    "predict.weight": (5, 8, 1, 1),
    "predict.bias": (5,),
}
CALLS = [
    ("stem.conv", (4, 6, 8)),
    ("stem.bn", (4, 6, 8)),
    ("depth.conv", (2, 3, 8)),
    ("depth.gn", (2, 3, 8)),
    ("norm", (2, 3, 8)),
    ("predict", (4, 6, 5)),
    ("predict", (2, 3, 5)),
]


def test_layers_are_told_by_their_arrays():
    kinds = {layer.name: layer.kind for layer in layers_of(SHAPES, CALLS)}
    assert kinds == {
        "stem.conv": "conv 3x3",
        "stem.bn": "batch norm",
        "depth.conv": "depthwise conv 3x3",
        "depth.gn": "group norm",
        "norm": "L2 norm",
        "predict": "conv 1x1",
    }


def test_multiply_adds_are_of_convolutions_in_all_their_calls():
    layers = {layer.name: layer for layer in layers_of(SHAPES, CALLS)}
    assert layers["stem.conv"].macs == 4 * 6 * 8 * 3 * 9
    assert layers["depth.conv"].macs == 2 * 3 * 8 * 9
    assert (layers["predict"].macs, layers["predict"].calls) == ((24 + 6) * 5 * 8, 2)
    assert layers["predict"].output == (4, 6, 5)
    assert count_macs(layers.values()) == 4 * 6 * 8 * 27 + 2 * 3 * 8 * 9 + 30 * 40


def test_statistics_are_no_parameters():
    layers = layers_of(SHAPES, CALLS)
    assert count_parameters(SHAPES) == 216 + 16 + 72 + 16 + 8 + 45
    assert sum(layer.parameters for layer in layers) == count_parameters(SHAPES)
