"""Average precision and F1 of labels of whole images, by hand."""

import json

import numpy as np
import pytest

from trizoo.metrics.multilabel import MultilabelMetrics, average_precision, report
from trizoo.metrics.multilabel_report import write_multilabel_report


def measured():
    """Four images of three classes; the last class has no image."""
    metrics = MultilabelMetrics(("a", "b", "c"))
    for probabilities, labels in (
        ([0.9, 0.2, 0.1], [0]),
        ([0.8, 0.6, 0.1], [1]),
        ([0.5, 0.7, 0.6], [0, 1]),
        ([0.1, 0.1, 0.1], []),
    ):
        metrics.add(np.array(probabilities, np.float32), labels)
    return metrics.measure()


def test_average_precision_by_hand():
    truth = np.array([True, False, True, False])
    # by score: right, wrong, right -> 1 / 1 and 2 / 3
    assert average_precision(np.array([0.9, 0.8, 0.5, 0.1]), truth) == pytest.approx((1 + 2 / 3) / 2)
    # all alike: each time 2 of 4
    assert average_precision(np.full(4, 0.5), truth) == 0.5
    # 0.9 right; at 0.5 one right and one wrong more -> 1 / 1 and 2 / 3, in whatever order
    for order in ([0, 1, 2, 3], [0, 2, 1, 3]):
        scores = np.array([0.9, 0.5, 0.5, 0.1])
        assert average_precision(scores[order], truth[order]) == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(average_precision(np.array([0.5]), np.array([False])))


def test_metrics_by_hand():
    result = report(measured())
    # a: found in 3 images (0.5 counts), 2 of 2 right; b: found in 2, both right
    assert result["per_class"]["a"] == {
        "AP": pytest.approx((1 + 2 / 3) / 2),
        "F1": pytest.approx(0.8),  # 2 * 2 / (2 + 3)
        "precision": pytest.approx(2 / 3),
        "recall": 1,
        "images": 2,
        "predicted": 3,
    }
    assert (result["per_class"]["b"]["AP"], result["per_class"]["b"]["F1"]) == (1, 1)
    assert (result["per_class"]["c"]["AP"], result["per_class"]["c"]["recall"]) == (None, None)
    assert result["per_class"]["c"]["F1"] == 0  # found once, never there
    assert result["mAP"] == pytest.approx((5 / 6 + 1) / 2)
    assert result["mF1"] == pytest.approx((0.8 + 1 + 0) / 3)
    assert result["F1"] == pytest.approx(2 * 4 / (4 + 6))
    assert (result["all_right"], result["images"], result["score"]) == (0.5, 4, 0.5)  # the first and the last


def test_without_an_image_shares_are_none():
    result = report(MultilabelMetrics(("a",)).measure())
    assert (result["images"], result["mAP"], result["all_right"]) == (0, None, None)


def test_what_does_not_fit_is_named():
    metrics = MultilabelMetrics(("a", "b"))
    with pytest.raises(ValueError, match=r"probabilities have shape \(3,\); \(2,\) is needed"):
        metrics.add(np.zeros(3), [])
    with pytest.raises(ValueError, match="a label is 2; 0 to 1 are the classes"):
        metrics.add(np.zeros(2), [0, 2])


def test_a_report_has_numbers_and_plots(tmp_path):
    result = write_multilabel_report(tmp_path, measured())
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == result
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"report.json", "per_class.csv", "average_precision.png", "precision_recall.png"}
    first = (tmp_path / "per_class.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first == "class,AP,F1,precision,recall,images,predicted"
