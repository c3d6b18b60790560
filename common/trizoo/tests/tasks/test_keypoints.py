"""The task of key points: what it reads, refuses, draws and writes."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from trizoo.augment.geometry import keep_visible
from trizoo.augment.letterbox import fit
from trizoo.augment.mosaic import keep_beside, mosaic
from trizoo.augment.pipeline import augment
from trizoo.commands.main import main
from trizoo.data.photo import Photo
from trizoo.data.synthetic import synthesize
from trizoo.diagnosis import sizes
from trizoo.families import model_spec
from trizoo.ground.boxes import centres
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Detections, Sample
from trizoo.pictures.draw_points import draw_points
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.show.kinds import KINDS
from trizoo.show.pictures import annotated
from trizoo.tasks.detection import Detection
from trizoo.tasks.found import Keypoints as Marks
from trizoo.tasks.keypoints import Keypoints

CLASSES = ("cross", "ring")
ARGS = {"confidence": None, "classes": None, "line_width": None, "hide_labels": False, "count": False}
ARGS |= {"tta": False, "tta_scales": None, "json": True}


@pytest.fixture
def strips(tmp_path):
    return synthesize(tmp_path / "strips", 6, (320, 64), CLASSES, kind="keypoints")


@pytest.fixture
def points(tmp_path):
    """An image with a table of points."""
    Image.new("RGB", (100, 60)).save(tmp_path / "a.png")
    (tmp_path / "marks.csv").write_text("image,x,y,class\na.png,10,20,pin\na.png,99.5,0.5,pin\n", encoding="utf-8")
    return tmp_path


def found(*marks):
    marks = np.array(marks, np.float32).reshape(-1, 2)
    scores = np.linspace(0.9, 0.4, len(marks)).astype(np.float32)
    return Detections(np.concatenate([marks - 1, marks + 1], axis=1), scores, np.zeros(len(marks), int))


def test_samples_have_boxes_of_two_pixels_about_the_marks(strips):
    task, data = Keypoints(), Data(root=str(strips))
    training = task.open(task.find(data), data, "train", ())
    for number, record in enumerate(training.records):
        boxes = training.sample(number).boxes
        assert np.allclose(boxes[:, 2:] - boxes[:, :2], 2)
        assert np.allclose(boxes[:, :2] + boxes[:, 2:], record.boxes[:, :2] + record.boxes[:, 2:])
    assert training.classes == CLASSES


def test_points_are_found_by_themselves_and_refused_by_a_detector(points):
    task, data = Keypoints(), Data(root=str(points))
    training = task.open(task.find(data), data, None, ())
    boxes = training.sample(0).boxes
    assert ((boxes[:, :2] + boxes[:, 2:]) / 2).tolist() == [[10, 20], [99.5, 0.5]]
    with pytest.raises(UserError, match=r"has points \(layout points\), and a detector needs boxes; .*-stride32"):
        Detection().find(Data(root=str(points)))


def test_an_evaluation_set_measures_distances_and_draws_crosses(strips, tmp_path):
    task, data = Keypoints(), Data(root=str(strips))
    evaluation = task.evaluation_set(task.find(data), Recipe(data=data, classes=CLASSES), None)
    right = [
        Detections(record.boxes, np.ones(len(record.boxes), np.float32), record.labels) for record in evaluation.records
    ]
    metrics, results = evaluation.measure(lambda images: [right[number] for number, _ in enumerate(images)])
    assert (metrics["mF1"], metrics["F1"], metrics["mean_distance"]) == (1, 1, 0)
    table = task.table(metrics)
    assert "mF1 1.0000  F1 1.0000" in table
    assert "median px" in table
    number = next(number for number, record in enumerate(evaluation.records) if len(record.boxes))
    truth, prediction = evaluation.draw(results, number)
    assert truth.shape == prediction.shape == (64, 320, 3)
    assert (truth != prediction).any()  # of scores alone
    evaluation.write_report(tmp_path / "report", results)
    names = {"report.json", "per_class.csv", "confusion.csv", "confusion.png", "distances.csv", "distances.png"}
    assert {path.name for path in (tmp_path / "report").iterdir()} == names | {"precision_recall.png"}
    titles = [section.title for section in KINDS["keypoints"].results(evaluation, metrics, results, ("a", "b"))]
    assert titles == ["", "Classes", "Distances and confusion", "Worst images"]


def test_a_result_has_a_point_for_each_mark_above_the_confidence():
    task, recipe = Keypoints(), Recipe(classes=("pin",))
    photo = Photo.of(np.zeros((60, 100, 3), np.uint8))
    args = SimpleNamespace(**ARGS)
    marks = found((10.25, 20), (99.5, 0.5), (50, 50))
    result = task.result(photo, marks, recipe, args)
    assert [one["point"] for one in result["detections"]] == [[10.25, 20], [99.5, 0.5]]
    assert result["counts"] == {"pin": 2}
    assert task.line(photo, marks, result, recipe, args).endswith("2 pin")
    nothing = task.result(photo, found(), recipe, args)
    assert "0 key points above 0.5" in task.line(photo, found(), nothing, recipe, args)


def test_a_program_gets_points_and_a_picture_with_crosses():
    given = Marks(**vars(found((10.25, 20), (99.5, 0.5))), classes=("pin",), size=(100, 60))
    assert given.points.tolist() == [[10.25, 20], [99.5, 0.5]]
    assert given.above(0.8).points.tolist() == [[10.25, 20]]
    image = np.full((60, 100, 3), 128, np.uint8)
    assert (given.draw(image) == draw_points(image, given.points, given.labels, ("pin",), given.scores)).all()
    assert Keypoints.predictor_class.gives is Marks


def test_looking_twice_is_refused():
    for name, value in (("tta", True), ("tta_scales", [1.0, 1.5])):
        args = SimpleNamespace(**(ARGS | {name: value}))
        message = f"--{name.replace('_', '-')} is for detection and segmentation and keypoints-stride16 does keypoints"
        with pytest.raises(UserError, match=message):
            Keypoints().as_used(SimpleNamespace(spec=model_spec("keypoints-stride16", 2)), args)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        (
            "keypoints-stride32",
            [128, 64],
            "2 of 3 key points can't be learned, .* of 32x32 .*stride16 or a larger",
        ),
        (
            "keypoints-stride16",
            [128, 64],
            "1 of 3 key points can't be learned, .* of 16x16 .*one; a larger",
        ),
        ("keypoints-stride16", [256, 128], None),
    ],
)
def test_marks_that_share_a_cell_as_they_are_placed_are_told(tmp_path, model, size, expected):
    Image.new("RGB", (64, 32)).save(tmp_path / "a.png")
    rows = [f"a.png,{x},{y},pin" for x, y in ((1, 1), (4.5, 2), (9, 3))]  # twice as far apart at 128x64
    (tmp_path / "train.csv").write_text("\n".join(["image,x,y,class", *rows]), encoding="utf-8")
    task, data = Keypoints(), Data(root=str(tmp_path))
    recipe = Recipe(model={"name": model}, input_size=size, resize="stretch", loss={"kind": "keypoints"})
    training = task.open(task.find(data), data, "train", ())
    remarks = task.remarks(recipe, SimpleNamespace(training=training, members=[0]))
    assert len(remarks) == (expected is not None)
    assert expected is None or re.search(expected, remarks[0])


def test_a_page_of_strips_shows_what_they_hold(strips, tmp_path, capsys):
    flags = ["--task", "keypoints", "--out", str(tmp_path / "page"), "--count", "2"]
    assert main(["data", "show", str(strips), *flags]) == 0
    text = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "positions.png" in text
    assert "sizes.png" not in text
    assert " marks of 2 classes; " in text
    assert "boxes" not in text
    capsys.readouterr()


def test_a_page_draws_marks_as_crosses(strips):
    task, data = Keypoints(), Data(root=str(strips))
    sample = task.open(task.find(data), data, "train", ()).sample(0)
    picture = annotated(sample, CLASSES, side=sample.size[0])
    expected = draw_points(sample.image, centres(sample.boxes), sample.labels, CLASSES)
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("size", [(64, 32), (32, 64), (640, 128)])
@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
def test_marks_stay_however_small_images_become(strips, size, policy):
    task, data = Keypoints(), Data(root=str(strips))
    training = task.open(task.find(data), data, "train", ())
    operations = [{"op": "place"}, {"op": "flip", "probability": 0}, {"op": "rotate", "probability": 1, "degrees": 0}]
    for number, record in enumerate(training.records):
        sample = augment(training.sample(number), operations, size, np.random.default_rng(0), policy)
        expected = fit(record.size, size, policy).forward(record.boxes)
        np.testing.assert_allclose(centres(sample.boxes), centres(expected), atol=0.01)


def test_marks_out_of_sight_go_and_those_at_the_edge_stay_where_they_are():
    boxes = np.array([[-1, -1, 1, 1], [9, 9, 11, 11], [-3, 4, -1, 6], [4, 9.5, 6, 11.5]], np.float32)
    kept, labels = keep_visible(boxes, np.arange(4), 10, 10, points=True)
    assert labels.tolist() == [0, 1]
    assert kept.tolist() == boxes[:2].tolist()
    kept, labels = keep_beside(boxes, np.arange(4), (0, 0, 5, 5), points=True)
    assert labels.tolist() == [1, 2, 3]
    sample = Sample(np.zeros((10, 10, 3), np.uint8), boxes, np.arange(4), points=True)
    assert mosaic(sample, (20, 20), np.random.default_rng(0), lambda rng: sample, probability=1).points


def test_a_diagnosis_of_key_points_says_nothing_of_sizes(strips, tmp_path):
    images = SimpleNamespace(recipe=Recipe(model={"name": "keypoints-stride32"}, loss={"kind": "keypoints"}))
    assert sizes.causes(None, images) == []
