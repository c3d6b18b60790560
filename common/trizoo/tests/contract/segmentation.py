"""The segmentation networks: parameter counts, names, sizes, output strides, and logits that a golden holds.

Beside `zoo` they need the fixture `head_shapes`: a network and the size (width, height) of one image -> the shapes of
its heads, computed without numbers.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from trizoo.families.segmentation.spec import OUTPUT_STRIDES, SEGMENTATION_ARCHITECTURES
from trizoo.parity.golden import TOLERANCE, difference, summarize
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.weights.initial import initial_arrays

# parameters of 21 classes: trainable, and with the statistics of batch norms
COUNTS = {
    "deeplabv3plus-mobilenetv2": (2_719_813, 2_758_597),
    "deeplabv3plus-xception65": (
        41_055_413,
        41_258_213,
    ),  # the latter of the public Keras model of TensorFlow's weights
    "deeplabv3plus-resnet50": (26_696_133, 26_766_853),
    "deeplabv3plus-resnet101": (45_688_261, 45_811_205),
    # torchvision publishes 42 004 074 and 60 996 202; its auxiliary head has a 3x3 block of 1024 to 256 channels and
    # 256 * 21 + 21 for the classes: 2 365 205
    "deeplabv3-resnet50": (42_004_074 - 2_365_205, 39_695_573),
    "deeplabv3-resnet101": (60_996_202 - 2_365_205, 58_739_925),
    "deeplabv3-mobilenetv2": (2_113_557, 2_146_645),  # the latter as above
    "pspnet-mobilenetv2": (4_875_669, 4_908_885),
    "pspnet-resnet50": (46_592_597, 46_650_837),
}
GOLDEN = Path(__file__).with_suffix(".npz")
SMALLEST = "deeplabv3plus-mobilenetv2"
LARGE = (320, 304)  # (width, height): 20 x 19 cells at output stride 16, which dilations by 18 reach across
CASES = {  # others are in common/trizoo/parity/golden
    f"{SMALLEST}-16": (SMALLEST, 16, False),
    "pspnet-mobilenetv2-8": ("pspnet-mobilenetv2", 8, False),
    "pspnet-mobilenetv2-8-corners": ("pspnet-mobilenetv2", 8, True),
}


def segmentation_spec(name, num_classes, output_stride=None, align_corners=None):
    """The spec of a model whose images are normalised as they usually are."""
    normalisation = {"mean": (123.0, 117.0, 104.0), "std": (60.0, 60.0, 60.0)}
    options = {"output_stride": output_stride, "align_corners": align_corners}
    return SEGMENTATION_ARCHITECTURES[name].spec(name, num_classes, **options, **normalisation)


def network(zoo, name, num_classes, output_stride=None, align_corners=None):
    """A network with pseudo-weights."""
    model = zoo.build(segmentation_spec(name, num_classes, output_stride, align_corners), zoo.device("cpu"), seed=None)
    zoo.assign(model, pseudo_arrays(zoo.shapes(model)))
    return model


def logits_of(zoo, model, images):
    """What a network makes of uint8 images."""
    (logits,) = zoo.predictor(model, "fp32", zoo.device("cpu"))(images)
    return logits


def kernels(shapes, prefix):
    """The convolutions whose names begin so: [(name without prefix and leaf, shape)]."""
    found = [(name, shape) for name, shape in shapes.items() if name.startswith(prefix) and len(shape) == 4]
    return [(name.removeprefix(prefix).removesuffix(".weight").removesuffix(".conv"), shape) for name, shape in found]


@pytest.mark.parametrize("name", COUNTS)
def test_segmentation_models_have_as_many_parameters_as_published_at_either_stride(zoo, name):
    device = zoo.device("cpu")
    dense, coarse = (
        zoo.shapes(zoo.build(segmentation_spec(name, 21, stride), device, seed=None)) for stride in OUTPUT_STRIDES
    )
    assert list(dense.items()) == list(coarse.items())
    trainable = sum(math.prod(shape) for key, shape in dense.items() if ".running_" not in key)
    assert (trainable, sum(math.prod(shape) for shape in dense.values())) == COUNTS[name]


def test_the_number_of_classes_changes_nothing_but_the_head(zoo):
    for name in ("deeplabv3plus-mobilenetv2", "deeplabv3-resnet50", "pspnet-mobilenetv2"):
        few, many = (zoo.shapes(zoo.build(segmentation_spec(name, classes), "cpu", seed=None)) for classes in (2, 21))
        assert few.keys() == many.keys()
        changed = [key for key in few if few[key] != many[key]]
        assert changed == ["head.predict_class.weight", "head.predict_class.bias"]


def test_deeplabv3s_parts_are_torchvisions_classifier_in_its_order(zoo):
    shapes = zoo.shapes(zoo.build(segmentation_spec("deeplabv3-resnet50", 21), "cpu", seed=None))
    # classifier.0.convs.0 to .4, .0.project, .1 with .2 and .4
    assert kernels(shapes, "aspp.") + kernels(shapes, "head.") == [
        ("conv", (256, 2048, 1, 1)),
        ("dilated.0", (256, 2048, 3, 3)),
        ("dilated.1", (256, 2048, 3, 3)),
        ("dilated.2", (256, 2048, 3, 3)),
        ("pool", (256, 2048, 1, 1)),
        ("project", (256, 1280, 1, 1)),
        ("conv", (256, 256, 3, 3)),
        ("predict_class", (21, 256, 1, 1)),
    ]


def test_deeplabv3plus_has_separable_convolutions_and_a_decoder(zoo):
    shapes = zoo.shapes(zoo.build(segmentation_spec(SMALLEST, 21), "cpu", seed=None))
    dilated = [
        (f"dilated.{number}.{half}", shape)
        for number in range(3)
        for half, shape in (("depthwise", (320, 1, 3, 3)), ("pointwise", (256, 320, 1, 1)))
    ]
    assert kernels(shapes, "aspp.") == [
        ("conv", (256, 320, 1, 1)),
        *dilated,
        ("pool", (256, 320, 1, 1)),
        ("project", (256, 1280, 1, 1)),
    ]
    assert kernels(shapes, "decoder.") == [
        ("low", (48, 24, 1, 1)),
        ("conv1.depthwise", (304, 1, 3, 3)),
        ("conv1.pointwise", (256, 304, 1, 1)),
        ("conv2.depthwise", (256, 1, 3, 3)),
        ("conv2.pointwise", (256, 256, 1, 1)),
    ]
    assert "decoder.conv1.depthwise.bn.weight" in shapes
    assert kernels(shapes, "head.") == [("predict_class", (21, 256, 1, 1))]


def test_tensorflows_deeplabv3_is_pooling_and_one_convolution(zoo):
    shapes = zoo.shapes(zoo.build(segmentation_spec("deeplabv3-mobilenetv2", 21), "cpu", seed=None))
    assert kernels(shapes, "aspp.") == [
        ("conv", (256, 320, 1, 1)),
        ("pool", (256, 320, 1, 1)),
        ("project", (256, 512, 1, 1)),
    ]
    assert kernels(shapes, "head.") == [("predict_class", (21, 256, 1, 1))]


@pytest.mark.parametrize(("stride", "rates"), [(16, [6, 12, 18]), (8, [12, 24, 36])])
def test_rates_of_dilation_are_twice_as_high_at_half_the_output_stride(zoo, stride, rates):
    for name in (SMALLEST, "deeplabv3-resnet50"):
        model = zoo.build(segmentation_spec(name, 2, stride), zoo.device("cpu"), seed=None)
        convs = [getattr(block, "depthwise", block).conv for block in model.aspp.dilated]
        found = [conv.dilation if hasattr(conv, "dilation") else conv.dilation_rate for conv in convs]
        assert [int(np.max(rate)) for rate in found] == rates


@pytest.mark.parametrize("name", [SMALLEST, "deeplabv3-mobilenetv2", "pspnet-mobilenetv2"])
def test_logits_have_the_inputs_size(zoo, head_shapes, name):
    for stride in OUTPUT_STRIDES:
        model = zoo.build(segmentation_spec(name, 3, stride), zoo.device("cpu"), seed=None)
        for width, height in [(513, 513), (33, 32), (200, 75)]:
            assert head_shapes(model, (width, height)) == [(1, height, width, 3)]


def test_segmentation_equals_the_golden(zoo):
    found = {}
    for case, (name, stride, align_corners) in CASES.items():
        logits = logits_of(zoo, network(zoo, name, 21, stride, align_corners), pseudo_images(2, LARGE))
        assert logits.shape == (2, LARGE[1], LARGE[0], 21)
        assert logits.dtype == np.float32
        found |= {f"{case}/{LARGE[0]}x{LARGE[1]}/{key}": value for key, value in summarize([logits]).items()}
    if zoo.name == "pytorch" and not GOLDEN.exists():  # so deleting it makes it again
        np.savez_compressed(GOLDEN, **found)
        pytest.skip(f"{GOLDEN.name} was missing and is written")
    with np.load(GOLDEN, allow_pickle=False) as golden:
        for case in {key.split("/")[0] for key in found}:
            expected, measured = (
                {key: values[key] for key in values if key.startswith(f"{case}/")} for values in (golden, found)
            )
            assert difference(expected, measured) < TOLERANCE, case


def test_an_image_is_segmented_the_same_whatever_is_beside_it_in_the_batch(zoo):
    model, images = network(zoo, SMALLEST, 3), pseudo_images(2, (65, 97))
    both, first = (logits_of(zoo, model, images[:count]) for count in (2, 1))
    np.testing.assert_allclose(both[:1], first, atol=1e-4 * np.abs(both).max())


def test_an_untrained_network_finds_no_class_likelier_than_another(zoo):
    spec = segmentation_spec(SMALLEST, 4)
    model = zoo.build(spec, zoo.device("cpu"), seed=None)
    zoo.assign(model, initial_arrays(zoo.shapes(model), 0, spec))
    assert np.abs(logits_of(zoo, model, pseudo_images(2, (96, 64)))).max() < 1
