"""Metrics of marks, worked by hand; the pairing against SciPy's."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from trizoo.ground.sample import Detections
from trizoo.metrics.points import assignment, evaluate_points, measure_points, pair_points


def boxes_at(marks):
    marks = np.array(marks, np.float32).reshape(-1, 2)
    return np.concatenate([marks - 1, marks + 1], axis=1)


def truth(marks, labels, difficult=()):
    flags = np.isin(np.arange(len(labels)), difficult)
    return SimpleNamespace(
        boxes=boxes_at(marks), labels=np.array(labels, int), difficult=flags, crowd=np.zeros(len(labels), bool)
    )


def found(marks, labels):
    return Detections(boxes_at(marks), np.ones(len(labels), np.float32), np.array(labels, int))


def test_distances_precision_recall_and_confusion_worked_by_hand():
    truths = [truth([(10, 10), (100, 10), (200, 10)], [0, 0, 1]), truth([(50, 50)], [1])]
    # 5 pixels away; 16, so too far; of another class; and in an image of its own nothing
    detections = [found([(13, 14), (116, 10), (203, 10)], [0, 0, 0]), found([], [])]
    metrics = evaluate_points(detections, truths, ("a", "b"))
    a, b = metrics["per_class"]["a"], metrics["per_class"]["b"]
    assert (a["precision"], a["recall"], a["F1"]) == (pytest.approx(1 / 3), 0.5, pytest.approx(0.4))
    assert (a["mean_distance"], a["median_distance"], a["p95_distance"]) == (5, 5, 5)
    assert (a["ground_truths"], a["detections"], b["ground_truths"], b["detections"]) == (2, 3, 2, 0)
    assert (b["precision"], b["recall"], b["F1"], b["mean_distance"]) == (None, 0, 0, None)
    assert metrics["confusion"]["matrix"] == [[1, 0, 1], [1, 0, 1], [1, 0, 0]]
    assert metrics["confusion"]["labels"] == ["a", "b", "background"]
    # one pair of 4 true and 3 found marks: F1 2/7; at 1, 2 and 3 pixels none, at 5, 10 and 15 that one
    assert metrics["F1"] == pytest.approx(2 / 7)
    assert metrics["mF1"] == pytest.approx(1 / 7)
    mistakes = measure_points(detections, truths, ("a", "b"))["mistakes"]
    assert {name: counts.tolist() for name, counts in mistakes.items()} == {
        "missed": [1, 1],
        "false": [1, 0],
        "confused": [1, 0],
    }


def test_a_mark_at_a_difficult_one_is_neither_right_nor_wrong():
    metrics = evaluate_points([found([(10, 10), (50, 50)], [0, 0])], [truth([(12, 10), (50, 53)], [0, 0], [0])], ("a",))
    assert (metrics["precision"], metrics["recall"], metrics["mean_distance"]) == (1, 1, 3)
    assert metrics["per_class"]["a"]["detections"] == 1


def test_nothing_at_all_has_no_metrics_and_another_number_of_images_is_an_error():
    metrics = evaluate_points([found([], [])], [truth([], [])], ("a",))
    assert (metrics["F1"], metrics["mF1"], metrics["precision"], metrics["mean_distance"]) == (None,) * 4
    with pytest.raises(ValueError, match="1 images have detections and 0 have truth"):
        measure_points([found([], [])], [], ("a",))


def test_the_nearest_pair_is_left_where_more_pairs_come_of_it():
    # 0 is near both, 20 only near 10: two pairs instead of the shortest one
    rows, columns = pair_points(np.array([[0.0, 0], [20, 0]]), np.array([[10.0, 0], [-9, 0]]), 15)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_pairs_are_as_many_and_as_near_as_scipys():
    random = np.random.default_rng(0)
    for number in range(300):
        rows, columns = random.integers(1, 9, 2)
        cost = random.random((rows, columns)) if number % 2 else random.integers(0, 4, (rows, columns)).astype(float)
        ours, theirs = assignment(cost), linear_sum_assignment(cost)
        assert len(set(ours[0].tolist())) == len(set(ours[1].tolist())) == min(rows, columns)
        assert cost[ours].sum() == pytest.approx(cost[theirs].sum())
        first, second = random.random((rows, 2)) * 30, random.random((columns, 2)) * 30
        apart = np.linalg.norm(first[:, None] - second, axis=-1)
        row, column = linear_sum_assignment(np.where(apart <= 15, apart, 1e6))
        kept = apart[row, column] <= 15
        ours = pair_points(first, second, 15.0)
        assert len(ours[0]) == kept.sum()
        assert apart[ours].sum() == pytest.approx(apart[row, column][kept].sum())


def test_thousands_of_marks_take_no_time():
    marks = np.stack(np.divmod(np.arange(3000), 60), axis=1) * 40.0
    rows, columns = pair_points(marks + 3, marks[::-1], 15.0)
    assert len(rows) == 3000
    assert (rows == 2999 - columns).all()
