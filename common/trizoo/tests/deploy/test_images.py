"""Which images an export is checked on and calibrated on."""

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.deploy.images import calibration_images, check_batches, other_size, validation_set
from trizoo.families import check_input_size, model_spec
from trizoo.recipes.schema import Recipe

CLASSES = ("circle", "square", "triangle")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "shapes", images=30, size=(64, 48))


def recipe_of(root, **changes):
    data = {"root": None if root is None else str(root)}
    return Recipe(model={"name": "yolov3-tiny"}, classes=CLASSES, input_size=(96, 64), data=data, **changes)


def test_images_of_the_data_come_one_alone_and_then_the_rest(root):
    batches, what = check_batches(recipe_of(root), (96, 64), None)
    assert [batch.shape for batch in batches] == [(1, 64, 96, 3), (3, 64, 96, 3)]
    assert what == f"4 images of {root}"


@pytest.mark.parametrize("missing", [None, "nowhere", "empty"])
def test_without_data_images_are_drawn(tmp_path, missing):
    (tmp_path / "empty").mkdir()
    batches, what = check_batches(recipe_of(missing and tmp_path / missing), (96, 64), (128, 128))
    assert [batch.shape[:3] for batch in batches] == [(1, 64, 96), (3, 64, 96), (1, 128, 128), (3, 128, 128)]
    assert what == "4 synthetic images at 96x64 and 128x128"
    assert all(batch.dtype == np.uint8 and batch.std() > 1 for batch in batches)


@pytest.mark.parametrize("name", ["yolov3-tiny", "retinanet-resnet18", "deeplabv3plus-mobilenetv2"])
def test_the_other_size_is_one_that_the_model_takes_and_of_another_aspect(name):
    width, height = other_size(model_spec(name, 1), (320, 256))
    check_input_size(name, (width, height))
    assert width * 256 != height * 320


def test_int8_is_calibrated_on_the_training_split_and_measured_on_validations(root):
    lines = []
    images = calibration_images(recipe_of(None), root, lines.append)
    records = validation_set(recipe_of(None), root)
    assert {image.shape for image in images} == {(1, 64, 96, 3)}
    assert lines == [f"int8: calibrated on {len(images)} images of {root} (train)"]
    assert records.split == "val"
    assert len(records.records) + len(images) < 30  # the rest is for the test


def test_images_keep_their_aspect_where_the_recipe_says_so(root):
    images = calibration_images(recipe_of(None, resize="keep_ratio"), root, lambda line: None)
    assert {image.shape for image in images} == {(1, 64, 96, 3)}  # 64x48 becomes 85x64, on a canvas of 96x64
