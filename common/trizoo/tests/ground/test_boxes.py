import math

import numpy as np
import pytest

from trizoo.ground.boxes import (
    IOU_KINDS,
    area,
    as_boxes,
    aspect_penalty,
    clip,
    cxcywh_to_xyxy,
    iou,
    iou_wh,
    nms,
    overlap,
    shape_and_distance_cost,
    voted,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)


def random_boxes(rng, count, size=100, largest=40):
    """Boxes with whole corners, so that equal overlaps occur: float32 (count, 4)."""
    low = rng.integers(0, size, (count, 2))
    return np.concatenate([low, low + rng.integers(1, largest, (count, 2))], axis=1).astype(np.float32)


def test_formats_of_a_box():
    box = np.array([10.0, 20, 40, 60])
    np.testing.assert_array_equal(xyxy_to_cxcywh(box), [25, 40, 30, 40])  # (10 + 40) / 2, (20 + 60) / 2, 30, 40
    np.testing.assert_array_equal(xyxy_to_xywh(box), [10, 20, 30, 40])
    assert area(box) == 1200
    np.testing.assert_array_equal(clip(box, 30, 25), [10, 20, 30, 25])


@pytest.mark.parametrize(("there", "back"), [(xyxy_to_cxcywh, cxcywh_to_xyxy), (xyxy_to_xywh, xywh_to_xyxy)])
def test_formats_go_there_and_back_in_any_shape_and_keep_float32(there, back):
    boxes = random_boxes(np.random.default_rng(0), 24)
    for shaped in (boxes, boxes.reshape(2, 3, 4, 4), boxes[0], boxes[:0]):
        assert there(shaped).dtype == np.float32
        np.testing.assert_array_equal(back(there(shaped)), shaped)


def test_whole_numbers_become_float32():
    assert as_boxes([[1, 2, 3, 4]]).dtype == np.float32


@pytest.mark.parametrize("wrong", [[], [1, 2, 3], np.zeros((4, 5)), 7])
def test_an_array_that_is_not_boxes_is_refused_with_its_shape(wrong):
    with pytest.raises(ValueError, match=r"has shape \(.*xmin, ymin, xmax, ymax is needed"):
        as_boxes(wrong)


def test_the_iou_family_by_hand():
    a, b = [0, 0, 4, 2], [2, 0, 4, 4]
    # intersection 2 x 2 = 4; areas 8 + 8, union 12; hull 4 x 4 = 16; centres (2, 1), (3, 2): 1 + 1 = 2, diagonal 32
    v = 4 / math.pi**2 * (math.atan(4 / 2) - math.atan(2 / 4)) ** 2
    expected = {"iou": 4 / 12, "giou": 4 / 12 - (16 - 12) / 16, "diou": 4 / 12 - 2 / 32}
    expected["ciou"] = expected["diou"] - v / (1 - 4 / 12 + v) * v
    expected["eiou"] = expected["diou"] - (2 / 4) ** 2 - (2 / 4) ** 2  # sides 4, 2 and 2, 4
    # centres at 45 degrees, so the angle cost is 1; offset 1 of a hull of 4 both ways; sides differ by 2 of 4
    distance, shape = 2 * (1 - math.exp(-(1 / 16))), 2 * (1 - math.exp(-2 / 4)) ** 4
    expected["siou"] = 4 / 12 - (distance + shape) / 2
    for kind in IOU_KINDS:
        assert overlap(a, b, kind) == pytest.approx(expected[kind], abs=1e-6)
    assert aspect_penalty(a, b) == pytest.approx(v, abs=1e-6)


def test_the_iou_family_of_distant_boxes_by_hand():
    # unit squares with 1 pixel between them: hull 3 x 1, union 2; centres 2 apart, diagonal 9 + 1
    a, b = [0, 0, 1, 1], [2, 0, 3, 1]
    expected = {"iou": 0, "giou": -1 / 3, "diou": -4 / 10, "ciou": -4 / 10, "eiou": -4 / 10}
    expected["siou"] = -(1 - math.exp(-2 * (2 / 3) ** 2)) / 2  # along the x axis the angle cost is 0, its factor 2
    assert {kind: float(overlap(a, b, kind)) for kind in IOU_KINDS} == pytest.approx(expected)


