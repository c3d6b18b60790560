"""ResNet and Xception-65: parameter counts, names, sizes, output strides, and features that a golden holds.

Beside `zoo` they need two fixtures: `backbones`, {"ResNet": class, "Xception65": class}; and `features`, a function of
a backbone and float32 (B, H, W, 3) -> {stride: features as float32 (B, h, w, C)}.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from trizoo.parity.golden import TOLERANCE, difference, summarize
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images

# torchvision's models without their classifiers of 1000 classes
COUNTS = {18: 11_176_512, 34: 21_284_672, 50: 23_508_032, 101: 42_500_160, 152: 58_143_808}
GOLDEN = Path(__file__).with_suffix(".npz")
SIZES = ((96, 64), (65, 97))  # (width, height)
CASES = {
    "resnet18-group": ("ResNet", {"depth": 18, "norm": "group", "output_stride": 16}),
    "resnet50": ("ResNet", {"depth": 50}),
    "resnet50-caffe": ("ResNet", {"depth": 50, "stride_on_1x1": True}),
    "resnet50-none": ("ResNet", {"depth": 50, "norm": None, "output_stride": 8}),
    "xception65": ("Xception65", {}),
    "xception65-group": ("Xception65", {"norm": "group", "output_stride": 8}),
}


def filled(zoo, backbone):
    """The backbone with pseudo-weights."""
    zoo.assign(backbone, pseudo_arrays(zoo.shapes(backbone)))
    return backbone


def images_of(size):
    """Two float images of a (width, height), values in [0, 1]."""
    return pseudo_images(2, size).astype(np.float32) / 255


def numbered(name, found):
    """A backbone's features by their numbers in the golden: of a ResNet all stages, of Xception first and last.

    Where nothing strides beyond 8 or 16, only the last features are there at that stride.
    """
    *finer, last = found.values()
    if name == "Xception65":
        return {0: finer[0], 1: last}
    return {**dict(enumerate(finer)), 3: last}


def measure_backbones(zoo, backbones, features):
    """What the golden holds: {case: {key: array}}."""
    found = {}
    for case, (name, options) in CASES.items():
        backbone = filled(zoo, backbones[name](**options))
        found[case] = {
            f"{width}x{height}/{key.removesuffix('0')}{number}": value
            for width, height in SIZES
            for number, each in numbered(name, features(backbone, images_of((width, height)))).items()
            for key, value in summarize([each]).items()
        }
    return found


def trainable(shapes):
    """The number of trainable parameters."""
    return sum(math.prod(shape) for name, shape in shapes.items() if ".running_" not in name)


@pytest.mark.parametrize("depth", COUNTS)
def test_resnets_have_torchvisions_parameter_counts(zoo, backbones, depth):
    assert trainable(zoo.shapes(backbones["ResNet"](depth))) == COUNTS[depth]


def test_xception_has_the_parameter_count_of_its_public_weights(zoo, backbones):
    # timm's xception65, which takes TensorFlow's weights, has 39 916 312 with a classifier of 2048 * 1000 + 1000
    assert trainable(zoo.shapes(backbones["Xception65"]())) == 39_916_312 - 2_049_000


@pytest.mark.parametrize(("depth", "convs"), [(34, 2), (50, 3)])
def test_names_are_torchvisions_in_its_order(zoo, backbones, depth, convs):
    leaves = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    parts = ["stem"]
    for stage, count in enumerate((3, 4, 6, 3)):
        for block in range(count):
            names = [f"conv{number + 1}" for number in range(convs)]
            # layer1 of basic blocks has no downsample
            names += ["shortcut"] if block == 0 and (stage or convs == 3) else []
            parts += [f"stages.{stage}.blocks.{block}.{name}" for name in names]
    assert list(zoo.shapes(backbones["ResNet"](depth))) == [f"{part}.{leaf}" for part in parts for leaf in leaves]


def test_xceptions_names_follow_the_flow(zoo, backbones):
    shapes = zoo.shapes(backbones["Xception65"]())
    kernels = {name.removesuffix(".conv.weight"): shape for name, shape in shapes.items() if len(shape) == 4}
    separable = [f"conv{number}.{half}" for number in (1, 2, 3) for half in ("depthwise", "pointwise")]
    parts = ["conv1", "conv2"]
    parts += [f"entry.{number}.{part}" for number in range(3) for part in (*separable, "shortcut")]
    parts += [f"middle.{number}.{part}" for number in range(16) for part in separable]
    parts += [f"exit.{part}" for part in (*separable, "shortcut")] + [f"tail.{part}" for part in separable]
    assert list(kernels) == parts
    assert kernels["entry.1.conv1.depthwise"] == (128, 1, 3, 3)
    assert kernels["entry.1.conv1.pointwise"] == (256, 128, 1, 1)
    assert [kernels[f"exit.conv{number}.pointwise"][0] for number in (1, 2, 3)] == [728, 1024, 1024]
    assert [kernels[f"tail.conv{number}.pointwise"][0] for number in (1, 2, 3)] == [1536, 1536, 2048]


def test_features_equal_the_golden(zoo, backbones, features):
    found = measure_backbones(zoo, backbones, features)
    if zoo.name == "pytorch" and not GOLDEN.exists():  # so deleting it makes it again
        np.savez_compressed(GOLDEN, **{f"{case}/{key}": v for case in found for key, v in found[case].items()})
        pytest.skip(f"{GOLDEN.name} was missing and is written")
    with np.load(GOLDEN, allow_pickle=False) as golden:
        for case, measured in found.items():
            expected = {key: golden[f"{case}/{key}"] for key in measured}
            assert difference(expected, measured) < TOLERANCE, case


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ResNet", {"depth": 18}),
        ("ResNet", {"depth": 50}),
        ("ResNet", {"depth": 50, "stride_on_1x1": True}),
        ("Xception65", {}),
        ("MobileNetV2", {}),
        ("Darknet53", {}),
        ("CSPDarknet53", {}),
    ],
)
def test_dilation_sees_what_stride_sees_and_the_pixels_between(zoo, backbones, features, name, options):
    """A law: every second or fourth pixel of the denser features is what the network gives that goes on striding."""
    images = images_of((65, 97))
    found, arrays = {}, None
    for stride in (32, 16, 8):
        backbone = backbones[name](**options, output_stride=stride)
        arrays = arrays or pseudo_arrays(zoo.shapes(backbone))
        zoo.assign(backbone, arrays)  # one set of weights for all
        found[stride] = features(backbone, images)
    # 97 and 65 halve to 49, 25, 13, 7, 4 and 33, 17, 9, 5, 3
    sides = {4: (25, 17), 8: (13, 9), 16: (7, 5), 32: (4, 3)}
    for output_stride, each in found.items():
        assert {stride: x.shape[1:3] for stride, x in each.items()} == {
            stride: side for stride, side in sides.items() if stride <= output_stride
        }
    coarse = found[32][32]
    for stride, step in ((16, 2), (8, 4)):
        dense = found[stride][stride][:, ::step, ::step]
        assert np.abs(dense - coarse).max() < 1e-5 * np.abs(coarse).max()
        assert np.array_equal(found[stride][4], found[32][4])


def test_strange_depths_and_output_strides_are_refused(backbones):
    with pytest.raises(ValueError, match=r"no ResNet has 20 layers; there are 18, 34, 50, 101, 152"):
        backbones["ResNet"](20)
    for name, options in (("ResNet", {"depth": 18}), ("Xception65", {}), ("Darknet53", {}), ("CSPDarknet53", {})):
        with pytest.raises(ValueError, match=r"an output stride of 4; it can be 8, 16, 32"):
            backbones[name](**options, output_stride=4)
    with pytest.raises(ValueError, match="an output stride of 8; VGG16 has 16 alone"):
        backbones["VGG16"](output_stride=8)
