"""The Python door without a framework: what may be added to the zoo, what is refused. tests/contract has the rest."""

import subprocess
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import trizoo
from trizoo import api
from trizoo.augment import pipeline
from trizoo.data.images import as_image
from trizoo.data.photo import UnreadableError
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes import augmentations, schema
from trizoo.recipes.load import load
from trizoo.tasks import task_of
from trizoo.tests.pages import code_blocks
from trizoo.tests.testing import FakeFramework
from trizoo.training.train import check_own_operations
from trizoo.training.workers import batches
from trizoo.weights.checkpoint import load_recipe

FOUND = trizoo.Detections(
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


def test_detections_know_the_size_of_their_image_and_as_many_numbers_as_classes():
    found = replace(FOUND, size=(40, 30))
    assert found.above(0.5).size == (40, 30)
    assert found.draw(np.zeros((30, 40, 3), np.uint8)).any()
    with pytest.raises(ValueError, match="image is 30x40 pixels, and these boxes are of one of 40x30"):
        found.above(0.5).draw(np.zeros((40, 30, 3), np.uint8))
    with pytest.raises(ValueError, match="category_ids has 1 numbers; 2 are needed"):
        FOUND.to_coco(category_ids=[17])


@pytest.fixture
def detector(door):
    """An untrained YOLOv3-tiny of one class."""
    recipe = schema.Recipe(classes=("a",), input_size=(64, 64))
    spec = model_spec("yolov3-tiny", 1)
    model = door.build(spec, "cpu")
    pipeline = task_of(spec.name).pipeline(door, model, spec, recipe, "cpu")
    return trizoo.Detector(model, spec, recipe, door, "cpu", ("a",), pipeline)


IMAGE = np.zeros((30, 40, 3), np.uint8)


def test_every_result_has_the_size_of_its_image(detector):
    Image.new("RGB", (20, 10)).save("b.png")
    found = detector([IMAGE, "b.png", Image.new("L", (7, 9))] * 5, batch_size=2)
    assert [one.size for one in found] == [(40, 30), (20, 10), (7, 9)] * 5


@pytest.mark.parametrize("of_task", ["Detector", "KeypointDetector", "Segmenter"])
def test_an_image_that_cannot_be_read_is_the_same_error_of_every_task(detector, tmp_path, of_task):
    predict = getattr(trizoo, of_task)(**vars(detector))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    for path in ("missing.jpg", "empty.jpg", "folder.jpg"):
        with pytest.raises(UnreadableError, match=path):
            predict(tmp_path / path)
        with pytest.raises(UnreadableError, match=path):
            predict([IMAGE, str(tmp_path / path)])


def test_a_heat_map_has_the_size_of_its_image(detector):
    heat = detector.heatmap(IMAGE)
    assert (heat.shape, heat.dtype) == ((30, 40), np.float32)
    assert 0 <= heat.min() <= heat.max() <= 1


def test_what_is_no_image_is_named_by_its_place(detector):
    with pytest.raises(ValueError, match=r"images\[1\], of type NoneType: image is object"):
        detector([IMAGE, None])
    with pytest.raises(ValueError, match=r"the image, of type NoneType: image is object"):
        detector(None)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"batch_size": 0}, "batch_size is 0; a whole number of at least 1"),
        ({"batch_size": 1.5}, "batch_size is 1.5"),
        ({"confidence": 7}, "confidence is 7; 0 to 1"),
        ({"confidence": "x"}, "confidence is 'x'; 0 to 1"),
        ({"nms": -0.1}, "nms is -0.1; 0 to 1"),
    ],
)
def test_an_option_out_of_its_range_is_refused(detector, options, received):
    with pytest.raises(ValueError, match=received):
        detector(IMAGE, **options)


def test_an_unknown_option_of_a_call_is_named_with_those_there_are(detector):
    with pytest.raises(TypeError, match=r"confidnce is no option of a call, did you mean 'confidence'\?; there are"):
        detector(IMAGE, confidnce=0.3)
    with pytest.raises(TypeError, match=r"tta is no option of a call; there are batch_size, confidence, nms$"):
        detector(IMAGE, tta=True)
    assert trizoo.KeypointDetector.options == ("confidence",)


BOX, LABEL = [[8, 8, 40, 40]], [0]