def test_the_costs_of_siou_are_those_of_its_paper_as_it_writes_them():
    rng = np.random.default_rng(8)
    wh_a, wh_b, hull = (rng.uniform(1, 40, (50, 2)) for _ in range(3))
    offset = rng.uniform(-1, 1, (50, 2)) * hull
    sine = np.abs(offset[:, 1]) / np.hypot(*offset.T)
    angle = 1 - 2 * np.sin(np.arcsin(sine) - math.pi / 4) ** 2
    distance = (1 - np.exp(-(2 - angle)[:, None] * (offset / hull) ** 2)).sum(axis=1)
    shape = ((1 - np.exp(-np.abs(wh_a - wh_b) / np.maximum(wh_a, wh_b))) ** 4).sum(axis=1)
    np.testing.assert_allclose(shape_and_distance_cost(wh_a, wh_b, offset, hull), (distance + shape) / 2)


def test_laws_of_the_iou_family():
    rng = np.random.default_rng(1)
    a, b = random_boxes(rng, 200), random_boxes(rng, 200)
    values = {kind: overlap(a, b, kind) for kind in IOU_KINDS}
    for kind in IOU_KINDS:
        np.testing.assert_allclose(values[kind], overlap(b, a, kind), atol=1e-6)
        np.testing.assert_allclose(values[kind], overlap(a * 3 + 5, b * 3 + 5, kind), atol=1e-5)
        np.testing.assert_array_equal(overlap(a, a, kind), 1)
        assert values[kind].dtype == np.float32
    assert values["iou"].min() >= 0
    assert (values["giou"] <= values["iou"]).all()
    assert (values["diou"] <= values["iou"]).all()
    assert (values["ciou"] <= values["diou"]).all()
    assert (values["eiou"] <= values["diou"]).all()
    assert (values["siou"] <= values["iou"]).all()
    assert values["siou"].min() > -1.03
    assert values["giou"].min() > -1


def test_iou_of_every_pair():
    a, b = random_boxes(np.random.default_rng(2), 5), random_boxes(np.random.default_rng(3), 7)
    table = iou(a, b)
    assert table.shape == (5, 7)
    assert all(table[i, j] == pytest.approx(overlap(a[i], b[j]), rel=1e-6) for i in range(5) for j in range(7))
    assert iou(a, b[:0]).shape == (5, 0)


def test_boxes_without_area_overlap_nothing():
    point, square = [2, 2, 2, 2], [0, 0, 4, 4]
    assert area([[5, 5, 1, 1], [0, 3, 4, 3]]).tolist() == [0, 0]  # swapped corners, a line
    for kind in IOU_KINDS:
        assert np.isfinite(overlap(point, point, kind))
        assert np.isfinite(overlap(point, square, kind))
        assert np.isfinite(overlap(np.float32([0, 0, 0, 3]), np.float32([0, 1, 0, 4]), kind))  # lines, side by side
    assert overlap(point, point) == overlap(point, square) == overlap([4, 4, 0, 0], square) == 0


def test_iou_of_sizes_by_hand():
    # 10 x 20 and 20 x 10: 100 / (200 + 200 - 100); with itself 1; with a size of nothing 0
    np.testing.assert_allclose(iou_wh([[10, 20]], [[20, 10], [10, 20], [0, 5]]), [[1 / 3, 1, 0]])


def test_unknown_kinds_and_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="unknown kind of overlap 'wiou'; one of iou"):
        overlap([0, 0, 1, 1], [0, 0, 1, 1], "wiou")
    with pytest.raises(ValueError, match="unknown NMS method 'fast'; one of hard"):
        nms(np.zeros((1, 4)), [1.0], method="fast")
    with pytest.raises(ValueError, match="2 boxes, 1 scores, 2 labels"):
        nms(np.zeros((2, 4)), [1.0], [0, 0])


def slow_nms(boxes, scores, labels, threshold, method, sigma, min_score):
    """The definition, box by box."""
    left = {i: np.float32(score) for i, score in enumerate(scores) if score >= min_score}
    kept = []
    while left:
        best = min(left, key=lambda i: (-left[i], i))
        kept.append((best, left.pop(best)))
        for i in list(left):
            if labels is not None and labels[i] != labels[best]:
                continue
            if method == "soft":
                left[i] *= np.exp(-(overlap(boxes[i], boxes[best]) ** 2) / sigma)
                if left[i] < min_score:
                    del left[i]
            elif overlap(boxes[i], boxes[best], "diou" if method == "diou" else "iou") > threshold:
                del left[i]
    return [i for i, _ in kept], [score for _, score in kept]


