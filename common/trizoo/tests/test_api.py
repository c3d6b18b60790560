"""The Python door without a framework: what may be added to the zoo, what is refused. tests/contract has the rest."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import trizoo
from trizoo import api
from trizoo.augment import pipeline
from trizoo.data.images import as_image
from trizoo.recipes import augmentations, schema
from trizoo.recipes.load import load
from trizoo.tests.pages import code_blocks
from trizoo.tests.testing import FakeFramework
from trizoo.training.workers import batches
from trizoo.weights.checkpoint import load_recipe

FOUND = api.Detections(
    np.array([[1, 2, 5, 8], [0, 0, 3, 3]], np.float32),
    np.array([0.9, 0.25], np.float32),
    np.array([1, 0]),
    ("cat", "dog"),
)


@pytest.fixture
def door(tmp_path, monkeypatch, synthetic_data):
    """The door with the fake framework behind it, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(synthetic_data)
    framework = FakeFramework()
    monkeypatch.setattr(api, "open_framework", lambda name=None: framework)
    return framework


@pytest.fixture
def registered():
    """What is registered in a test is forgotten after it."""
    tables = [pipeline.OPERATIONS, pipeline.NEEDS, pipeline.PARAMETERS, augmentations.SECTIONS]
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)
    schema.refresh()


def quiet(*lines):
    pass


def darker(image, boxes, labels, mask, rng, least=0.5):
    return (image * rng.uniform(least, 1)).astype(np.uint8), boxes, labels, mask