@pytest.mark.parametrize(
    ("boxes", "labels", "received"),
    [
        ([BOX], [], "boxes are of 1 images and labels of 0"),
        ([BOX], [[0, 0]], "image 0 has 1 boxes and 2 labels"),
        ([BOX, [[1, 1, 9, np.nan]]], [LABEL, LABEL], r"boxes\[1\]\[0\] is \[1.0, 1.0, 9.0, nan\]; finite numbers"),
        ([[[1, 1, 9, 9], [9, 1, 2, 9]]], [[0, 0]], r"boxes\[0\]\[1\] is \[9.0, .*; xmin < xmax"),
        ([[[1, 9, 9, 9]]], [LABEL], r"boxes\[0\]\[0\] is .*; xmin < xmax and ymin < ymax"),
        ([[[1, 1, 65, 9]]], [LABEL], r"boxes\[0\]\[0\] is .*; it must lie in the 64x96 pixels of the input; clip it"),
        ([[[-1, 1, 9, 9]]], [LABEL], r"boxes\[0\]\[0\] is .*; it must lie in the 64x96 pixels"),
        ([[1, 1, 9, 9]], [LABEL], r"boxes\[0\] has the shape \(4,\)"),
        ([BOX], [[0.5]], r"labels\[0\] is float64"),
        ([BOX], [0], r"labels\[0\] is int64 \(\)"),
        ([BOX], [[1]], "labels reach from 1 to 1; 0 to 0 are the classes"),
    ],
)
def test_targets_of_what_is_no_truth_are_refused_with_what_it_is(detector, boxes, labels, received):
    with pytest.raises(ValueError, match=received):
        trizoo.targets(detector, boxes, labels, (64, 96))


def test_targets_take_boxes_up_to_the_edge_and_images_without_any(detector):
    edge = trizoo.targets(detector, [[[0, 0, 64, 96]], []], [LABEL, []], (64, 96))
    assert edge["boxes"].shape[0] == 2
    assert edge["boxes"][0, 0].tolist() == [0, 0, 64, 96]


def test_targets_and_loss_say_what_they_are_for(detector, door):
    with pytest.raises(trizoo.UserError, match="input size 65x64 doesn't fit yolov3-tiny"):
        trizoo.targets(detector, [BOX], [LABEL], (65, 64))
    with pytest.raises(ValueError, match=r"size is 64; \(width, height\)"):
        trizoo.targets(detector, [BOX], [LABEL], 64)
    segmenter = trizoo.Segmenter(*[None] * 5, (), None)
    for given in (3, segmenter):
        with pytest.raises(TypeError, match=r"detector is .*; what trizoo\.load gives of a model that finds boxes"):
            trizoo.targets(given, [BOX], [LABEL], (64, 64))
    with pytest.raises(TypeError, match=r"detector is 3; what trizoo\.load gives"):
        trizoo.loss(3)


def test_what_load_cannot_mean_is_refused_with_what_it_is(door, tmp_path):
    for weights in (None, 3):
        with pytest.raises(TypeError, match=f"weights is {weights}; text or a path"):
            trizoo.load(weights)
    with pytest.raises(trizoo.UserError, match="the name of the weights is empty"):
        trizoo.load("")
    with pytest.raises(trizoo.UserError, match="is a folder and no checkpoint"):
        trizoo.load(tmp_path)
    with pytest.raises(trizoo.UserError, match="precision is 'fp8'; one of fp32, bf16, fp16"):
        trizoo.load("best.h5", precision="fp8")


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
    with pytest.raises(trizoo.UserError, match="framework is 3; pytorch"):
        api.open_framework(3)
    with pytest.raises(trizoo.UserError, match="framework is 'pytorc', did you mean 'pytorch'"):
        api.open_framework("pytorc")


def test_a_resumed_run_keeps_its_recipe(door, synthetic_data):
    run = trizoo.train({"data.root": "photos", "schedule.iterations": 1}, workers=0, quiet=True, say=quiet)
    with pytest.raises(trizoo.UserError, match="keeps its recipe and weights; leave recipe and weights out"):
        trizoo.train({"schedule.epochs": 3}, resume=run.path, quiet=True, say=quiet)


def test_a_path_among_the_values_is_as_good_as_text(door, tmp_path):
    with pytest.raises(trizoo.UserError, match=r"the teacher '.*gone\.h5' isn't there"):
        trizoo.train({"data": {"root": tmp_path}, "distill.teacher": tmp_path / "gone.h5"}, say=quiet)


