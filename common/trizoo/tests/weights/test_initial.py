import math

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.ssd.spec import SSD_ARCHITECTURES
from trizoo.weights.initial import initial_array, initial_arrays

SPEC = model_spec("yolov3-tiny", 3)
PYRAMID = model_spec("retinanet-resnet18", 3)
KERNEL = "backbone.convs.0.conv.weight"


def test_first_values_stay_what_they_were():
    # from the first release on: a change of NumPy's stream, or of ours, would make published runs unrepeatable
    golden = {
        (KERNEL, (16, 3, 3, 3), 0): [-0.2335453, 0.29977873, 0.30247241],
        (KERNEL, (16, 3, 3, 3), 1): [-0.043596569, -0.16879605, 0.35464656],
        ("head_p5.predict.weight", (24, 512, 1, 1), 0): [-0.014186192, -0.0072502214, -0.006048148],
    }
    for (name, shape, seed), values in golden.items():
        first = initial_array(name, shape, seed, SPEC).reshape(-1)[:3]
        np.testing.assert_allclose(first, values, rtol=1e-6)


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (256, 512, 1, 1), (512, 1, 3, 3)])
def test_kernels_are_he_uniform_for_leaky_activations(shape):
    values = initial_array(KERNEL, shape, 0, SPEC)
    assert (values.shape, values.dtype) == (shape, np.float32)
    fan_in = shape[1] * shape[2] * shape[3]
    std = math.sqrt(2 / (1 + 0.1**2) / fan_in)
    assert values.std() == pytest.approx(std, rel=0.03)
    assert abs(values.mean()) < 0.05 * std
    assert np.abs(values).max() == pytest.approx(math.sqrt(3) * std, rel=0.01)
    assert np.abs(values).max() <= math.sqrt(3) * std * (1 + 1e-6)


def test_predicting_kernels_are_small():
    assert initial_array("head_p4.predict.weight", (24, 256, 1, 1), 0, SPEC).std() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("part", ["tower.0.conv", "predict_class", "predict_box"])
def test_all_kernels_of_a_retinanets_heads_are_small(part):
    assert initial_array(f"head_class.{part}.weight", (256, 64, 3, 3), 0, PYRAMID).std() == pytest.approx(
        0.01, rel=0.05
    )


def test_an_initializer_is_that_of_the_towers_too_and_leaves_what_predicts_small():
    shape = (256, 64, 3, 3)
    tower, predicting = (
        initial_array(f"head_class.{part}.weight", shape, 0, PYRAMID, initializer="he").std()
        for part in ("tower.0.conv", "predict_class")
    )
    assert tower == pytest.approx(math.sqrt(2 / (1 + PYRAMID.slope("tower") ** 2) / (64 * 9)), rel=0.03)
    assert predicting == pytest.approx(0.01, rel=0.05)


def test_he_is_what_the_other_kernels_have_without_an_initializer():
    for name in ("backbone.stages.0.conv.weight", "fpn.output_p3.conv.weight"):
        own, he = (initial_array(name, (64, 32, 3, 3), 0, PYRAMID, initializer=one) for one in (None, "he"))
        np.testing.assert_array_equal(own, he)


def test_kernels_of_a_feature_pyramid_keep_the_variance():
    # no activation follows: Var(w) = 1 / fan in, here 128 * 9
    std = initial_array("fpn.output_p3.conv.weight", (64, 128, 3, 3), 0, PYRAMID).std()
    assert std == pytest.approx(1 / math.sqrt(1152), rel=0.03)


def test_arrays_depend_on_name_and_seed_alone():
    shape = (32, 16, 3, 3)
    first = initial_array("a.conv.weight", shape, 0, SPEC)
    np.testing.assert_array_equal(
        first, initial_arrays({"z.conv.weight": shape, "a.conv.weight": shape}, 0, SPEC)["a.conv.weight"]
    )
    for other in (initial_array("b.conv.weight", shape, 0, SPEC), initial_array("a.conv.weight", shape, 1, SPEC)):
        assert abs(np.corrcoef(first.reshape(-1), other.reshape(-1))[0, 1]) < 0.05  # 4608 values: sigma 0.015


