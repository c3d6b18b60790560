from pathlib import Path

import numpy as np
import pytest

from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.tests.weights.darknet_cfg import made_up, sections
from trizoo.weights.importers import import_weights
from trizoo.weights.importers.darknet import count, export_floats, import_floats, layout, recognise
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights, darknet, read

CFG = Path(__file__).parents[1] / "cfg"
MODELS = [name for name in ARCHITECTURES if (CFG / f"{name}.cfg").is_file()]


@pytest.mark.parametrize(
    ("model", "num_classes", "floats"),
    [
        ("yolov3", 80, 62_001_757),
        ("yolov3-tiny", 80, 8_858_734),
        # a class takes 3 anchors * (1024 + 512 + 256 weights + 3 biases) = 5,385; 62,001,757 - 60 * 5,385 = 61,678,657
        ("yolov3", 20, 61_678_657),
    ],
)
def test_floats_are_counted_as_darknet_does(model, num_classes, floats):
    assert count(model, num_classes) == floats
    assert recognise(floats) == [(model, num_classes)]


@pytest.mark.parametrize("model", MODELS)
def test_convolutions_stand_in_the_order_and_sizes_of_the_cfg(model):
    expected = [options for name, options in sections((CFG / f"{model}.cfg").read_text()) if name == "convolutional"]
    found = layout(model, 80)
    assert len(found) == len(expected)
    for convolution, options in zip(found, expected, strict=True):
        *vectors, (name, kernel) = convolution
        leaves = [part.rsplit(".", 2)[1:] for part, _ in vectors]
        assert name.endswith(".weight")
        assert kernel[0] == int(options["filters"])
        assert kernel[2:] == (int(options["size"]), int(options["size"]))
        assert all(shape == (kernel[0],) for _, shape in vectors)
        if options.get("batch_normalize") == "1":
            norm = [["bn", "bias"], ["bn", "weight"], ["bn", "running_mean"], ["bn", "running_var"]]
            assert leaves == norm
        else:
            assert leaves == [["predict", "bias"]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A made-up yolov3-tiny.weights: its bytes, and its path."""
    path = tmp_path_factory.mktemp("tiny") / "yolov3-tiny.weights"
    path.write_bytes(made_up((CFG / "yolov3-tiny.cfg").read_text()))
    return path.read_bytes(), path


def test_every_float_goes_to_its_place(tiny):
    """The first convolution has 16 filters of 3x3x3: biases at 0, scales at 16, means 32, variances 48, kernel 64."""
    data, path = tiny
    floats = np.frombuffer(data, "<f4", offset=20)
    weights = read(path)
    arrays, missing, unexpected, *_ = import_weights(weights, "yolov3-tiny")
    assert (missing, unexpected) == ((), ())
    assert {name: array.shape for name, array in arrays.items()} == load_names("yolov3-tiny")
    assert list(arrays) == list(load_names("yolov3-tiny"))
    assert np.array_equal(arrays["backbone.convs.0.bn.bias"], floats[:16])
    assert np.array_equal(arrays["backbone.convs.0.bn.weight"], floats[16:32])
    assert np.array_equal(arrays["backbone.convs.0.bn.running_mean"], floats[32:48])
    assert np.array_equal(arrays["backbone.convs.0.bn.running_var"], floats[48:64])
    assert np.array_equal(arrays["backbone.convs.0.conv.weight"].ravel(), floats[64 : 64 + 432])
    assert np.array_equal(arrays["head_p4.predict.weight"].ravel(), floats[-255 * 256 :])
    assert np.array_equal(arrays["head_p4.predict.bias"], floats[-255 * 257 : -255 * 256])
    assert all(np.shares_memory(array, weights.arrays["floats"]) for array in arrays.values())


def test_variances_of_the_first_darknet_give_its_divisor(tiny):
    floats = np.frombuffer(tiny[0], "<f4", offset=20).copy()
    floats[48:52] = 0, 1e-10, 0.01, 30  # of the first convolution
    first = read_of(floats, "0.2.0").arrays["backbone.convs.0.bn.running_var"].astype(np.float64)
    # sqrt(0.01) + 1e-6 = 0.100001; of 1e-10, 1e-5 + 1e-6 = 1.1e-5, and below that 1e-5
    np.testing.assert_allclose(np.sqrt(first[1:4] + 1e-5), [1.1e-5, 0.100001, 30**0.5 + 1e-6], rtol=2e-3)
    np.testing.assert_allclose(np.sqrt(first[2:] + 1e-5), np.sqrt(floats[50:64].astype(np.float64)) + 1e-6, rtol=1e-7)
    assert (first + 1e-5 > 0).all()
    assert np.array_equal(read_of(floats, "0.2.5").arrays["backbone.convs.0.bn.running_var"], floats[48:64])


def read_of(floats, version):
    """The Imported of a YOLOv3-tiny's floats in a file of a version."""
    return import_weights(Weights("darknet", {"floats": floats}, {"version": version}), "yolov3-tiny")


def test_a_file_of_the_first_darknet_is_written_as_alexeyab_s_that_gives_the_same(tiny, tmp_path):
    floats = np.frombuffer(tiny[0], "<f4", offset=20)
    arrays = read_of(floats, "0.2.0").arrays
    darknet.write(tmp_path / "again.weights", export_floats(arrays, "yolov3-tiny"))
    again = read(tmp_path / "again.weights")
    assert again.about["version"] == "0.2.5"
    assert all(
        np.array_equal(array, arrays[name]) for name, array in import_weights(again, "yolov3-tiny").arrays.items()
    )


def test_export_is_the_inverse_of_import(tiny, tmp_path):
    data, path = tiny
    arrays = import_weights(read(path), "yolov3-tiny").arrays
    darknet.write(tmp_path / "again.weights", export_floats(arrays, "yolov3-tiny"), seen=32013312)
    assert (tmp_path / "again.weights").read_bytes() == data


@pytest.mark.parametrize("num_classes", [1, 20, 365])
def test_the_number_of_floats_says_the_number_of_classes(num_classes):
    floats = np.arange(count("yolov3-tiny", num_classes), dtype=np.float32)
    arrays, missing, *_ = import_floats(floats, "yolov3-tiny")
    assert missing == ()
    assert arrays["head_p5.predict.weight"].shape == (3 * (5 + num_classes), 512, 1, 1)
    assert np.array_equal(np.concatenate([a.ravel() for a in export_floats(arrays, "yolov3-tiny")]), floats)


@pytest.mark.parametrize(
    ("model", "floats", "last", "missing"),
    [
        ("yolov3", 40_620_640, "backbone.stages.4.blocks.3.conv2.bn.running_var", "neck_p5.conv1.conv.weight"),
        ("yolov3-tiny", 1_575_792, "backbone.convs.5.bn.running_var", "backbone.convs.6.conv.weight"),
        ("yolov3-tiny", 6_298_480, "backbone.convs.6.bn.running_var", "neck_p5.conv.weight"),
    ],
)
def test_a_file_of_the_first_convolutions_fills_these_and_names_the_rest(model, floats, last, missing):
    """darknet53.conv.74, yolov3-tiny.conv.11 and .conv.15."""
    imported = import_floats(np.zeros(floats, np.float32), model)
    assert list(imported.arrays)[-1] == last
    assert imported.missing[0] == missing
    assert [*imported.arrays, *imported.missing] == list(load_names(model))


@pytest.mark.parametrize(
    ("floats", "words"),
    [
        (8_858_733, "holds 8,858,733 floats, yolov3-tiny with 80 classes takes 8,858,734: it ends 65,534 floats into"),
        (8_858_735, "takes 8,858,734: 1 are left over"),
        (40_620_640, "31,761,906 are left over"),
        (62_001_757, "that is what yolov3 with 80 classes takes"),
        (61_678_657, "that is what yolov3 with 20 classes takes"),
        (6_298_481, "it ends 1 floats into neck_p5"),
        (0, "it is empty"),
    ],
)
def test_floats_too_few_or_too_many_are_told_exactly(floats, words):
    with pytest.raises(UserError, match=words) as caught:
        import_floats(np.broadcast_to(np.float32(0), floats), "yolov3-tiny", source="my.weights")
    assert str(caught.value).startswith("my.weights holds ")


def test_a_number_of_classes_that_is_not_the_file_s_is_an_error():
    with pytest.raises(UserError, match="yolov3-tiny with 20 classes takes 8,720,134: 138,600 are left over"):
        import_floats(np.zeros(8_858_734, np.float32), "yolov3-tiny", 20)


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_arrays_that_are_not_the_model_s_are_not_exported(tiny, change):
    arrays = dict(import_weights(read(tiny[1]), "yolov3-tiny").arrays)
    if change == "missing":
        del arrays["head_p5.predict.bias"]
    elif change == "unexpected":
        arrays["head_p3.predict.bias"] = np.zeros(3, np.float32)
    else:
        arrays["head_p5.predict.bias"] = np.zeros(9, np.float32)
    with pytest.raises(UserError, match=r"my\.h5 does not fit"):
        export_floats(arrays, "yolov3-tiny", "my.h5")


@pytest.mark.parametrize("model", ["ssd300-mobilenetv2", "keypoints-stride32"])
def test_a_model_that_darknet_has_not_is_an_error_and_recognised_nowhere(model):
    with pytest.raises(UserError, match=f"{model} is no model of Darknet's; one of yolov3, .* is needed"):
        import_floats(np.zeros(16, np.float32), model)
    assert recognise(16) == []


def test_darknet53_s_classifier_is_recognised_and_goes_back(tmp_path):
    classes = 3
    shapes = dict(pair for convolution in layout("classify-darknet53", classes) for pair in convolution)
    assert shapes["head.predict.weight"] == (3, 1024, 1, 1)
    floats = np.arange(count("classify-darknet53", classes), dtype=np.float32)
    assert floats.size == 40_620_640 + classes * 1025
    assert recognise(floats.size) == [("classify-darknet53", classes)]
    imported = import_floats(floats, "classify-darknet53")
    assert imported.missing == ()
    assert imported.arrays["head.predict.bias"].tolist() == floats[40_620_640 : 40_620_640 + classes].tolist()
    back = export_floats(imported.arrays, "classify-darknet53")
    assert np.array_equal(np.concatenate([array.ravel() for array in back]), floats)