def test_importing_trizoo_loads_nothing_that_takes_time():
    code = "import sys, trizoo; print(sorted({'numpy', 'pydantic', 'PIL', 'torch', 'cv2'} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_every_name_of_the_door_is_there_and_no_other():
    assert all(getattr(trizoo, name) is not None for name in trizoo.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        _ = trizoo.lod


def test_detections_have_names_and_go_to_coco():
    assert FOUND.names == ["dog", "cat"]
    assert FOUND.above(0.5).names == ["dog"]
    # x, y, width, height: 5 - 1 = 4, 8 - 2 = 6
    assert FOUND.to_coco(7, category_ids=[17, 18])[0] == {
        "image_id": 7,
        "category_id": 18,
        "bbox": [1.0, 2.0, 4.0, 6.0],
        "score": pytest.approx(0.9),
    }
    assert [result["category_id"] for result in FOUND.to_coco()] == [1, 0]


def test_detections_are_drawn_into_a_copy():
    image = np.zeros((40, 40, 3), np.uint8)
    assert FOUND.draw(image).any()
    assert not image.any()


@pytest.mark.parametrize(
    ("array", "received"),
    [
        (np.zeros((4, 4, 3)), r"float64 \(4, 4, 3\)"),
        (np.zeros((4, 4, 2), np.uint8), r"uint8 \(4, 4, 2\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"uint8 \(1, 4, 4, 3\)"),
        ([1, 2], r"int64 \(2,\)"),
    ],
)
def test_what_is_no_image_is_refused_with_what_it_is(array, received):
    with pytest.raises(ValueError, match=f"image is {received}; uint8 .* is needed"):
        as_image(array)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ValueError, match=r"shape \(0, 4, 3\); at least one pixel"):
        as_image(np.zeros((0, 4, 3), np.uint8))


def test_transparency_is_laid_on_white_and_grey_becomes_rgb():
    assert as_image(np.zeros((1, 1, 4), np.uint8)).tolist() == [[[255, 255, 255]]]
    assert as_image(np.full((1, 1), 7, np.uint8)).tolist() == [[[7, 7, 7]]]
    assert as_image(np.full((1, 1, 1), 7, np.uint8)).tolist() == [[[7, 7, 7]]]
    assert as_image(Image.new("L", (2, 3), 9)).shape == (3, 2, 3)


def test_a_framework_that_is_none_is_a_sentence():
    with pytest.raises(trizoo.UserError, match="framework is 'pytorc', did you mean 'pytorch'"):
        api.open_framework("pytorc")


def test_a_resumed_run_keeps_its_recipe(door, synthetic_data):
    run = trizoo.train({"data.root": "photos", "schedule.iterations": 1}, workers=0, quiet=True, say=quiet)
    with pytest.raises(trizoo.UserError, match="keeps its recipe and weights; leave recipe and weights out"):
        trizoo.train({"schedule.epochs": 3}, resume=run.path, quiet=True, say=quiet)


def test_a_run_that_a_callback_stops_is_resumed(door):
    class Stop(trizoo.Callback):
        def on_begin(self, trainer):
            trainer.stop()

    values = {"data.root": "photos", "schedule.iterations": 3, "schedule.batch_size": 2}
    stopped = trizoo.train(values, workers=0, quiet=True, say=quiet, callbacks=[Stop()])
    assert (stopped.metrics, stopped.step) == (None, 1)
    ended = trizoo.train(resume=stopped.path, workers=0, quiet=True, say=quiet)
    assert ended.step == 3
    assert ended.metrics is not None


def test_weights_bring_their_model_and_its_options_as_in_trizoo_train(door, tmp_path):
    anchors = [[20, 24], [40, 50], [80, 80], [130, 160], [300, 310]]
    values = {"data.root": "photos", "schedule.iterations": 1, "schedule.batch_size": 2, "model.anchors": anchors}
    first = trizoo.train({**values, "model.name": "yolov4-tiny"}, workers=0, quiet=True, say=quiet)
    del values["model.anchors"]
    second = trizoo.train(values, weights=first.best, workers=0, quiet=True, say=quiet)
    model = load_recipe(second.best)["model"]
    assert (model["name"], model["anchors"]) == ("yolov4-tiny", anchors)
    with pytest.raises(trizoo.UserError, match=r"holds yolov4-tiny, which doesn't fit yolov3-tiny"):
        trizoo.train({**values, "model.name": "yolov3-tiny"}, weights=first.best, say=quiet)


@pytest.mark.parametrize("values", [{}, {"data.root": None}, {"data.root": "photos"}])
def test_without_a_model_it_is_yolov3_tiny_and_on_synthetic_data_its_recipe_for_those(values):
    recipe, weights = api._new_run(values, None)
    own = load(schema.Recipe, base="yolov3-tiny" if values.get("data.root") else "yolov3-tiny-synthetic").recipe
    assert recipe.schedule == own.schedule
    assert (recipe.model.name, weights) == ("yolov3-tiny", None)


def test_a_recipe_is_a_file_or_the_name_of_one(tmp_path):
    (tmp_path / "mine.yaml").write_text("_base_: yolov4-tiny\nseed: 7\n", encoding="utf-8")
    assert api._new_run(tmp_path / "mine.yaml", None)[0].seed == 7
    assert api._new_run("yolov4-tiny", None)[0].model.name == "yolov4-tiny"
    with pytest.raises(TypeError, match="not list"):
        api._new_run([1], None)


def test_what_no_run_can_have_is_refused_before_its_folder_is_made(door, tmp_path):
    with pytest.raises(trizoo.UserError, match=r"--workers is -1; 0 \(no processes\) or more is needed"):
        trizoo.train({"data.root": "photos"}, workers=-1, out="run", say=quiet)
    with pytest.raises(trizoo.UserError, match="device is 'tpu'; one of auto, cpu, cuda is needed"):
        trizoo.train({"data.root": "photos"}, device="tpu", out="run", say=quiet)
    assert not (tmp_path / "run").exists()


def test_what_is_no_callback_is_refused(door):
    with pytest.raises(TypeError, match=r"callbacks holds 3; a trizoo\.Callback or a function"):
        trizoo.train({"data.root": "photos"}, callbacks=[3], say=quiet)


def test_the_pages_blocks_on_callbacks_and_augmentations_run(door, registered):
    known = {"trizoo": trizoo}
    for heading in ("## Callbacks and metrics", "## Augmentations"):
        for block in code_blocks("docs/python.md", heading):
            exec(compile(block, "docs/python.md", "exec"), known)  # the project's own text
            assert known["run"].step > 0


def test_an_augmentation_of_ones_own_darkens_and_a_recipe_sets_its_parameter(registered):
    trizoo.register_augmentation("darker", darker)
    recipe = schema.Recipe(augment=[{"op": "darker", "least": 1.0}])
    assert [operation.model_dump() for operation in recipe.augment] == [{"op": "darker", "least": 1.0}]
    with pytest.raises(ValueError, match="already"):
        trizoo.register_augmentation("darker", darker)
    with pytest.raises(ValueError, match="already"):
        trizoo.register_augmentation("flip", darker)


def test_an_augmentation_with_other_arguments_is_refused(registered):
    with pytest.raises(ValueError, match="takes image, rng; it must begin with image, boxes, labels, mask, rng"):
        trizoo.register_augmentation("wrong", lambda image, rng: image)
    with pytest.raises(ValueError, match="has no default for strength"):
        trizoo.register_augmentation("wrong", lambda image, boxes, labels, mask, rng, strength: image)


class Source:
    """One white image, as a data set."""

    def __init__(self):
        from trizoo.ground.sample import Record

        self.records = [Record("a", None, (8, 8))]

    def sample(self, index, at_least):
        from trizoo.ground.sample import Sample

        white = np.full((8, 8, 3), 255, np.uint8)
        return Sample(white, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def test_loader_processes_know_an_augmentation_that_was_registered(registered):
    from trizoo.families import model_spec
    from trizoo.training.batch import BatchPlan
    from trizoo.training.dataset import TrainingSet

    trizoo.register_augmentation("darker", darker)
    recipe = schema.Recipe(classes=("a",), input_size=(32, 32), augment=[{"op": "darker", "least": 0.1}])
    dataset = TrainingSet(Source(), [0], recipe, model_spec("yolov3-tiny", 1))
    plans = [BatchPlan(0, 0, (0,), (0,))]
    (here,), (there,) = batches(dataset, plans, 0), batches(dataset, plans, 1)
    assert here.images.max() < 255
    np.testing.assert_array_equal(here.images, there.images)
