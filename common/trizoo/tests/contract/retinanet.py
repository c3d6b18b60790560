"""RetinaNet's graphs: parameter counts, the order of predictions, what the levels are made of.

Beside `zoo` they need the fixture `head_shapes`: a network and the size (width, height) of one image -> the shapes of
its heads, without computing them.
"""

import math

import numpy as np
import pytest

from trizoo.families.retinanet.anchors import pyramid_cells
from trizoo.families.retinanet.spec import RETINANET_ARCHITECTURES
from trizoo.parity.pseudo import pseudo_images
from trizoo.weights.initial import initial_arrays

# trainable parameters for 91 and 20 classes; each class has 9 anchors * (256 * 9 weights + a bias), so 71 fewer are
# 71 * 9 * 2305 = 1 472 895 fewer. With torchvision's resnet18 and resnet34 without their classifiers the first are
# 11 176 512 or 21 284 672, laterals (128 + 256 + 512) * 256 + 3 * 256, 5 + 2 * 4 convolutions of 9 * 256 * 256 + 256
# and 9 * (91 + 4) * 2305; resnet50, 101 and 152 have four times as many channels in their features
COUNTS = {
    "retinanet-resnet18": (21_048_471, 19_575_576),
    "retinanet-resnet34": (31_156_631, 29_683_736),
    # torchvision publishes 34 014 999, in which its frozen batch norms have no parameters: 2 * 26 560 fewer
    "retinanet-resnet50": (34_068_119, 32_595_224),
    "retinanet-resnet50-v2": (38_198_935, 36_726_040),  # published
    "retinanet-resnet101": (53_060_247, 51_587_352),
    "retinanet-resnet152": (68_703_895, 67_231_000),
}


def retinanet_spec(name, num_classes, **options):
    """What the networks need to know."""
    normalisation = {"mean": (123.0, 117.0, 104.0), "std": (60.0, 60.0, 60.0)}
    return RETINANET_ARCHITECTURES[name].spec(name, num_classes, **normalisation, **options)


def small_network(zoo, **options):
    """A RetinaNet of 2 classes on ResNet-18, and its spec."""
    spec = retinanet_spec("retinanet-resnet18", 2, **options)
    return zoo.build(spec, zoo.device("cpu"), seed=None), spec


def known_arrays(shapes, biases):
    """Arrays with which all features are known: their first channel is what the biases of the pyramid make of it.

    The backbone and the laterals give nothing but their biases, other convolutions keep the first channel and add their
    bias, a block of the class head's tower doubles it. Both predictions take the pixel above once and the one on the
    left a hundred times, and add the number of the channel.
    """
    arrays = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for name, array in arrays.items():
        if name.endswith(".running_var"):
            array[:] = 1
        elif ".predict_" in name:
            if name.endswith(".bias"):
                array[:] = np.arange(len(array))
            else:
                array[:, 0, 0, 1], array[:, 0, 1, 0] = 1, 100
        elif name.endswith("conv.weight") and name.startswith(("fpn.output", "fpn.p", "head_")):
            array[0, 0, 1, 1] = 2 if name.startswith("head_class.") else 1
    for name, bias in biases.items():
        arrays[f"fpn.{name}.conv.bias"][0] = bias
    return arrays


def known_heads(values, size, num_classes):
    """What `known_arrays` make of levels with these values: deltas (1, N, 4), logits (1, N, C)."""
    heads = []
    for length, factor in [(4, 1), (num_classes, 2**4)]:
        rows = []
        for value, (columns, lines) in zip(values, pyramid_cells(size).tolist(), strict=True):
            for row in range(lines):
                for column in range(columns):
                    beside = factor * value * ((row > 0) + 100 * (column > 0))
                    rows += [beside + anchor * length + np.arange(length) for anchor in range(9)]
        heads.append(np.array(rows, np.float32)[None])
    return heads


