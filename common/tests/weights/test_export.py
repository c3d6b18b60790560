from dataclasses import replace

import numpy as np
import pytest

from common.errors import UserError
from common.weights.checkpoint import load, save
from common.weights.convert import convert
from common.weights.export import export
from common.weights.readers import read


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


def test_another_suffix_is_a_sentence(checkpoint, tmp_path):
    with pytest.raises(UserError, match=r"ends in '\.pth'; \.weights or \.safetensors"):
        export(checkpoint, tmp_path / "a.pth")