@pytest.mark.parametrize("method", ["hard", "diou", "soft", "vote"])
@pytest.mark.parametrize("by_class", [True, False])
@pytest.mark.parametrize("count", [40, 300])  # less and more than the block that is compared at once
def test_nms_is_its_slow_definition(method, by_class, count):
    rng = np.random.default_rng(count)
    boxes, labels = random_boxes(rng, count), rng.integers(0, 3, count) if by_class else None
    scores = rng.integers(1, 50, count).astype(np.float32) / 50  # with many ties
    options = {"threshold": 0.3, "method": method, "sigma": 0.5, "min_score": 0.1}
    kept, kept_scores = nms(boxes, scores, labels, **options)
    expected, expected_scores = slow_nms(boxes, scores, labels, **options)
    assert kept.tolist() == expected
    np.testing.assert_allclose(kept_scores, expected_scores, rtol=1e-5)
    some, _ = nms(boxes, scores, labels, **options, max_detections=7)
    assert some.tolist() == expected[:7]


def test_nms_at_the_threshold_keeps_and_ties_keep_their_order():
    boxes = [[0, 0, 4, 2], [2, 0, 4, 4], [50, 50, 60, 60]]  # the first two have an IoU of 4 / 12
    assert nms(boxes, [0.5, 0.5, 0.5], threshold=overlap(boxes[0], boxes[1]))[0].tolist() == [0, 1, 2]
    assert nms(boxes, [0.5, 0.5, 0.5], threshold=0.33)[0].tolist() == [0, 2]


def test_diou_keeps_a_neighbour_with_a_distant_centre_that_hard_drops():
    # the second: IoU 5 * 10 / 150 = 0.33, DIoU 0.33 - 25 / (15^2 + 10^2) = 0.26; the third, with the same centre as the
    # first: both 5 * 6 / 100 = 0.3
    boxes, scores = [[0, 0, 10, 10], [5, 0, 15, 10], [2.5, 2, 7.5, 8]], [0.9, 0.8, 0.7]
    assert nms(boxes, scores, threshold=0.29)[0].tolist() == [0]
    assert nms(boxes, scores, threshold=0.29, method="diou")[0].tolist() == [0, 1]


def test_nms_drops_low_and_nan_scores_and_leaves_its_input_alone():
    boxes, scores = random_boxes(np.random.default_rng(5), 4), np.array([0.3, np.nan, 0.9, 0.1], np.float32)
    kept, kept_scores = nms(boxes, scores, [0, 1, 2, 3], min_score=0.3, method="soft")
    assert kept.tolist() == [2, 0]
    assert kept_scores.dtype == np.float32
    np.testing.assert_array_equal(scores, np.array([0.3, np.nan, 0.9, 0.1], np.float32))
    kept, kept_scores = nms(np.zeros((0, 4)), [])
    assert (kept.shape, kept.dtype, kept_scores.shape) == ((0,), np.int64, (0,))


def test_a_vote_is_a_mean_by_score_and_nearness():
    # both 10x10, 5 apart: IoU 50 / 150 = 1 / 3; votes 0.8 and 0.4 exp(-(2 / 3)^2 / 0.1) = 0.4 * 0.011744 = 0.0046975
    boxes, scores = np.array([[0, 0, 10, 10], [5, 0, 15, 10]], np.float32), np.array([0.8, 0.4], np.float32)
    shift = 5 * 0.0046975 / 0.8046975
    moved = voted(boxes, scores, [0, 0], np.array([0]))
    np.testing.assert_allclose(moved, [[shift, 0, 10 + shift, 10]], rtol=1e-4)
    assert moved.dtype == np.float32


def test_only_boxes_of_the_same_class_that_overlap_and_score_have_a_vote():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [10, 0, 20, 10], [2, 0, 12, 10], [3, 0, 13, 10]], np.float32)
    scores, labels = [0.9, 0.8, 0.7, np.nan, 0.0], [0, 1, 0, 0, 0]
    np.testing.assert_array_equal(voted(boxes, scores, labels, np.array([0, 2])), boxes[[0, 2]])


def test_a_box_without_area_stays_where_it_is_by_vote():
    boxes = np.array([[3, 3, 3, 8], [0, 0, 10, 10]], np.float32)
    np.testing.assert_array_equal(voted(boxes, [0.9, 0.8], [0, 0], np.array([0])), boxes[:1])
    assert voted(np.zeros((0, 4)), np.zeros(0), np.zeros(0), np.zeros(0, np.int64)).shape == (0, 4)


def test_many_voted_boxes_are_each_voted_alone():
    rng = np.random.default_rng(3)  # more than the block that is voted on at once
    boxes, scores, labels = random_boxes(rng, 300), rng.random(300), rng.integers(0, 3, 300)
    kept = rng.permutation(300)[:200]
    alone = [voted(boxes, scores, labels, kept[place : place + 1])[0] for place in range(200)]
    np.testing.assert_allclose(voted(boxes, scores, labels, kept), alone, rtol=1e-6)
