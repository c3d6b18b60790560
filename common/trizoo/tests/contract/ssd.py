"""SSD's graphs: parameter counts, the order of predictions, and MobileNetV2 at every output stride.

Beside `zoo` they need two fixtures: `rows`, the package's `per_anchor` as NumPy on (B, H, W, A * K) and K; and
`features`, a function of MobileNetV2's output stride and float32 (B, H, W, 3) -> its features by pseudo-weights, each
(B, h, w, C), without the last convolution.
"""

import math

import numpy as np
import pytest

from trizoo.families.ssd.anchors import SSD_ANCHORS, ssd_grid
from trizoo.families.ssd.spec import SSD_ARCHITECTURES
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images

# trainable parameters for 90 and 20 classes; torchvision publishes the first. A class has a 3x3 kernel and a bias for
# each anchor of a cell of each level: 70 fewer are, of SSD300, 70 * (4 * (9 * 512 + 1) + 6 * (9 * 1024 + 1)
# + 6 * (9 * 512 + 1) + (6 + 4 + 4) * (9 * 256 + 1)) = 9 356 340 fewer
COUNTS = {
    "ssd300-vgg16": (35_641_826, 26_285_486),
    "ssd512-vgg16": (37_513_116, 27_188_676),
    "ssd300-mobilenetv2": (17_982_748, 6_851_908),
}
ANCHORS = {name: SSD_ANCHORS[name.removesuffix("-vgg16")] for name in COUNTS}


def ssd_spec(name, num_classes, **options):
    """The ModelSpec of an SSD with its usual anchors."""
    normalisation = {"mean": (123.0, 117.0, 104.0), "std": (60.0, 60.0, 60.0)}
    return SSD_ARCHITECTURES[name].spec(name, num_classes, **normalisation, **options)


def trainable(shapes, prefix=""):
    """The number of trainable parameters whose names begin so."""
    named = {name: shape for name, shape in shapes.items() if name.startswith(prefix)}
    return sum(math.prod(shape) for name, shape in named.items() if ".running_" not in name)


@pytest.mark.parametrize("name", COUNTS)
def test_ssd_has_as_many_parameters_as_published(zoo, name):
    shapes = [zoo.shapes(zoo.build(ssd_spec(name, classes), zoo.device("cpu"), seed=None)) for classes in (90, 20)]
    assert tuple(trainable(each) for each in shapes) == COUNTS[name]
    # torchvision's vgg16 and mobilenet_v2 without their classifiers
    stages, blocks = trainable(shapes[0], "backbone.stages."), trainable(shapes[0], "backbone.")
    assert stages == 14_714_688 if "vgg16" in name else blocks == 2_223_872


@pytest.mark.parametrize(
    ("name", "count"), [("ssd300-vgg16", 8732), ("ssd512-vgg16", 24564), ("ssd300-mobilenetv2", 3000)]
)
def test_ssd_predicts_for_each_anchor_of_its_grid_in_order(zoo, name, count):
    """Predicting kernels are 0 here and biases say the level and the channel, so the heads are known in full."""
    device, spec, anchors = zoo.device("cpu"), ssd_spec(name, 2), ANCHORS[name]
    model = zoo.build(spec, device, seed=None)
    arrays = pseudo_arrays(zoo.shapes(model))
    for key in arrays:
        if ".predict_" in key:
            level = int(key.split(".")[1])
            filled = level * 1000 + np.arange(len(arrays[key])) if key.endswith("bias") else 0
            arrays[key] = np.zeros_like(arrays[key]) + np.float32(filled)
    zoo.assign(model, arrays)
    deltas, logits = zoo.predictor(model, "fp32", device)(pseudo_images(1, (anchors.side, anchors.side)))
    for head, values in [(deltas, 4), (logits, 3)]:
        wanted = [
            np.tile(level * 1000 + np.arange(each * values).reshape(-1, values), (cells * cells, 1))
            for level, (cells, each) in enumerate(zip(anchors.cells, anchors.anchors_per_cell, strict=True))
        ]
        assert head.dtype == np.float32
        np.testing.assert_array_equal(head, np.concatenate(wanted)[None])
    assert len(deltas[0]) == len(ssd_grid(anchors).boxes) == count


