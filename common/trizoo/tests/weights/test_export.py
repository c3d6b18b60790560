import json
from dataclasses import replace

import numpy as np
import pytest

from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.checkpoint import load, save
from trizoo.weights.convert import convert
from trizoo.weights.export import export
from trizoo.weights.readers import read, safetensors


@pytest.fixture(scope="module")
def checkpoint(tiny, tmp_path_factory):
    """The made-up YOLOv3-tiny as a checkpoint: its path."""
    path = tmp_path_factory.mktemp("export") / "tiny.h5"
    convert(tiny[0], path, classes=["猫", "dog"])
    return path


def test_darknet_s_file_comes_back_to_the_last_byte(checkpoint, tiny, tmp_path):
    export(checkpoint, tmp_path / "new folder" / "back.weights")
    assert (tmp_path / "new folder" / "back.weights").read_bytes() == tiny[0].read_bytes()


def test_safetensors_hold_the_arrays_the_model_and_the_classes(checkpoint, tmp_path):
    export(checkpoint, tmp_path / "back.safetensors")
    weights, model = read(tmp_path / "back.safetensors"), load(checkpoint).model
    assert weights.about == {"model": "yolov3-tiny", "classes": '["猫", "dog"]'}
    assert weights.arrays.keys() == model.keys()
    assert all(np.array_equal(weights.arrays[name], model[name]) for name in model)


def test_a_normalisation_that_darknet_has_not_is_a_sentence(checkpoint, tmp_path):
    given = load(checkpoint)
    recipe = given.recipe | {"model": given.recipe["model"] | {"mean": [1, 2, 3]}}
    save(tmp_path / "other.h5", replace(given, recipe=recipe))
    with pytest.raises(UserError, match=r"by mean \(1\.0, 2\.0, 3\.0\)"):
        export(tmp_path / "other.h5", tmp_path / "other.weights")
    export(tmp_path / "other.h5", tmp_path / "other.safetensors")


def test_a_coding_that_darknet_s_cfg_has_to_say_is_told(checkpoint, tmp_path):
    given = load(checkpoint)
    assert export(checkpoint, tmp_path / "plain.weights") == []
    recipe = given.recipe | {"model": given.recipe["model"] | {"coding": "squared", "scale_xy": 2}}
    save(tmp_path / "squared.h5", replace(given, recipe=recipe))
    (note,) = export(tmp_path / "squared.h5", tmp_path / "squared.weights")
    assert export(tmp_path / "squared.h5", tmp_path / "squared.safetensors")
    assert "new_coords=1 and scale_x_y=2, the [convolutional] before it activation=logistic" in note


def test_another_suffix_is_a_sentence(checkpoint, tmp_path):
    with pytest.raises(UserError, match=r"ends in '\.pth'; \.weights or \.safetensors"):
        export(checkpoint, tmp_path / "a.pth")


def converted(tmp_path, shapes, **options):
    """A checkpoint made of made-up arrays with torchvision's names, and those arrays."""
    given = published.filled(shapes)
    safetensors.write(tmp_path / "theirs.safetensors", given)
    convert(tmp_path / "theirs.safetensors", tmp_path / "ours.h5", **options)
    return tmp_path / "ours.h5", {name: array for name, array in given.items() if not name.endswith("tracked")}


def test_an_ssd_goes_back_to_torchvision_s_names_as_it_came(tmp_path):
    path, given = converted(tmp_path, published.ssd300_vgg16(3), classes=["cat", "dog"])
    export(path, tmp_path / "back.safetensors", "torchvision")
    back = read(tmp_path / "back.safetensors")
    assert {name: array.shape for name, array in back.arrays.items()} == {n: a.shape for n, a in given.items()}
    assert all(np.array_equal(back.arrays[name], array) for name, array in given.items())
    assert json.loads(back.about["classes"]) == ["__background__", "cat", "dog"]
    assert json.loads(back.about["image_mean"]) == pytest.approx([0.48235, 0.45882, 0.40784])


