"""Metrics of classification, by hand and against a plain second implementation."""

import numpy as np
import pytest

from trizoo.metrics.classification import BINS, ClassificationMetrics, report
from trizoo.metrics.curves import write_classification_report


def measured(probabilities, labels, names):
    metrics = ClassificationMetrics(names)
    for row, label in zip(probabilities, labels, strict=True):
        metrics.add(row, label)
    return metrics.measure()


def test_by_hand():
    rows = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.5, 0.5]])  # of equal ones the first
    result = report(measured(rows, [0, 1, 1, 0], ("a", "b")))
    assert result["confusion"]["matrix"] == [[2, 0], [1, 1]]
    assert result["top1"] == 3 / 4
    assert result["top5"] == 1
    # a: 2 right of 3 predicted and 2 there, b: 1 of 1 and 2
    assert result["per_class"]["a"] == pytest.approx(
        {"F1": 4 / 5, "precision": 2 / 3, "recall": 1, "images": 2, "predicted": 3}
    )
    assert result["per_class"]["b"]["F1"] == pytest.approx(2 / 3)
    assert result["mF1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    # each in a bin of its own: |0.9 - 1|, |0.6 - 0|, |0.7 - 1|, |0.5 - 1|, over 4
    assert result["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.3 + 0.5) / 4)


def test_against_a_plain_second_implementation():
    rng = np.random.default_rng(3)
    rows = rng.dirichlet(np.full(8, 0.3), 300)
    labels = rng.integers(0, 8, 300).tolist()
    result = report(measured(rows, labels, tuple("abcdefgh")))
    best = [max(range(8), key=lambda label: row[label]) for row in rows]
    fives = [sorted(range(8), key=lambda label: -row[label])[:5] for row in rows]
    assert result["top1"] == sum(b == t for b, t in zip(best, labels, strict=True)) / 300
    assert result["top5"] == sum(t in five for t, five in zip(labels, fives, strict=True)) / 300
    for label, name in enumerate("abcdefgh"):
        hits = sum(b == t == label for b, t in zip(best, labels, strict=True))
        assert result["per_class"][name]["precision"] == pytest.approx(hits / best.count(label))
        assert result["per_class"][name]["recall"] == pytest.approx(hits / labels.count(label))
    error = 0.0
    for number in range(BINS):
        inside = [
            (row.max(), b == t)
            for row, b, t in zip(rows, best, labels, strict=True)
            if number == min(int(row.max() * BINS), BINS - 1)
        ]
        if inside:
            error += abs(sum(c for c, _ in inside) - sum(r for _, r in inside)) / 300
    assert result["calibration_error"] == pytest.approx(error)


def test_what_is_not_defined_is_none():
    empty = report(measured([], [], ("a", "b")))
    assert empty["top1"] is empty["calibration_error"] is empty["mF1"] is None
    one = report(measured(np.array([[1.0, 0.0]]), [0], ("a", "b")))
    assert one["per_class"]["b"] == {"F1": None, "precision": None, "recall": None, "images": 0, "predicted": 0}
    assert (one["top1"], one["mF1"], one["calibration_error"]) == (1, 1, 0)


def test_what_does_not_fit_is_refused():
    metrics = ClassificationMetrics(("a", "b"))
    with pytest.raises(ValueError, match=r"probabilities have shape \(3,\); \(2,\) is needed"):
        metrics.add(np.ones(3) / 3, 0)
    with pytest.raises(ValueError, match="the label is 2; 0 to 1 are the classes"):
        metrics.add(np.ones(2) / 2, 2)


def test_a_report_is_tables_and_pictures(tmp_path):
    measures = measured(np.array([[0.9, 0.1], [0.6, 0.4]]), [0, 1], ("a", "b"))
    assert write_classification_report(tmp_path, measures) == report(measures)
    tables = {"report.json", "per_class.csv", "confusion.csv", "calibration.csv"}
    pictures = {"confusion.png", "precision_recall.png", "calibration.png"}
    assert {path.name for path in tmp_path.iterdir()} == tables | pictures
    assert (tmp_path / "per_class.csv").read_text(encoding="utf-8").startswith("class,F1,precision,recall,images,pred")