def test_predictions_become_rows_by_row_column_and_anchor(rows):
    batch, height, width, anchors, values = 2, 3, 4, 6, 5
    heads = np.arange(batch * height * width * anchors * values, dtype=np.float32)
    heads = heads.reshape(batch, height, width, anchors * values)
    found = rows(heads, values)
    assert found.shape == (batch, height * width * anchors, values)
    # anchor 4 of row 2, column 1 of the second image
    np.testing.assert_array_equal(found[1, (2 * width + 1) * anchors + 4], heads[1, 2, 1, 4 * values : 5 * values])
    np.testing.assert_array_equal(found.reshape(heads.shape), heads)


@pytest.mark.parametrize(
    ("name", "options", "first", "channels"),
    [("ssd300-vgg16", {}, 38 * 38 * 4, 512), ("ssd300-mobilenetv2", {"l2_norm": True}, 19 * 19 * 6, 96)],
)
def test_features_of_unit_length_are_scaled(zoo, name, options, first, channels):
    """Only the first level is normalised: twice the scale is twice what its kernels, here without bias, make of it."""
    device, spec = zoo.device("cpu"), ssd_spec(name, 2, **options)
    model = zoo.build(spec, device, seed=None)
    bias = {"heads.0.predict_box.bias": np.zeros(spec.anchors_per_cell[0] * 4, np.float32)}
    arrays = pseudo_arrays(zoo.shapes(model)) | bias
    images, found = pseudo_images(1, (300, 300)), []
    for factor in (1, 2):
        scaled = arrays | {"l2_norm.scale": np.float32(factor) * arrays["l2_norm.scale"]}
        zoo.assign(model, scaled)
        found.append(zoo.predictor(model, "fp32", device)(images)[0])
    np.testing.assert_allclose(found[1][:, :first], 2 * found[0][:, :first], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(found[1][:, first:], found[0][:, first:])
    # nine pixels of a length near 20 meet kernels of 512 x 9 values of deviation 1 / sqrt(4608): sqrt(9 * 20^2 / 4608)
    assert 0.5 < found[0][:, :first].std() / (20 / channels**0.5) < 1.5


def test_mobilenet_has_features_at_strides_4_16_and_32(features):
    found = features(32, np.zeros((1, 65, 97, 3), np.float32))
    # 65 -> 33, 17, 9, 5, 3 and 97 -> 49, 25, 13, 7, 4
    assert {stride: each.shape for stride, each in found.items()} == {
        4: (1, 17, 25, 24),
        8: (1, 9, 13, 32),
        16: (1, 5, 7, 96),
        32: (1, 3, 4, 320),
    }


@pytest.mark.parametrize(("output_stride", "sides"), [(16, (9, 9)), (8, (17, 17))])
def test_dilation_instead_of_stride_gives_the_same_features_at_more_places(features, output_stride, sides):
    images = np.random.RandomState(0).standard_normal((1, 129, 129, 3)).astype(np.float32)
    many, few = features(output_stride, images), features(32, images)
    assert many[output_stride].shape[1:3] == sides
    np.testing.assert_array_equal(many[4], few[4])
    dense, step = many[output_stride][:, :: 32 // output_stride, :: 32 // output_stride], few[32]
    np.testing.assert_allclose(dense, step, atol=1e-4 * np.abs(step).max())


def test_an_output_stride_that_no_block_has_is_refused(features):
    with pytest.raises(ValueError, match="output_stride is 4; 8, 16 or 32 is needed"):
        features(4, np.zeros((1, 64, 64, 3), np.float32))
