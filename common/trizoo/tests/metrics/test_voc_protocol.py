import numpy as np
import pytest

from trizoo.metrics.voc_protocol import voc_ap


def intersection_over_union(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def slow_voc_ap(detections, truths, label, threshold=0.5):
    """The devkit's protocol, one detection after the other, for data without crowds."""
    found = []
    for image, detection in enumerate(detections):
        for box, score, own in zip(detection.boxes.tolist(), detection.scores, detection.labels, strict=True):
            if own == label:
                found.append((score, image, box))
    found.sort(key=lambda item: -item[0])
    positives = sum(int(np.sum((truth.labels == label) & ~truth.difficult)) for truth in truths)
    taken = set()
    right, wrong, precisions, recalls = 0, 0, [], []
    for _, image, box in found:
        truth = truths[image]
        best, which = 0, None
        for index, (other, own) in enumerate(zip(truth.boxes.tolist(), truth.labels, strict=True)):
            overlap = intersection_over_union(box, other)
            if own == label and overlap > best:
                best, which = overlap, index
        if best >= threshold and truth.difficult[which]:
            continue
        if best >= threshold and (image, which) not in taken:
            taken.add((image, which))
            right += 1
        else:
            wrong += 1
        precisions.append(right / (right + wrong))
        recalls.append(right / positives if positives else 0)
    if not positives:
        return np.nan, np.nan
    all_point, last = 0.0, 0.0
    for index, recall in enumerate(recalls):
        all_point += (recall - last) * max(precisions[index:])
        last = recall
    eleven = [
        max((p for p, r in zip(precisions, recalls, strict=True) if r >= point / 10), default=0) for point in range(11)
    ]
    return all_point, sum(eleven) / 11


@pytest.mark.parametrize("threshold", [0.5, 0.75])
def test_ap_equals_a_slow_run_of_the_devkits_protocol(random_set, truth, threshold):
    detections, truths = random_set(11, images=18, most_detections=60)
    truths = [truth(item.boxes, item.labels, item.difficult) for item in truths]
    result = voc_ap(detections, truths, 5, iou_threshold=threshold)
    expected = np.array([slow_voc_ap(detections, truths, label, threshold) for label in range(5)])
    np.testing.assert_allclose(result["AP"], expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(result["AP_11_point"], expected[:, 1], atol=1e-12)
    assert 0 < result["mAP"] < 1
    assert np.isnan(expected[3:]).all()  # only difficult, and absent


def test_ap_of_right_wrong_right(found, truth):
    truths = [truth([[0, 0, 40, 40], [100, 0, 140, 40]], [0, 0])]
    boxes = [[0, 0, 40, 40], [200, 200, 240, 240], [100, 0, 140, 40]]
    result = voc_ap([found(boxes, [0.9, 0.8, 0.7], [0, 0, 0])], truths, 1)
    # precision 1 up to recall 1 / 2, then 2 / 3
    assert result["mAP"] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    # recalls 0.0 to 0.5 are 6 of the 11 points
    assert result["mAP_11_point"] == pytest.approx((6 + 5 * 2 / 3) / 11)


def test_a_recall_on_one_of_the_eleven_points_reaches_it(found, truth):
    boxes = [[50 * index, 0, 50 * index + 40, 40] for index in range(10)]
    result = voc_ap([found(boxes[:3], [0.9, 0.8, 0.7], [0] * 3)], [truth(boxes, [0] * 10)], 1)
    # recall 3 / 10 reaches the points 0, 0.1, 0.2, 0.3
    assert result["AP_11_point"].tolist() == [pytest.approx(4 / 11)]
    assert result["AP"].tolist() == [pytest.approx(3 / 10)]


def test_a_detection_belongs_to_its_best_truth_even_when_that_is_taken(found, truth):
    truths = [truth([[0, 0, 40, 40], [0, 4, 40, 44]], [0, 0])]
    # both detections are nearest to the first truth; COCO would give the second one to the other truth
    detections = [found([[0, 0, 40, 40], [0, 1, 40, 41]], [0.9, 0.8], [0, 0])]
    assert voc_ap(detections, truths, 1)["mAP"] == pytest.approx(1 / 2)


def test_the_nearest_truth_is_the_one_that_counts_and_of_equal_ones_the_first(found, truth):
    near, far = [0, 0, 40, 40], [0, 4, 40, 44]
    detections = [found([near], [0.9], [0])]
    assert voc_ap(detections, [truth([far, near], [0, 0], difficult=[True, False])], 1)["mAP"] == 1
    assert voc_ap(detections, [truth([far, near], [0, 0], difficult=[False, True])], 1)["mAP"] == 0
    assert voc_ap(detections, [truth([near, near], [0, 0], difficult=[False, True])], 1)["mAP"] == 1
    assert voc_ap(detections, [truth([near, near], [0, 0], difficult=[True, False])], 1)["mAP"] == 0


def test_an_iou_of_exactly_the_threshold_is_enough(found, truth):
    truths = [truth([[0, 0, 40, 40]], [0])]
    detections = [found([[0, 0, 40, 20]], [0.9], [0])]
    assert voc_ap(detections, truths, 1, iou_threshold=0.5)["mAP"] == 1
    assert voc_ap(detections, truths, 1, iou_threshold=0.501)["mAP"] == 0


def test_every_detection_of_a_difficult_truth_is_ignored(found, truth):
    easy, hard = [0, 0, 40, 40], [100, 0, 140, 40]
    truths = [truth([hard, easy], [0, 0], difficult=[True, False])]
    detections = [found([hard, hard, easy], [0.9, 0.85, 0.8], [0, 0, 0])]
    assert voc_ap(detections, truths, 1)["mAP"] == 1


def test_detections_in_a_crowd_are_ignored_unless_they_find_something(found, truth):
    truths = [truth([[0, 0, 300, 300], [0, 0, 40, 40]], [0, 0], crowd=[True, False])]
    in_crowd = found([[100, 100, 140, 140], [0, 0, 40, 40]], [0.9, 0.8], [0, 0])
    assert voc_ap([in_crowd], truths, 1)["mAP"] == 1


def test_equal_scores_keep_the_order_of_images_and_of_detections(found, truth):
    box, elsewhere = [0, 0, 40, 40], [200, 200, 240, 240]
    first_right = [found([box, elsewhere], [0.5, 0.5], [0, 0])]
    first_wrong = [found([elsewhere, box], [0.5, 0.5], [0, 0])]
    assert voc_ap(first_right, [truth([box], [0])], 1)["mAP"] == 1
    assert voc_ap(first_wrong, [truth([box], [0])], 1)["mAP"] == 0.5
    two_images = [found([elsewhere], [0.5], [0]), found([box], [0.5], [0])]
    assert voc_ap(two_images, [truth(), truth([box], [0])], 1)["mAP"] == 0.5


def test_detections_need_not_be_sorted(found, truth):
    box, elsewhere = [0, 0, 40, 40], [200, 200, 240, 240]
    assert voc_ap([found([elsewhere, box], [0.1, 0.9], [0, 0])], [truth([box], [0])], 1)["mAP"] == 1


@pytest.mark.parametrize("images", [0, 2])
def test_without_ground_truth_ap_is_nan(found, truth, images):
    result = voc_ap([found([[0, 0, 9, 9]], [0.5], [1])] * images, [truth()] * images, 2)
    assert np.isnan(result["AP"]).all()
    assert np.isnan(result["mAP"])
    assert np.isnan(result["mAP_11_point"])


def test_without_predictions_ap_is_zero(found, truth):
    result = voc_ap([found()], [truth([[0, 0, 9, 9]], [1])], 2)
    np.testing.assert_array_equal(result["AP"], [np.nan, 0])
    assert result["mAP"] == 0