def test_a_teacher_is_named_and_checked_as_by_its_key(door, tmp_path):
    values = {"data.root": "photos", "schedule.iterations": 1}
    with pytest.raises(trizoo.UserError, match=r"nowhere\.h5; a file, an address, or a tag"):
        trizoo.train(values, teacher="nowhere.h5", say=quiet)
    run = trizoo.train(values, workers=0, quiet=True, say=quiet)
    with pytest.raises(trizoo.UserError, match=r"trizoo\.train: distill: outputs and features are both 0"):
        trizoo.train({**values, "distill.outputs": 0}, teacher=run.best, say=quiet)
    with pytest.raises(trizoo.UserError, match="was begun without a teacher"):
        trizoo.train(resume=run.path, teacher=run.best, say=quiet)


def test_a_teacher_is_there_when_values_are_checked(door, tmp_path):
    run = trizoo.train({"data.root": "photos", "schedule.iterations": 1}, workers=0, quiet=True, say=quiet)
    values = {"data.root": tmp_path / "gone", "distill.outputs": 0, "distill.features": 1}
    with pytest.raises(trizoo.UserError, match="gone"):  # what is wrong is the data's place alone
        trizoo.train(values, teacher=run.best, say=quiet)


@pytest.mark.parametrize("key", ["mask_map", "classes_map"])
def test_maps_of_data_are_values_themselves_by_a_dotted_key_too(key):
    value = {255: 1} if key == "mask_map" else {"a": "b"}
    for given in ({f"data.{key}": value}, {"data": {key: value}}):
        assert dict(api._dotted(given)) == {f"data.{key}": value}


def test_a_run_that_goes_on_has_no_final_metrics_until_it_ends_again(door):
    class Stop(trizoo.Callback):
        def on_step(self, trainer, record):
            trainer.stop()

    run = trizoo.train({"data.root": "photos", "schedule.iterations": 1}, workers=0, quiet=True, say=quiet)
    assert run.folder.metrics_json.is_file()
    recipe = api.recipe_of_run(run.folder)
    longer = recipe.model_copy(update={"schedule": recipe.schedule.model_copy(update={"iterations": 9})})
    options = {"run": run.folder, "workers": 0, "quiet": True}
    api.train_recipe(api.open_framework(None), longer, "cpu", quiet, callbacks=[Stop()], **options)
    assert not run.folder.metrics_json.exists()
    api.train_recipe(api.open_framework(None), longer, "cpu", quiet, **options)
    assert run.folder.metrics_json.is_file()


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
    recipe, weights = api._new_run(values)
    own = load(schema.Recipe, base="yolov3-tiny" if values.get("data.root") else "yolov3-tiny-synthetic").recipe
    assert recipe.schedule == own.schedule
    assert (recipe.model.name, weights) == ("yolov3-tiny", None)


def test_a_recipe_is_a_file_or_the_name_of_one(tmp_path):
    (tmp_path / "mine.yaml").write_text("_base_: yolov4-tiny\nseed: 7\n", encoding="utf-8")
    assert api._new_run(tmp_path / "mine.yaml")[0].seed == 7
    assert api._new_run("yolov4-tiny")[0].model.name == "yolov4-tiny"


def test_what_no_run_can_have_is_refused_before_its_folder_is_made(door, tmp_path):
    with pytest.raises(trizoo.UserError, match=r"--workers is -1; 0 \(no processes\) to 1,024 is needed"):
        trizoo.train({"data.root": "photos"}, workers=-1, out="run", say=quiet)
    for workers in ("2", 1.5):
        with pytest.raises(trizoo.UserError, match=rf"--workers is {workers!r}; 0"):
            trizoo.train({"data.root": "photos"}, workers=workers, out="run", say=quiet)
    with pytest.raises(trizoo.UserError, match="device: 'tpu' is no device; one of auto, cpu, cuda, "):
        trizoo.train({"data.root": "photos"}, device="tpu", out="run", say=quiet)
    assert not (tmp_path / "run").exists()


def test_the_batch_may_be_as_large_as_memory_has_room_for(door):
    door.memory = 1 << 40
    lines = []
    run = trizoo.train(
        {"data.root": "photos", "schedule.iterations": 1}, batch_size="auto", workers=0, say=lines.append, quiet=True
    )
    (told,) = (line for line in lines if line.startswith("batch size: "))
    assert "(--batch-size auto)" in told
    assert f"batch size: {load_recipe(run.best)['schedule']['batch_size']}, whose training takes" in told
    with pytest.raises(trizoo.UserError, match=r"batch_size is 'most'; a number or 'auto' is needed"):
        trizoo.train({"data.root": "photos"}, batch_size="most", say=quiet)
    with pytest.raises(trizoo.UserError, match="a resumed run keeps its batch size; leave batch_size out"):
        trizoo.train(resume=run.path, batch_size="auto", say=quiet)