@pytest.mark.parametrize("name", COUNTS)
def test_retinanet_has_as_many_parameters_as_published(zoo, name):
    counts = []
    for num_classes in (91, 20):
        shapes = zoo.shapes(zoo.build(retinanet_spec(name, num_classes), zoo.device("cpu"), seed=None))
        counts.append(sum(math.prod(shape) for key, shape in shapes.items() if ".running_" not in key))
    assert tuple(counts) == COUNTS[name]


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (65, 97), (32, 200)])
def test_retinanet_predicts_for_each_anchor_of_its_grid_in_order(zoo, size):
    model, spec = small_network(zoo)
    # the sums from the top down: p5 = 100, p4 = 100 + 10, p3 = 100 + 10 + 1; p6 = p5 + 20; p7 = p6 + 7
    biases = {"lateral_c3": 1, "lateral_c4": 10, "lateral_c5": 100, "p6": 20, "p7": 7}
    zoo.assign(model, known_arrays(zoo.shapes(model), biases))
    found = zoo.predictor(model, "fp32", zoo.device("cpu"))(pseudo_images(1, size))
    for head, wanted in zip(found, known_heads((111, 110, 100, 120, 127), size, 2), strict=True):
        assert head.dtype == np.float32
        np.testing.assert_allclose(head, wanted, atol=0.1)
    assert len(found[0][0]) == len(found[1][0]) == len(spec.grid(size).boxes)


@pytest.mark.parametrize(("p6_from_c5", "bias", "p6", "p7"), [(True, 20, 20, 27), (False, -130, 0, 7)])
def test_the_coarsest_levels_are_made_of_c5_or_p5_and_of_what_is_above_zero(zoo, p6_from_c5, bias, p6, p7):
    """C5 is 0 here and P5 100, so that P6 is the bias alone, or 100 - 130, of which towers and P7 see 0."""
    model, _ = small_network(zoo, p6_from_c5=p6_from_c5)
    zoo.assign(model, known_arrays(zoo.shapes(model), {"lateral_c5": 100, "p6": bias, "p7": 7}))
    # 256 pixels, since a level of one cell doesn't show its value
    found = zoo.predictor(model, "fp32", zoo.device("cpu"))(pseudo_images(1, (256, 256)))
    for head, wanted in zip(found, known_heads((100, 100, 100, p6, p7), (256, 256), 2), strict=True):
        np.testing.assert_allclose(head, wanted, atol=0.1)


@pytest.mark.parametrize("name", ["retinanet-resnet18", "retinanet-resnet50-v2"])
@pytest.mark.parametrize(("size", "count"), [((600, 600), 67_995), ((608, 608), 69_354), ((1333, 800), 200_700)])
def test_the_number_of_predictions_is_that_of_the_anchors(zoo, head_shapes, name, size, count):
    # 600: 9 * (75^2 + 38^2 + 19^2 + 10^2 + 5^2); 608: 9 * (76^2 + 38^2 + 19^2 + 10^2 + 5^2);
    # 1333 x 800: 9 * (167 * 100 + 84 * 50 + 42 * 25 + 21 * 13 + 11 * 7)
    model = zoo.build(retinanet_spec(name, 3), zoo.device("cpu"), seed=None)
    assert head_shapes(model, size) == [(1, count, 4), (1, count, 3)]


def test_the_second_versions_heads_are_normalised_in_groups_and_its_p6_is_made_of_c5(zoo):
    first, second = (
        zoo.shapes(zoo.build(retinanet_spec(name, 2), zoo.device("cpu"), seed=None)) for name in list(COUNTS)[2:4]
    )
    towers = [f"head_{kind}.tower.{number}" for kind in ("class", "box") for number in range(4)]
    assert first.keys() - second.keys() == {f"{tower}.conv.bias" for tower in towers}
    assert second.keys() - first.keys() == {f"{tower}.gn.{leaf}" for tower in towers for leaf in ("weight", "bias")}
    assert {key: (first[key], second[key]) for key in first.keys() & second.keys() if first[key] != second[key]} == {
        "fpn.p6.conv.weight": ((256, 256, 3, 3), (256, 2048, 3, 3))
    }


def test_a_backbone_normalised_in_groups_has_no_batch_norm(zoo):
    names = zoo.shapes(small_network(zoo, norm="group")[0])
    assert "backbone.stem.gn.weight" in names
    assert not [name for name in names if ".bn." in name]


@pytest.mark.parametrize("options", [{}, {"norm": "group"}])
def test_an_untrained_retinanet_predicts_the_prior_for_each_class(zoo, options):
    model, spec = small_network(zoo, **options)
    zoo.assign(model, initial_arrays(zoo.shapes(model), 0, spec, objectness_prior=0.01))
    deltas, logits = zoo.predictor(model, "fp32", zoo.device("cpu"))(pseudo_images(2, (64, 64)))
    scores = 1 / (1 + np.exp(-logits))
    assert scores.mean() == pytest.approx(0.01, abs=0.001)
    assert scores.max() < 0.05
    assert np.abs(deltas).max() < 0.5
