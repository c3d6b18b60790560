"""Graphs: parameter counts, names, goldens, the layout of heads, an untrained model's predictions."""

import gc
import math
from functools import cache

import numpy as np
import pytest

from trizoo.families import ARCHITECTURES, architecture, model_spec
from trizoo.families.yolo.spec import ATTENTION, YOLO_ARCHITECTURES
from trizoo.parity.golden import GOLDENS, TOLERANCE, difference, golden_spec, load_golden_heads, measure, sizes
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.weights.initial import initial_arrays
from trizoo.weights.names import load_names, names_text

ONE_OF_EACH = ("yolov3-tiny", "yolov4-tiny", "ssd300-mobilenetv2", "retinanet-resnet18", "deeplabv3plus-mobilenetv2")


def count(shapes):
    """(trainable parameters, all floats of a weight file)."""
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    return sum(size for name, size in sizes.items() if ".running_" not in name), sum(sizes.values())


@pytest.fixture(scope="module")
def shapes(zoo):
    """A function: a model's name -> {name: shape} of its 80 classes, made once."""
    return cache(lambda name: zoo.shapes(zoo.build(golden_spec(name), zoo.device("cpu"), seed=None)))


# trainable parameters for 80 and 20 classes, floats of the weight file for 80. Those of YOLO are published so, others
# for other numbers of classes: see ssd.py, retinanet.py and segmentation.py
COUNTS = {
    "yolov3": (61_949_149, 61_626_049, 62_001_757),
    "yolov3-spp": (62_998_749, 62_675_649, 63_052_381),
    "yolov3-tiny": (8_852_366, 8_713_766, 8_858_734),
    "yolov4": (64_363_101, 64_040_001, 64_429_405),
    "yolov4-tiny": (6_056_606, 5_918_006, 6_062_814),
    "ssd300-vgg16": (34_305_206, 26_285_486, 34_305_206),
    "ssd512-vgg16": (36_038_196, 27_188_676, 36_038_196),
    "ssd300-mobilenetv2": (16_392_628, 6_851_908, 16_431_220),
    "retinanet-resnet18": (20_820_276, 19_575_576, 20_829_876),
    "retinanet-resnet34": (30_928_436, 29_683_736, 30_945_460),
    "retinanet-resnet50": (33_839_924, 32_595_224, 33_893_044),
    "retinanet-resnet50-v2": (37_970_740, 36_726_040, 38_023_860),
    "retinanet-resnet101": (52_832_052, 51_587_352, 52_937_396),
    "retinanet-resnet152": (68_475_700, 67_231_000, 68_627_124),
    "deeplabv3plus-mobilenetv2": (2_734_976, 2_719_556, 2_773_760),
    "deeplabv3plus-xception65": (41_070_576, 41_055_156, 41_273_376),
    "deeplabv3plus-resnet50": (26_711_296, 26_695_876, 26_782_016),
    "deeplabv3plus-resnet101": (45_703_424, 45_688_004, 45_826_368),
    "deeplabv3-resnet50": (39_654_032, 39_638_612, 39_710_736),
    "deeplabv3-resnet101": (58_646_160, 58_630_740, 58_755_088),
    "deeplabv3-mobilenetv2": (2_128_720, 2_113_300, 2_161_808),
    "pspnet-mobilenetv2": (4_905_936, 4_875_156, 4_939_152),
    "pspnet-resnet50": (46_622_864, 46_592_084, 46_681_104),
    "keypoints-stride32": (581_667, 573_927, 583_107),
    "keypoints-stride16": (255_875, 250_055, 256_739),
    "classify-vgg16": (20_565_904, 20_504_404, 20_565_904),
    "classify-resnet18": (11_217_552, 11_186_772, 11_227_152),
    "classify-resnet34": (21_325_712, 21_294_932, 21_342_736),
    "classify-resnet50": (23_671_952, 23_549_012, 23_725_072),
    "classify-resnet101": (42_664_080, 42_541_140, 42_769_424),
    "classify-resnet152": (58_307_728, 58_184_788, 58_459_152),
    "classify-mobilenetv2": (2_326_352, 2_249_492, 2_360_464),
    "classify-darknet53": (40_666_928, 40_605_428, 40_702_640),
    "classify-cspdarknet53": (26_699_184, 26_637_684, 26_734_512),
    "classify-xception65": (38_031_232, 37_908_292, 38_216_432),
    "embed-resnet18": (11_252_416, 11_244_736, 11_262_016),
    "embed-resnet50": (23_780_544, 23_772_864, 23_833_664),
    "embed-mobilenetv2": (2_398_080, 2_390_400, 2_432_192),
    "multilabel-resnet18": (11_217_552, 11_186_772, 11_227_152),
    "multilabel-resnet50": (23_671_952, 23_549_012, 23_725_072),
    "multilabel-mobilenetv2": (2_326_352, 2_249_492, 2_360_464),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_models_have_as_many_parameters_as_published(zoo, shapes, name):
    trainable, floats = count(shapes(name))
    assert (trainable, floats) == COUNTS[name][::2]
    if name in YOLO_ARCHITECTURES:
        assert count(zoo.shapes(zoo.build(model_spec(name, 20), zoo.device("cpu"), seed=None)))[0] == COUNTS[name][1]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_names_and_shapes_are_those_of_the_names_file(shapes, name):
    assert names_text(shapes(name)) == names_text(load_names(name))


@pytest.mark.parametrize("name", GOLDENS)
def test_predictions_equal_the_golden_in_the_canonical_layout_and_leave_the_model_alone(zoo, name):
    gc.collect()  # the last model, before there is another
    device = zoo.device("cpu")
    model = zoo.build(golden_spec(name), device, seed=None)
    expected = pseudo_arrays(zoo.shapes(model))
    zoo.assign(model, expected)
    predict = zoo.predictor(model, "fp32", device)
    chosen = sizes(name) if name in ONE_OF_EACH else sizes(name)[-2:]  # each is compiled
    prefixes = tuple(f"{width}x{height}/" for width, height in chosen)
    golden = {key: value for key, value in load_golden_heads(name).items() if key.startswith(prefixes)}
    assert difference(golden, measure(predict, chosen)) < TOLERANCE
    if name in YOLO_ARCHITECTURES:  # heads are coarsest first
        heads, strides = predict(pseudo_images(2, (160, 64))), architecture(name).strides
        assert [head.shape for head in heads] == [(2, 64 // stride, 160 // stride, 3, 85) for stride in strides]
        assert all(head.dtype == np.float32 for head in heads)
    arrays = zoo.arrays(model)
    assert all(np.array_equal(expected[key], arrays[key]) for key in expected)


@pytest.mark.parametrize("kind", [None, *ATTENTION])
def test_attention_adds_its_arrays_and_nothing_else(zoo, kind):
    found = zoo.shapes(zoo.build(golden_spec("yolov4-tiny", attention=kind), zoo.device("cpu"), seed=None))
    plain = load_names("yolov4-tiny")
    assert {name: shape for name, shape in found.items() if "attention" not in name} == plain
    # se: C C/16 weights and as many biases as outputs, twice; cbam: those and 2 x 7 x 7; eca: a kernel of 5.
    # cbam8 has C/8 in the place of C/16
    squeezed, wider = (sum(2 * c * c // part + c + c // part for c in (256, 512, 128)) for part in (16, 8))
    added = {None: 0, "se": squeezed, "cbam": squeezed + 3 * 98, "cbam8": wider + 3 * 98, "eca": 3 * 5}[kind]
    assert count(found)[0] == COUNTS["yolov4-tiny"][0] + added


def test_an_untrained_head_predicts_the_prior(zoo):
    spec, device = model_spec("yolov3-tiny", 2), zoo.device("cpu")
    model = zoo.build(spec, device, seed=None)
    zoo.assign(model, initial_arrays(zoo.shapes(model), 0, spec, objectness_prior=0.01))
    heads = zoo.predictor(model, "fp32", device)(pseudo_images(2, (64, 64)))
    objectness = np.concatenate([head[..., 4].ravel() for head in heads])
    assert 1 / (1 + np.exp(-objectness.mean())) == pytest.approx(0.01, abs=0.003)
