"""Recall@k and mAP@R by hand and against a plain second implementation."""

import numpy as np
import pytest

from trizoo.metrics import embedding
from trizoo.metrics.embedding import EmbeddingMetrics, best_threshold, report
from trizoo.metrics.embedding_report import write_embedding_report


def measured(vectors, labels, names):
    metrics = EmbeddingMetrics(names)
    for vector, label in zip(vectors, labels, strict=True):
        metrics.add(vector, label)
    return metrics.measure()


def turned(*degrees):
    """Vectors of length 1 at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_by_hand():
    # a at 0, 10 and 40 degrees, b at 15 and 90; c has one image, which isn't looked for
    measures = measured(turned(0, 10, 40, 15, 90, 200), [0, 0, 0, 1, 1, 2], ("a", "b", "c"))
    result = report(measures)
    # nearest: 0 -> 10 right; 10 -> 15 wrong; 40 -> 15 wrong; 15 -> 10 wrong; 90 -> 40 wrong
    assert measures["nearest"].tolist() == [1, 3, 3, 1, 2, 4]
    assert result["recall_at_1"] == pytest.approx(1 / 5)
    # of two others each a has at its first two ranks: of 0 (10, 15) 1 / 1; of 10 (15, 0) 1 / 2; of 40 (15, 10) 1 / 2
    assert result["per_class"]["a"] == {
        "recall_at_1": pytest.approx(1 / 3),
        "map_at_r": pytest.approx((1 + 0.5 + 0.5) / 6),
        "images": 3,
    }
    assert result["per_class"]["b"]["map_at_r"] == 0
    assert result["per_class"]["c"] == {"recall_at_1": None, "map_at_r": None, "images": 1}
    assert result["images"] == 6


@pytest.mark.parametrize("block", [1 << 24, 1000])
def test_against_a_plain_second_implementation(monkeypatch, block):
    monkeypatch.setattr(embedding, "_BLOCK", block)
    random = np.random.default_rng(4)
    labels = random.integers(0, 30, 200)
    vectors = random.normal(size=(200, 8)) + 1.5 * random.normal(size=(30, 8))[labels]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    result = report(measured(vectors, labels.tolist(), [str(label) for label in range(30)]))
    firsts, fives, means = [], [], []
    for i in range(200):
        others = [j for j in range(200) if j != i]
        relevant = sum(labels[j] == labels[i] for j in others)
        if not relevant:
            continue
        ranked = sorted(others, key=lambda j: -float(vectors[i] @ vectors[j]))
        firsts.append(labels[ranked[0]] == labels[i])
        fives.append(any(labels[j] == labels[i] for j in ranked[:5]))
        hits = [labels[j] == labels[i] for j in ranked[:relevant]]
        means.append(sum(sum(hits[: rank + 1]) / (rank + 1) for rank in range(relevant) if hits[rank]) / relevant)
    assert result["recall_at_1"] == pytest.approx(np.mean(firsts))
    assert result["recall_at_5"] == pytest.approx(np.mean(fives))
    assert result["map_at_r"] == pytest.approx(np.mean(means))


def test_the_threshold_divides_best():
    assert best_threshold(np.array([0.9, 0.8, 0.3]), np.array([0.5, 0.1])) == pytest.approx((0.65, 2 / 3, 1))
    assert best_threshold(np.array([0.9]), np.array([0.2])) == pytest.approx((0.55, 1, 1))
    assert np.isnan(best_threshold(np.array([0.9]), np.array([]))).all()


def test_a_threshold_is_raised_to_what_95_of_100_of_one_class_reach():
    same, other = np.linspace(0.5, 0.995, 100), np.array([0.1])
    # the middle of the gap would be 0.3; the fifth lowest of 100 (floor of 0.05 * 99 = 4, from 0 on) is 0.52
    assert best_threshold(same, other) == pytest.approx((0.52, 0.96, 1))
    assert best_threshold(same[:19], other) == pytest.approx((0.3, 1, 1))
    assert best_threshold(same[:20], other) == pytest.approx((0.5, 1, 1))


def test_a_threshold_stays_where_the_product_of_shares_is_the_greatest_if_that_is_higher():
    same, other = np.linspace(0, 0.95, 20), np.full(10, 0.42)
    # above 0.42: 11 of 20 from 0.45 on, times 1; at 0.0, the lowest of 20: 1 times 0
    assert best_threshold(same, other) == pytest.approx((0.435, 0.55, 1))


def test_what_no_threshold_tells_apart_has_none():
    assert np.isnan(best_threshold(np.full(3, -np.inf), np.array([0.9]))).all()


def test_what_is_not_defined_is_none_and_wrong_input_is_refused():
    assert report(measured([], [], ("a",)))["recall_at_1"] is None
    lone = report(measured(turned(5), [0], ("a",)))
    assert (lone["map_at_r"], lone["threshold"], lone["images"]) == (None, None, 1)
    of_one_class = report(measured(turned(5, 6, 7), [0, 0, 0], ("a",)))
    assert (of_one_class["recall_at_1"], of_one_class["threshold"]) == (1, None)
    metrics = EmbeddingMetrics(("a",))
    metrics.add(np.ones(3, np.float32), 0)
    with pytest.raises(ValueError, match=r"the vector has shape \(4,\)"):
        metrics.add(np.ones(4, np.float32), 0)
    with pytest.raises(ValueError, match="the label is 1; 0 to 0 are the classes"):
        metrics.add(np.ones(3, np.float32), 1)


def test_a_report_is_written(tmp_path):
    measures = measured(turned(0, 10, 40, 15, 90), [0, 0, 0, 1, 1], ("a", "b"))
    assert write_embedding_report(tmp_path / "out", measures) == report(measures)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.json",
        "per_class.csv",
        "similarities.csv",
        "similarities.png",
    }
    lines = (tmp_path / "out" / "similarities.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
