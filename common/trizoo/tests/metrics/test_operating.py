import numpy as np
import pytest

from trizoo.metrics.operating import operating_point

BOX, OTHER, ELSEWHERE = [0, 0, 40, 40], [100, 0, 140, 40], [200, 200, 240, 240]


def test_rates_at_a_score(found, truth):
    detections = [found([BOX, ELSEWHERE, OTHER], [0.9, 0.6, 0.4], [0, 0, 0])]
    truths = [truth([BOX, OTHER], [0, 0])]
    result = operating_point(detections, truths, 1, score=0.5)
    assert [result[name].tolist() for name in ("TP", "FP", "FN")] == [[1], [1], [1]]
    assert result["precision"].tolist() == [0.5]
    assert result["recall"].tolist() == [0.5]
    assert result["F1"].tolist() == [0.5]
    result = operating_point(detections, truths, 1, score=0.4)
    # 2 of 3 detections right, 2 of 2 found: F1 = 2 * 2 / (3 + 2)
    assert result["precision"].tolist() == [pytest.approx(2 / 3)]
    assert result["F1"].tolist() == [pytest.approx(0.8)]


@pytest.mark.parametrize("score", [0.05, 0.3, 0.7, 0.9])
def test_a_detection_with_exactly_the_score_counts(found, truth, score):
    result = operating_point([found([BOX], [score], [0])], [truth([BOX], [0])], 1, score=score)
    assert result["TP"].tolist() == [1]


def test_curves_hold_the_rates_at_every_hundredth(random_set):
    detections, truths = random_set(2)
    curves = operating_point(detections, truths, 5)["curves"]
    for index in (0, 30, 55, 100):
        at_score = operating_point(detections, truths, 5, score=curves["score"][index])
        for name in ("precision", "recall", "F1"):
            np.testing.assert_array_equal(curves[name][:, index], at_score[name])


def test_recall_never_grows_with_the_score(random_set):
    recall = operating_point(*random_set(4), 5)["curves"]["recall"][:3]
    assert (np.diff(recall, axis=1) <= 0).all()
    assert recall.max() > 0.5


def test_what_is_not_defined_is_nan(found, truth):
    detections = [found([BOX], [0.9], [1])]
    truths = [truth([BOX, OTHER], [0, 2], difficult=[False, True])]
    result = operating_point(detections, truths, 4)
    np.testing.assert_array_equal(result["precision"], [np.nan, 0, np.nan, np.nan])
    np.testing.assert_array_equal(result["recall"], [0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(result["F1"], [0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(result["LAMR"], [1, np.nan, np.nan, np.nan])


def test_difficult_truths_and_their_detections_count_nowhere(found, truth):
    detections = [found([BOX, BOX], [0.9, 0.8], [0, 0])]
    result = operating_point(detections, [truth([BOX], [0], difficult=[True])], 1)
    assert [result[name].tolist() for name in ("TP", "FP", "FN")] == [[0], [0], [0]]


def test_log_average_miss_rate_by_hand(found, truth):
    # 10 images with one object each. In order of score: 5 right, 1 wrong, 3 right, 1 wrong.
    # False positives per image: 0 (missed 0.5), 0.1 (0.5, then 0.2), 0.2 (0.2).
    # Nine points 10 ** (-2, -1.75, ..., 0): four below 0.1 miss 0.5, the five from 0.1 on miss 0.2.
    truths = [truth([BOX], [0]) for _ in range(10)]
    boxes = [BOX] * 5 + [ELSEWHERE] + [BOX] * 3 + [ELSEWHERE]
    detections = [found([box], [0.9 - index / 20], [0]) for index, box in enumerate(boxes)]
    result = operating_point(detections, truths, 1)
    assert result["LAMR"].tolist() == [pytest.approx((0.5**4 * 0.2**5) ** (1 / 9))]


def test_miss_rate_is_one_before_the_curve_begins(found, truth):
    # The first detection is wrong: 1 false positive per image from the start, so only the last point, 1, is reached.
    detections = [found([ELSEWHERE, BOX], [0.9, 0.8], [0, 0])]
    truths = [truth([BOX, OTHER], [0, 0])]
    assert operating_point(detections, truths, 1)["LAMR"].tolist() == [pytest.approx(0.5 ** (1 / 9))]


def test_finding_all_without_an_error_has_the_lowest_miss_rate(found, truth):
    assert operating_point([found([BOX], [0.9], [0])], [truth([BOX], [0])], 1)["LAMR"] == pytest.approx(1e-10)


def test_no_images_give_nan_everywhere():
    result = operating_point([], [], 2)
    assert np.isnan(result["recall"]).all()
    assert np.isnan(result["LAMR"]).all()
    assert result["FP"].tolist() == [0, 0]
