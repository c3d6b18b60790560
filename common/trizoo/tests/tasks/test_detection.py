"""The detector that evaluation uses, and what it is measured on, with a framework that is none."""

import json

import numpy as np

from trizoo.families import model_spec
from trizoo.ground.sample import Detections
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Evaluation
from trizoo.tasks import task_of
from trizoo.tests.voc_files import add, add_list, thing


class Framework:
    """One whose predictor is never asked, but which says what it was made for."""

    def __init__(self):
        self.shortlists = []

    def is_cpu(self, device):
        return device == "cpu"

    def predictor(self, model, precision, device, shortlist):
        self.shortlists.append(shortlist)


def test_evaluation_detects_as_its_section_of_the_recipe_says():
    spec = model_spec("yolov3-tiny", 2)
    options = Evaluation(score=0.2, nms=0.4, nms_method="diou", max_detections=7)
    recipe = Recipe(input_size=(96, 64), resize="stretch", evaluate=options)
    detector = task_of("yolov3-tiny").evaluator(Framework(), None, spec, recipe, "cpu")
    assert (detector.input_size, detector.resize, detector.spec) == ((96, 64), "stretch", spec)
    assert (detector.score, detector.nms, detector.nms_method, detector.max_detections) == (0.2, 0.4, "diou", 7)


def test_rows_alone_are_sent_by_devices_that_copy_them():
    framework, recipe = Framework(), Recipe(input_size=(96, 64))
    for device in ("cpu", "cuda"):
        task_of("yolov3-tiny").evaluator(framework, None, model_spec("yolov3-tiny", 2), recipe, device)
    assert framework.shortlists == [False, True]


def test_voc_s_annotations_are_measured_with_coco_s_names(tmp_path):
    add(tmp_path, "a", thing("tvmonitor", 1, 1, 9, 9) + thing("cat", 1, 1, 7, 7))
    add_list(tmp_path, "test", ["a"])
    task, recipe = task_of("yolov3-tiny"), Recipe(data={"root": str(tmp_path)}, classes=("cat", "tv"))
    evaluation = task.evaluation_set(task.find(recipe.data), recipe, "test")
    assert evaluation.records[0].labels.tolist() == [1, 0]
    assert evaluation.notes == ["measured are tvmonitor as tv"]


def test_the_table_ends_with_what_ap_is_lost_by(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 20, 20))
    add_list(tmp_path, "test", ["a"])
    task, recipe = task_of("yolov3-tiny"), Recipe(data={"root": str(tmp_path)}, classes=("cat",))
    evaluation = task.evaluation_set(task.find(recipe.data), recipe, "test")
    loose = Detections(np.array([[4, 0, 24, 20]], np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))
    metrics, _ = evaluation.measure(lambda images: [loose for _ in images])
    assert task.table(metrics).splitlines()[-3:] == [
        "IoU of what is found at 0.5: 0.6667 on average",  # 16 / 24
        "AP at IoU 0.50 lost by nothing",
        "AP at IoU 0.75 lost by localisation 1.0000",
    ]


def test_where_nothing_is_found_the_table_says_that_objects_are_missed(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 20, 20))
    add_list(tmp_path, "test", ["a"])
    task, recipe = task_of("yolov3-tiny"), Recipe(data={"root": str(tmp_path)}, classes=("cat",))
    evaluation = task.evaluation_set(task.find(recipe.data), recipe, "test")
    none = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
    metrics, _ = evaluation.measure(lambda images: [none for _ in images])
    assert task.table(metrics).splitlines()[-1] == "AP at IoU 0.75 lost by missed objects alone"


def test_precision_and_recall_are_those_of_the_boxes_that_predict_shows(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 20, 20))
    add_list(tmp_path, "test", ["a"])
    task, recipe = task_of("yolov3-tiny"), Recipe(data={"root": str(tmp_path)}, classes=("cat",))
    listing, right = task.find(recipe.data), np.array([[0, 0, 20, 20]], np.float32)
    unsure = Detections(right, np.array([0.4], np.float32), np.zeros(1, np.int64))
    for score, recall in ((0.5, 0), (0.3, 1)):
        shown = recipe.model_copy(update={"predict": recipe.predict.model_copy(update={"score": score})})
        evaluation = task.evaluation_set(listing, shown, "test")
        metrics, found = evaluation.measure(lambda images: [unsure for _ in images])
        assert (metrics["score"], metrics["per_class"]["cat"]["recall"]) == (score, recall)
        evaluation.write_report(tmp_path / "report", found)
        assert json.loads((tmp_path / "report" / "report.json").read_text()) == metrics
