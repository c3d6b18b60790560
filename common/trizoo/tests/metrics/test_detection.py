import json

import numpy as np
import pytest

from trizoo.metrics import coco, confusion_matrix, operating_point, voc_ap
from trizoo.metrics.detection import evaluate

NAMES = ("cat", "猫", "_under $score", "only difficult", "absent")
BOX = [0, 0, 40, 40]


@pytest.fixture
def result(random_set):
    return evaluate(*random_set(1), NAMES, score=0.3)


def test_a_report_is_json_without_nan(result):
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_summary_numbers_are_those_of_the_single_metrics(random_set, result):
    detections, truths = random_set(1)
    expected = coco(detections, truths, 5)
    assert (result["mAP"], result["mAP50"], result["mAP75"]) == (expected["AP"], expected["AP50"], expected["AP75"])
    assert len(result["coco"]) == 12
    assert all(value == expected[name] for name, value in result["coco"].items())
    voc = voc_ap(detections, truths, 5)
    assert result["voc"] == {"mAP50": voc["mAP"], "mAP50_11_point": voc["mAP_11_point"]}
    assert result["images"] == 24
    assert result["score"] == 0.3
    assert result["confusion"]["matrix"] == confusion_matrix(detections, truths, 5, score=0.3).tolist()
    assert result["confusion"]["labels"] == [*NAMES, "background"]


def test_per_class_numbers_are_those_of_the_single_metrics(random_set, result):
    detections, truths = random_set(1)
    expected = dict(coco(detections, truths, 5)["per_class"])
    expected["VOC_AP50"] = voc_ap(detections, truths, 5)["AP"]
    at_score = operating_point(detections, truths, 5, score=0.3)
    expected |= {name: at_score[name] for name in ("precision", "recall", "F1", "LAMR")}
    for label, name in enumerate(NAMES):
        row = result["per_class"][name]
        for column, values in expected.items():
            np.testing.assert_equal(np.nan if row[column] is None else row[column], values[label])
        counted = sum(((item.labels == label) & ~item.difficult & ~item.crowd).sum() for item in truths)
        assert row["ground_truths"] == counted
        assert row["detections"] == sum((item.labels == label).sum() for item in detections)


def test_classes_without_counted_truth_are_none(result):
    for name in ("only difficult", "absent"):
        row = result["per_class"][name]
        assert [row[column] for column in ("AP50", "AP", "AP75", "VOC_AP50", "recall", "F1", "LAMR")] == [None] * 7
        assert row["ground_truths"] == 0
        assert row["detections"] > 0
    assert all(row["AP50"] is not None for row in list(result["per_class"].values())[:3])


def test_perfect_detections_score_one(found, truth):
    boxes = [BOX, [100, 0, 140, 40]]
    result = evaluate([found(boxes, [0.9, 0.8], [0, 1])], [truth(boxes, [0, 1])], ("a", "b"))
    assert result["mAP"] == pytest.approx(1)
    assert result["voc"] == {"mAP50": 1, "mAP50_11_point": pytest.approx(1)}
    assert result["per_class"]["b"]["F1"] == 1
    assert result["confusion"]["matrix"] == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_duplicates_are_false_positives(found, truth):
    result = evaluate([found([BOX, BOX], [0.9, 0.8], [0, 0])], [truth([BOX], [0])], ("a",))
    assert result["per_class"]["a"]["precision"] == 0.5
    assert result["per_class"]["a"]["recall"] == 1
    assert result["mAP50"] == 1  # the duplicate comes after full recall
    assert result["confusion"]["matrix"] == [[1, 0], [1, 0]]


def test_no_predictions(found, truth):
    result = evaluate([found()], [truth([BOX], [0])], ("a", "b"))
    assert result["mAP50"] == 0
    assert result["per_class"]["a"]["precision"] is None
    assert result["per_class"]["a"]["recall"] == 0
    assert result["per_class"]["b"]["AP50"] is None


@pytest.mark.parametrize("images", [0, 3])
def test_no_ground_truth_at_all(found, truth, images):
    result = evaluate([found([BOX], [0.9], [0])] * images, [truth()] * images, ("a",))
    assert result["images"] == images
    assert result["mAP50"] is result["mAP"] is result["voc"]["mAP50"] is None
    assert all(value is None for value in result["coco"].values())
    assert result["per_class"]["a"]["detections"] == images
    assert result["confusion"]["matrix"] == [[0, 0], [images, 0]]


def test_the_order_of_images_matters_only_to_ties(random_set):
    detections, truths = random_set(3)
    rng = np.random.default_rng(0)
    for item in detections:
        item.scores[:] = rng.random(len(item))
    order = rng.permutation(len(truths))
    shuffled = evaluate([detections[index] for index in order], [truths[index] for index in order], NAMES)
    straight = evaluate(detections, truths, NAMES)
    assert shuffled["coco"] == pytest.approx(straight["coco"])
    assert shuffled["confusion"] == straight["confusion"]


def test_a_class_name_that_appears_twice_is_refused():
    with pytest.raises(ValueError, match="'dog' more than once"):
        evaluate([], [], ("dog", "cat", "dog"))
