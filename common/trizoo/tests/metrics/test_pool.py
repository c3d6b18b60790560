import numpy as np
import pytest

from trizoo.ground.boxes import iou
from trizoo.metrics import pool as pool_module
from trizoo.metrics.pool import gather, mean_over_classes, overlapping_pairs


def test_detections_are_ordered_by_class_then_score_then_image(found, truth):
    box = [0, 0, 9, 9]
    first = found([box] * 3, [0.5, 0.9, 0.5], [1, 0, 1])
    second = found([box] * 2, [0.5, 0.7], [1, 1])
    pool = gather([first, second], [truth(), truth()], 3)
    assert pool.labels.tolist() == [0, 1, 1, 1, 1]
    assert pool.scores.tolist() == pytest.approx([0.9, 0.7, 0.5, 0.5, 0.5])
    assert pool.image.tolist() == [0, 1, 0, 0, 1]
    assert pool.bounds.tolist() == [0, 1, 5, 5]


@pytest.mark.parametrize("pairs_at_once", [1, 7, 1 << 18])
def test_pairs_are_those_of_the_iou_matrix(random_set, truth, monkeypatch, pairs_at_once):
    monkeypatch.setattr(pool_module, "PAIRS_AT_ONCE", pairs_at_once)
    detections, truths = random_set(5, images=6, most_detections=30)
    truths = [truth(item.boxes, item.labels, item.difficult) for item in truths]
    pool = gather(detections, truths, 5)
    matrix = iou(pool.boxes, pool.truth_boxes)
    same = (pool.image[:, None] == pool.truth_image) & (pool.labels[:, None] == pool.truth_labels)
    pairs = overlapping_pairs(pool, 0.3)
    expected = np.nonzero(same & (matrix >= 0.3))
    assert len(pairs.detection) > 10
    order = np.lexsort((pairs.truth, pairs.detection))
    np.testing.assert_array_equal([pairs.detection[order], pairs.truth[order]], expected)
    np.testing.assert_allclose(pairs.overlap[order], matrix[expected])


def test_overlap_with_a_crowd_is_the_share_of_the_detection(found, truth):
    truths = [truth([[0, 0, 100, 100]], [0], crowd=[True])]
    pool = gather([found([[90, 0, 110, 10]], [0.5], [0])], truths, 1)
    assert overlapping_pairs(pool, 0.1).overlap.tolist() == [0.5]


def test_a_score_of_exactly_the_limit_is_kept_in_float32(found, truth):
    # float32(0.7) = 0.699999988
    pool = gather([found([[0, 0, 9, 9]], [0.7], [0])], [truth([[0, 0, 9, 9]], [0])], 1)
    assert len(overlapping_pairs(pool, 0.5, score=0.7).detection) == 1
    assert len(overlapping_pairs(pool, 0.5, score=0.71).detection) == 0


def test_boxes_without_area_overlap_nothing(found, truth):
    boxes = [[5, 5, 5, 9], [9, 9, 0, 0]]
    pool = gather([found(boxes, [0.9, 0.8], [0, 0])], [truth([[0, 0, 9, 9], [5, 5, 5, 9]], [0, 0])], 1)
    assert len(overlapping_pairs(pool, 1e-6).detection) == 0


@pytest.mark.parametrize("threshold", [0, -0.5, 1.1, float("nan")])
def test_a_threshold_outside_of_its_range_is_refused(threshold):
    with pytest.raises(ValueError, match=f"IoU threshold {threshold}"):
        overlapping_pairs(gather([], [], 1), threshold)


def test_different_numbers_of_images_are_refused(found, truth):
    with pytest.raises(ValueError, match="of 1 images, truths of 2"):
        gather([found()], [truth(), truth()], 1)


def test_a_label_that_is_no_class_is_refused_with_its_image(found, truth):
    with pytest.raises(ValueError, match=r"detections\[1\].labels holds 3; with 3 classes 0 to 2"):
        gather([found(), found([[0, 0, 9, 9]], [0.5], [3])], [truth(), truth()], 3)
    with pytest.raises(ValueError, match=r"truths\[0\].labels holds -1"):
        gather([found()], [truth([[0, 0, 9, 9]], [-1])], 3)


def test_numbers_that_are_not_finite_are_refused_with_their_image(found, truth):
    with pytest.raises(ValueError, match=r"detections\[1\].scores holds nan"):
        gather([found(), found([[0, 0, 9, 9]], [np.nan], [0])], [truth(), truth()], 1)
    with pytest.raises(ValueError, match=r"detections\[0\].boxes holds inf"):
        gather([found([[0, 0, np.inf, 9]], [0.5], [0])], [truth()], 1)


def test_columns_of_different_lengths_are_refused(found, truth):
    with pytest.raises(ValueError, match=r"detections\[0\].scores has shape \(2,\), for 1 boxes"):
        gather([found([[0, 0, 9, 9]], [0.5, 0.4], [0])], [truth()], 1)


def test_no_classes_are_refused():
    with pytest.raises(ValueError, match="num_classes is 0"):
        gather([], [], 0)


def test_a_mean_leaves_out_nan_and_is_nan_over_nothing():
    assert mean_over_classes([0.5, np.nan, 1.0]) == 0.75
    assert np.isnan(mean_over_classes([np.nan]))
    assert np.isnan(mean_over_classes(np.zeros(0)))