@pytest.mark.parametrize("shapes", [published.resnet(18), published.mobilenet_v2()])
def test_a_classifier_goes_back_to_torchvisions_names_with_its_classes(shapes, tmp_path):
    names = [f"class {number}" for number in range(1000)]
    path, given = converted(tmp_path, shapes, classes=names)
    export(path, tmp_path / "back.safetensors", "torchvision")
    back = read(tmp_path / "back.safetensors")
    assert {name: array.shape for name, array in back.arrays.items()} == {n: a.shape for n, a in given.items()}
    assert all(np.array_equal(back.arrays[name], array) for name, array in given.items())
    assert json.loads(back.about["classes"]) == names


def test_a_deeplabv3_goes_back_without_its_auxiliary_classifier(tmp_path):
    path, given = converted(tmp_path, published.deeplabv3(50, 3), classes=["__background__", "cat", "dog"])
    assert load(path).recipe["classes"] == ["background", "cat", "dog"]
    export(path, tmp_path / "back.safetensors", "torchvision")
    back = read(tmp_path / "back.safetensors")
    assert back.arrays.keys() == {name for name in given if not name.startswith("aux_classifier.")}
    assert all(np.array_equal(array, given[name]) for name, array in back.arrays.items())
    assert json.loads(back.about["classes"]) == ["__background__", "cat", "dog"]
    assert json.loads(back.about["image_std"]) == pytest.approx([0.229, 0.224, 0.225])


def test_a_backbone_goes_back_without_its_classifier(tmp_path):
    path, given = converted(tmp_path, published.mobilenet_v2(), model="ssd300-mobilenetv2")
    export(path, tmp_path / "back.safetensors", "torchvision")
    back = read(tmp_path / "back.safetensors").arrays
    assert given.keys() - back.keys() == {"classifier.1.weight", "classifier.1.bias"}
    assert all(np.array_equal(array, given[name]) for name, array in back.items())


def test_coco_s_classes_go_back_to_the_places_that_torchvision_has_them_at(tmp_path):
    """A public retinanet comes back but for what it says of background and gaps, which nobody listens to."""
    lists = load_manifest().class_lists
    path, given = converted(tmp_path, published.retinanet(depth=18), classes=lists["coco91"])
    export(path, tmp_path / "back.safetensors", "torchvision")
    back = read(tmp_path / "back.safetensors")
    assert json.loads(back.about["classes"]) == list(lists["coco91"])
    outputs = "head.classification_head.cls_logits."
    assert back.arrays.keys() == given.keys()
    assert all(np.array_equal(back.arrays[name], given[name]) for name in given if not name.startswith(outputs))
    spread = back.arrays[f"{outputs}bias"].reshape(9, 91)
    theirs = given[f"{outputs}bias"].reshape(9, 91)
    used = [number for number, name in enumerate(lists["coco91"]) if name not in ("N/A", "__background__")]
    assert np.array_equal(spread[:, used], theirs[:, used])
    assert spread[:, 0] == pytest.approx(-4.595, abs=1e-3)  # log(0.01 / 0.99)


def test_what_torchvision_s_graphs_cannot_do_is_a_sentence(checkpoint, tmp_path):
    with pytest.raises(UserError, match="torchvision has no yolov3-tiny"):
        export(checkpoint, tmp_path / "x.safetensors", "torchvision")
    with pytest.raises(UserError, match=r"ends in '\.weights', which has no names; \.safetensors"):
        export(checkpoint, tmp_path / "x.weights", "torchvision")
    path, _ = converted(tmp_path, published.ssd300_vgg16(3))
    given = load(path)
    for option, value, theirs in (("anchor_preset", "ssd300-caffe", "'ssd300'"), ("anchor_scale", 1.41, "1.0")):
        recipe = given.recipe | {"model": given.recipe["model"] | {option: value}}
        save(tmp_path / "other.h5", replace(given, recipe=recipe))
        with pytest.raises(UserError, match=rf"has model\.{option} {value!r}, torchvision's {theirs}"):
            export(tmp_path / "other.h5", tmp_path / "x.safetensors", "torchvision")