def test_a_number_of_images_a_step_counts_instead_of_the_recipes(door, tmp_path):
    short = {"data.root": "photos", "schedule.iterations": 1, "freeze.batch_size": 4}
    for recipe in (short, schema.Recipe(data={"root": "photos"}, schedule={"epochs": 1, "batch_size": 2})):
        run = trizoo.train(recipe, batch_size=3, workers=0, quiet=True, say=quiet)
        assert load_recipe(run.best)["schedule"]["batch_size"] == 3
        assert load_recipe(run.best)["freeze"]["batch_size"] is None
    for size in (0, 1.5, True):
        with pytest.raises(trizoo.UserError, match="batch_size"):
            trizoo.train(short, batch_size=size, out=tmp_path / "none", say=quiet)
    assert not (tmp_path / "none").exists()


def test_the_layers_of_a_run_are_looked_at_where_that_is_wished(door):
    run = trizoo.train({"data.root": "photos", "schedule.iterations": 1}, layer_stats=True, say=quiet, quiet=True)
    header, row = run.folder.layers_csv.read_text(encoding="utf-8").splitlines()
    assert header == "step,layer,mean,variance,not_finite,values"
    assert row == "1,backbone.bn,0.0,0.0,0,4"


def test_what_is_no_callback_is_refused(door):
    with pytest.raises(TypeError, match=r"callbacks holds 3; a trizoo\.Callback or a function"):
        trizoo.train({"data.root": "photos"}, callbacks=[3], say=quiet)
    for given in (print, trizoo.Callback(), "seen", 3):
        with pytest.raises(TypeError, match=r"callbacks is .*; a list of trizoo\.Callback objects or functions"):
            trizoo.train({"data.root": "photos"}, callbacks=given, say=quiet)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"recipe": [1]}, r"recipe is \[1\]; a Recipe, a file or name of a recipe, or a dict"),
        ({"recipe": 3}, "recipe is 3; a Recipe, a file"),
        ({"weights": 3}, "weights is 3; text or a path"),
        ({"teacher": 3}, "teacher is 3; text or a path"),
        ({"weights": range(9**9, 9**9 + 9, 3)}, r"weights is range\(387420489, 387420498, 3\); text or a path"),
        ({"weights": [*range(99)]}, "weights is a list; text or a path"),
        ({"resume": 3}, "resume is 3; text or a path"),
        ({"say": None}, "say is None; a function"),
    ],
)
def test_an_argument_of_another_kind_is_refused_with_what_it_is(door, arguments, received):
    with pytest.raises(TypeError, match=received):
        trizoo.train(**{"say": quiet, **arguments})


def test_an_empty_name_is_never_taken_for_none(door):
    for name, sentence in (
        ("recipe", "recipe's name is empty"),
        ("weights", "weights is empty"),
        ("resume", "resumed"),
    ):
        with pytest.raises(trizoo.UserError, match=sentence):
            trizoo.train(**{name: ""}, say=quiet)
    with pytest.raises(trizoo.UserError, match="isn't empty"):
        trizoo.train({"data.root": "photos"}, out="", say=quiet)


def test_the_pages_blocks_on_callbacks_and_augmentations_run(door, registered, monkeypatch):
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    known = vars(page)
    known["trizoo"] = trizoo
    for heading in ("## Callbacks and metrics", "## Augmentations"):
        for block in code_blocks("docs/python.md", heading):
            exec(compile(block, "docs/python.md", "exec"), known)  # the project's own text
            assert known["run"].step > 0


class FakeStudy:
    """Optuna's study of two trials, the second of which is to be pruned."""

    def __init__(self, direction):
        self.reported, self.values, self.best_params = [], [], {"lr": 0.01}

    def optimize(self, objective, n_trials):
        for number in range(2):
            trial = types.SimpleNamespace(
                number=number,
                suggest_float=lambda name, low, high, log: 0.01,
                suggest_categorical=lambda name, choices: choices[1],
                report=lambda value, step: self.reported.append((value, step)),
                should_prune=lambda number=number: number == 1,
            )
            try:
                self.values.append(objective(trial))
            except FakePruned:
                self.values.append("pruned")


class FakePruned(Exception):  # noqa: N818, as Optuna's
    pass


def test_the_pages_search_with_optuna_reports_each_evaluation_and_prunes(door, monkeypatch):
    optuna = types.SimpleNamespace(create_study=FakeStudy, TrialPruned=FakePruned)
    monkeypatch.setitem(sys.modules, "optuna", optuna)
    known = {}
    for block in code_blocks("docs/python.md", "## Searching for settings with Optuna"):
        exec(compile(block, "docs/python.md", "exec"), known)  # the project's own text
    study = known["study"]
    first, second = study.values
    assert first == max(value for value, _ in study.reported)
    assert second == "pruned"
    assert load_recipe("study/0/last.h5")["loss"]["box"] == "giou"


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


