"""evaluate.py, with a framework that is none; common/trizoo/tests/contract/commands.py has the command as a whole."""

import shutil

import numpy as np
import pytest

from trizoo.commands import evaluate as command
from trizoo.commands.published import as_published, conditions_of
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.tasks.detection import BoxEvaluationSet, Detection
from trizoo.tasks.segmentation import Segmentation
from trizoo.tests.mask_files import write_masks
from trizoo.tests.testing import FakeFramework
from trizoo.tests.voc_files import add, add_list, thing
from trizoo.training.build import Read


@pytest.fixture
def evaluate(monkeypatch, tmp_path):
    """evaluate.py with these flags, on a detector that was trained on a data set; None for one that names none."""
    weights = tmp_path / "weights.h5"
    weights.touch()

    def run(*flags, root=None):
        recipe = Recipe(classes=("a",), data=Data(root=root))
        monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 1), {}))
        return command.evaluate(FakeFramework(), ["--weights", str(weights), *flags])

    return run


def test_boundary_iou_of_a_detector_is_refused(evaluate, tmp_path):
    with pytest.raises(UserError, match="--boundary is for segmentation and yolov3-tiny does detection; leave it out"):
        evaluate("--data", str(tmp_path), "--boundary")


def test_data_that_is_not_named_or_not_there_is_one_sentence(evaluate):
    with pytest.raises(
        UserError, match=r"weights\.h5 was not trained here, so it names no data; --data ROOT says which"
    ):
        evaluate()
    with pytest.raises(UserError, match="was trained on, /no/such/place, is not there; --data ROOT says where"):
        evaluate(root="/no/such/place")
    with pytest.raises(UserError, match="/nor/here"):
        evaluate("--data", "/nor/here", root="/no/such/place")


def test_as_published_takes_what_the_manifest_says_below_given_flags(tmp_path):
    tag, recipe = "deeplabv3-mobilenetv2.voc.train-aug", Recipe(resize="stretch", input_size=(512, 512))
    read = Read(tmp_path, recipe, model_spec("deeplabv3-mobilenetv2", 21), {})
    args = command.parser().parse_args(["--weights", tag, "--as-published", "--input-size", "257"])
    changed = as_published(read, args, conditions_of(tag))
    assert (changed.recipe.resize, args.input_size, args.output_stride) == ("pad", (257, 257), "16")
    changed = as_published(read, args, conditions_of("ssd300-vgg16.coco"))
    evaluate = changed.recipe.evaluate
    assert (evaluate.score, evaluate.nms, evaluate.max_detections, changed.recipe.resize) == (
        0.01,
        0.45,
        200,
        "stretch",
    )


def test_as_published_nms_is_hard_whatever_the_recipe_says(tmp_path):
    recipe = Recipe(evaluate={"nms_method": "vote"})
    read = Read(tmp_path, recipe, model_spec("ssd300-vgg16", 80), {})
    args = command.parser().parse_args(["--weights", "ssd300-vgg16.coco", "--as-published"])
    assert as_published(read, args, conditions_of("ssd300-vgg16.coco")).recipe.evaluate.nms_method == "hard"


def test_as_published_is_for_tags_whose_conditions_are_known(evaluate, tmp_path):
    with pytest.raises(UserError, match=r"--as-published is for tags, and '.*weights\.h5' is none"):
        evaluate("--as-published", "--data", str(tmp_path))
    with pytest.raises(UserError, match=r"how resnet18\.imagenet was measured isn't known; it is of yolov3\.coco, "):
        conditions_of("resnet18.imagenet")


def test_the_flags_that_change_metrics_reach_what_measures(monkeypatch, synthetic_data, tmp_path):
    recipe = Recipe(classes=("circle", "square", "triangle"), data=Data(root=synthetic_data))
    used = []

    def measure(evaluation, pipeline):
        used.append(pipeline.pipeline)  # behind the one that is watched
        return {}, None

    monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 3), {}))
    monkeypatch.setattr(command, "make_model", lambda framework, read, device, precision: (read.recipe, None))
    monkeypatch.setattr(FakeFramework, "predictor", lambda *_: None)
    monkeypatch.setattr(BoxEvaluationSet, "measure", measure)
    monkeypatch.setattr(Detection, "table", lambda *_: "")
    (tmp_path / "w.h5").touch()
    flags = ["--input-size", "96x64", "--tta", "--max-detections", "7"]
    for more in ([], ["--tiles", "640", "--overlap", "0.3"]):
        assert command.evaluate(FakeFramework(), ["--weights", str(tmp_path / "w.h5"), *flags, *more]) == 0
    plain, tiled = used
    assert (plain.input_size, plain.flip, plain.max_detections, plain.nms) == ((96, 64), True, 7, recipe.evaluate.nms)
    assert (tiled.detector, tiled.tile, tiled.overlap) == (plain, 640, 0.3)


def test_an_input_size_of_images_as_they_are_is_refused(monkeypatch, tmp_path, synthetic_data):
    recipe = Recipe(classes=("a",), resize="none", data=Data(root=synthetic_data))
    monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 1), {}))
    (tmp_path / "w.h5").touch()
    with pytest.raises(UserError, match=r"--input-size is 96x64, and .*w\.h5 takes images as they are"):
        command.evaluate(FakeFramework(), ["--weights", str(tmp_path / "w.h5"), "--input-size", "96x64"])