def test_a_predicting_bias_holds_the_objectness_prior():
    bias = initial_array("head_p5.predict.bias", (24,), 0, SPEC, objectness_prior=0.02)
    assert bias.dtype == np.float32
    bias = bias.reshape(3, 8)  # anchors, 5 + classes
    np.testing.assert_allclose(1 / (1 + np.exp(-bias[:, 4])), 0.02, rtol=1e-5)
    assert not np.delete(bias, 4, axis=1).any()


@pytest.mark.parametrize("part", ["box", "class"])
def test_predicting_convolutions_of_ssd_are_small_and_without_bias(part):
    spec = SSD_ARCHITECTURES["ssd300-vgg16"].spec("ssd300-vgg16", 3)
    assert initial_array(f"heads.0.predict_{part}.weight", (16, 512, 3, 3), 0, spec).std() == pytest.approx(
        0.01, rel=0.05
    )
    np.testing.assert_array_equal(initial_array(f"heads.0.predict_{part}.bias", (16,), 0, spec), np.zeros(16))


def test_the_scale_of_an_l2_normalisation_begins_at_20():
    scale = initial_array("l2_norm.scale", (512,), 0, SPEC)
    np.testing.assert_array_equal(scale, np.full(512, 20, np.float32))
    assert scale.dtype == np.float32


@pytest.mark.parametrize(("leaf", "value"), [("weight", 1), ("running_var", 1), ("bias", 0), ("running_mean", 0)])
def test_normalisation_begins_as_the_identity(leaf, value):
    array = initial_array(f"backbone.convs.0.bn.{leaf}", (16,), 0, SPEC)
    np.testing.assert_array_equal(array, np.full(16, value, np.float32))
    assert array.dtype == np.float32


@pytest.mark.parametrize(("name", "shape"), [("a.gamma", (3,)), ("a.weight", (3, 3)), ("a.bias", (2, 2))])
def test_a_name_without_an_initialiser_is_refused(name, shape):
    with pytest.raises(ValueError, match=rf"no initialiser is declared for {name} of shape \({shape[0]}"):
        initial_array(name, shape, 0, SPEC)


@pytest.mark.parametrize(
    ("initializer", "std"),
    [
        ("kaiming", math.sqrt(2 / 288)),  # fan in 32 * 3 * 3 = 288
        ("xavier", math.sqrt(2 / (288 + 576))),  # fan out 64 * 3 * 3 = 576
        ("normal", 0.02),
        ("orthogonal", 1 / math.sqrt(288)),  # 64 rows of length 1 with 288 values each
    ],
)
def test_a_named_initialiser_has_the_spread_of_its_paper(initializer, std):
    values = initial_array(KERNEL, (64, 32, 3, 3), 0, SPEC, initializer=initializer)
    assert (values.shape, values.dtype) == ((64, 32, 3, 3), np.float32)
    assert values.std() == pytest.approx(std, rel=0.03)
    small = initial_array("head_p5.predict.weight", (24, 512, 1, 1), 0, SPEC, initializer=initializer)
    np.testing.assert_array_equal(small, initial_array("head_p5.predict.weight", (24, 512, 1, 1), 0, SPEC))


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (64, 4, 1, 1)])
def test_orthogonal_kernels_have_rows_or_columns_at_right_angles(shape):
    matrix = initial_array(KERNEL, shape, 0, SPEC, initializer="orthogonal").reshape(shape[0], -1)
    square = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(square, np.eye(len(square)), atol=1e-5)


@pytest.mark.parametrize(("initializer", "std"), [(None, (2 / 128) ** 0.5), ("xavier", (2 / (80 + 128)) ** 0.5)])
def test_an_embedding_models_centres_are_no_small_kernel(initializer, std):
    spec = model_spec("embed-resnet18", 80)
    first = initial_array("head.predict.weight", (80, 128, 1, 1), 0, spec, initializer=initializer)
    assert first.std() == pytest.approx(std, rel=0.05)