def test_what_is_no_augmentation_is_refused_with_what_it_is(registered):
    with pytest.raises(TypeError, match="the augmentation 'bad' is 3; a function"):
        trizoo.register_augmentation("bad", 3)
    for name in (3, ""):
        with pytest.raises(TypeError, match=f"the name of an augmentation is {name!r}; text"):
            trizoo.register_augmentation(name, darker)
    with pytest.raises(TypeError, match=r"the family is 'x', 3; a name and a trizoo\.families\.Family"):
        trizoo.register_family("x", 3)


def test_an_augmentation_that_loader_processes_cannot_find_is_refused_where_there_are_any(door, registered, tmp_path):
    def inner(image, boxes, labels, mask, rng):
        return image, boxes, labels, mask

    a_lambda = lambda image, boxes, labels, mask, rng: (image, boxes, labels, mask)  # noqa: E731
    for name, function in (("a-lambda", a_lambda), ("inner", inner)):
        trizoo.register_augmentation(name, function)
        values = {"data.root": "photos", "schedule.iterations": 1, "augment": [{"op": name}]}
        with pytest.raises(
            trizoo.UserError, match=f"the augmentation '{name}' is .*can't find; a function of a module"
        ):
            trizoo.train(values, workers=1, out="refused", say=quiet)
        assert trizoo.train(values, workers=0, quiet=True, say=quiet).step == 1
    assert not (tmp_path / "refused").exists()


def test_an_augmentation_of_a_prompt_is_refused_and_that_of_a_script_is_not(registered, monkeypatch):
    typed = types.ModuleType("__main__")
    exec("def typed(image, boxes, labels, mask, rng): return image, boxes, labels, mask", vars(typed))
    monkeypatch.setitem(sys.modules, "__main__", typed)
    trizoo.register_augmentation("typed", typed.typed)
    recipe = schema.Recipe(augment=[{"op": "typed"}])
    with pytest.raises(trizoo.UserError, match=r"'typed' is .*loader processes can't find"):
        check_own_operations(recipe, 1)
    typed.__file__ = "script.py"
    check_own_operations(recipe, 1)


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


def test_anchors_of_a_model_without_them_are_refused(door):
    with pytest.raises(UserError, match="anchors: keep is of a detector with anchors, and classify-resnet18 is none"):
        trizoo.train({"model.name": "classify-resnet18", "anchors": "keep"})


def test_values_and_a_batch_size_may_fit_together_alone(door, tmp_path):
    door.memory = 4 << 30
    values = {"data.root": "photos", "schedule.accumulate": 3, "schedule.iterations": 1}
    (tmp_path / "parts.yaml").write_text("_base_: yolov3-tiny\nschedule: {accumulate: 3}\n", encoding="utf-8")
    assert api._new_run(tmp_path / "parts.yaml", batch_size=6)[0].schedule.batch_size == 6
    for size in (6, "auto"):
        run = trizoo.train(values, batch_size=size, workers=0, quiet=True, say=quiet)
        assert load_recipe(run.best)["schedule"]["batch_size"] % 3 == 0


def test_data_is_named_apart_and_where_it_is_now_for_a_run_to_resume(door, tmp_path):
    short = {"schedule.epochs": 1, "schedule.batch_size": 2}
    for recipe in (short, schema.Recipe(data={"root": "nowhere"}, schedule={"epochs": 1, "batch_size": 2})):
        run = trizoo.train(recipe, data=tmp_path / "photos", workers=0, quiet=True, say=quiet)
        assert load_recipe(run.best)["data"]["root"] == str(tmp_path / "photos")
    (tmp_path / "photos").rename(tmp_path / "moved")
    with pytest.raises(
        trizoo.UserError, match=r"photos, is not there any more; data=ROOT here, or trizoo train --resum"
    ):
        trizoo.train(resume=run.path, workers=0, say=quiet)
    trizoo.train(resume=run.path, data="moved", workers=0, quiet=True, say=quiet)
    with pytest.raises(TypeError, match="data is 3; text or a path is needed"):
        trizoo.train(data=3, say=quiet)
    with pytest.raises(trizoo.UserError, match="data set nowhere does not exist"):
        trizoo.train({"data.images": "pics"}, data="nowhere", say=quiet)