@pytest.fixture
def segment(monkeypatch, tmp_path):
    """evaluate.py with these flags, on a segmenter that sees class 1 everywhere; -> what it printed."""
    weights = tmp_path / "weights.h5"
    weights.touch()
    name = "deeplabv3plus-mobilenetv2"
    recipe = Recipe(classes=("background", "cat"), model={"name": name}, loss={"kind": "segmentation"})
    monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec(name, 2), {}))
    monkeypatch.setattr(command, "make_model", lambda framework, read, device, precision: (read.recipe, None))
    monkeypatch.setattr(Segmentation, "evaluator", lambda *_: lambda paths: (np.ones((4, 6), np.uint8) for _ in paths))

    def run(capsys, *flags):
        assert command.evaluate(FakeFramework(), ["--weights", str(weights), *flags]) == 0
        return capsys.readouterr().out

    return run


def test_other_data_go_by_their_names_which_a_line_says(segment, tmp_path, capsys):
    mask = np.zeros((4, 6), np.uint8)
    mask[0] = 1
    root = write_masks(tmp_path / "set", {"a": mask, "b": mask})
    assert f"data: {root} names no classes, so values in its masks are the ids of background, cat" in segment(
        capsys, "--data", str(root)
    )
    (root / "labels.txt").write_text("cat\nbackground\n", encoding="utf-8")
    out = segment(capsys, "--data", str(root))
    assert f"data: the classes of the masks go by the names in {root / 'labels.txt'}" in out
    assert "pixel accuracy 0.7500" in out  # 3 of 4 rows are cats


def test_values_of_other_data_are_mapped_by_the_flags_of_training(segment, tmp_path, capsys):
    mask = np.full((4, 6), 255, np.uint8)
    mask[0] = 0
    root = write_masks(tmp_path / "set", {"a": mask, "b": mask})
    with pytest.raises(UserError, match="--mask-map 255=1"):
        segment(capsys, "--data", str(root))
    assert "pixel accuracy 0.7500" in segment(capsys, "--data", str(root), "--mask-map", "128-255=1,0-127=0")


@pytest.fixture
def detect(monkeypatch, tmp_path):
    """evaluate.py with these flags, on a detector of COCO's names that finds nothing; -> what it printed."""
    weights = tmp_path / "weights.h5"
    weights.touch()
    recipe = Recipe(classes=("cat", "couch", "dining table", "tv"), data={"classes_map": {"puss": "cat"}})
    monkeypatch.setattr(command, "read_model", lambda path: Read(path, recipe, model_spec("yolov3-tiny", 4), {}))
    monkeypatch.setattr(command, "make_model", lambda framework, read, device, precision: (read.recipe, None))
    monkeypatch.setattr(Detection, "evaluator", lambda *_: lambda paths: (Detections.empty() for _ in paths))

    def run(capsys, *flags):
        assert command.evaluate(FakeFramework(), ["--weights", str(weights), *flags]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("flags", [[], ["--classes-map", "puss=cat", "sofa=couch", "tvmonitor=tv"]])
def test_names_of_voc_are_mapped_to_coco_s_with_or_without_the_flag(detect, tmp_path, capsys, flags):
    root = tmp_path / "set"
    add(root, "a", thing("tvmonitor", 1, 1, 9, 9) + thing("sofa", 1, 1, 8, 8) + thing("puss", 1, 1, 7, 7))
    add_list(root, "test", ["a"])
    lines = detect(capsys, "--data", str(root), *flags).splitlines()
    told = "data: measured are tvmonitor as tv, sofa as couch"
    assert (told in lines) == (not flags)
    objects = {line.rpartition("  ")[0].split("  ")[0]: line.split()[-1] for line in lines if line[:1].islower()}
    assert {name: objects[name] for name in ("cat", "couch", "dining table", "tv")} == {
        "cat": "1",
        "couch": "1",
        "dining table": "0",
        "tv": "1",
    }


@pytest.fixture
def odd(tmp_path):
    """A data set beside whose annotations lie others, with a recipe that names those that count."""
    root = synthesize(tmp_path / "odd", images=8, size=(64, 64))
    (root / "Annotations").rename(root / "notes")
    shutil.copytree(root / "notes", root / "Annotations")
    for path in (root / "Annotations").iterdir():
        path.write_text(path.read_text().replace("circle", "foo"))
    return Recipe(classes=("circle", "square", "triangle"), data=Data(root=str(root), annotations="notes"))


def measured(recipe, *flags):
    """The data section that evaluate.py measures by."""
    return command._with_data(recipe, command.parser().parse_args(["--weights", "w.h5", *flags])).data


def test_places_of_the_run_hold_where_its_data_was_moved(odd, tmp_path, capsys):
    moved = tmp_path / "moved"
    (tmp_path / "odd").rename(moved)
    assert measured(odd, "--data", str(moved)).annotations == "notes"
    assert "data: read with --annotations notes, as in training; other values of " in capsys.readouterr().out
    assert measured(odd, "--data", str(moved), "--annotations", "Annotations").annotations == "Annotations"
    assert capsys.readouterr().out == ""


def test_another_data_set_is_read_by_its_own_layout_and_places(odd, tmp_path, capsys):
    other = str(synthesize(tmp_path / "other", images=8, size=(64, 64)))
    pictures = str(tmp_path / "odd" / "JPEGImages")
    named = odd.data.model_copy(update={"layout": "yolo", "images": pictures, "root": "/no/such/place"})
    found = measured(odd.model_copy(update={"data": named}), "--data", other)
    assert (found.layout, found.images, found.annotations) == (None, None, None)
    assert capsys.readouterr().out == ""


def test_the_layout_of_the_run_holds_where_the_data_has_it(odd, tmp_path):
    named = odd.model_copy(update={"data": odd.data.model_copy(update={"layout": "voc"})})
    other = str(synthesize(tmp_path / "other", images=8, size=(64, 64)))
    assert measured(named, "--data", other).layout == "voc"
