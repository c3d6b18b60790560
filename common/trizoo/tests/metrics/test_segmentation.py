import json
from itertools import pairwise

import numpy as np
import pytest

from trizoo.metrics import SegmentationMetrics
from trizoo.metrics.segmentation import boundary, boundary_width, report

TRUTH = np.array([[0, 0, 1], [0, 1, 1], [2, 2, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1], [0, 1, 0], [2, 0, 2]], np.uint8)
MATRIX = [[2, 1, 0], [1, 2, 0], [1, 0, 1]]
NAMES = ("background", "cat", "dog")


def measure(pairs, class_names=NAMES, **options):
    metrics = SegmentationMetrics(class_names, **options)
    for prediction, truth in pairs:
        metrics.add(prediction, truth)
    return metrics.measure()


def random_masks(seed, classes, images=3, largest=40, ignored=0.15):
    """Predictions and truths of rectangles, right about half of the time, each image of another size."""
    rng = np.random.default_rng(seed)
    for _ in range(images):
        height, width = rng.integers(1, largest, 2)
        masks = rng.integers(0, classes, (2, 1, 1)).astype(np.uint8).repeat(height, 1).repeat(width, 2)
        for _ in range(6):
            (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)) for side in (height, width))
            masks[rng.integers(2) :, top:bottom, left:right] = rng.integers(0, classes)
        truth, prediction = masks
        truth[rng.random(truth.shape) < ignored * rng.integers(0, 2)] = 255
        yield prediction, truth


def count_slowly(pairs, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for prediction, truth in pairs:
        for predicted, true in zip(prediction.ravel().tolist(), truth.ravel().tolist(), strict=True):
            if true != 255:
                matrix[true][predicted] += 1
    return matrix


def boundary_slowly(mask, width):
    """The boundary of one class's mask, bool (H, W), as the paper words it: the mask without its erosion."""
    eroded = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        outside = y < width or x < width or y + width >= mask.shape[0] or x + width >= mask.shape[1]
        eroded[y, x] = not outside and mask[y - width : y + width + 1, x - width : x + width + 1].all()
    return mask & ~eroded


def test_a_case_worked_by_hand():
    result = measure([(PREDICTION, TRUTH)])
    assert result["matrix"].dtype == np.int64
    assert result["matrix"].tolist() == MATRIX
    per_class = result["per_class"]
    assert per_class["truth_pixels"].tolist() == [3, 3, 2]
    assert per_class["predicted_pixels"].tolist() == [4, 3, 1]
    # diagonal 2, 2, 1 over truth + prediction - diagonal: 3 + 4 - 2, 3 + 3 - 2, 2 + 1 - 1
    assert per_class["IoU"].tolist() == pytest.approx([2 / 5, 2 / 4, 1 / 2])
    assert per_class["precision"].tolist() == pytest.approx([2 / 4, 2 / 3, 1 / 1])
    assert per_class["recall"].tolist() == pytest.approx([2 / 3, 2 / 3, 1 / 2])
    # 2 * diagonal over truth + prediction
    assert per_class["F1"].tolist() == pytest.approx([4 / 7, 4 / 6, 2 / 3])
    assert result["mIoU"] == pytest.approx((0.4 + 0.5 + 0.5) / 3)
    assert result["mean_pixel_accuracy"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert result["pixel_accuracy"] == pytest.approx(5 / 8)
    # 3, 3 and 2 of the 8 true pixels
    assert result["frequency_weighted_IoU"] == pytest.approx((3 * 0.4 + 3 * 0.5 + 2 * 0.5) / 8)
    assert (result["images"], result["pixels"]) == (1, 8)
    assert "boundary_mIoU" not in result


def test_a_perfect_prediction_is_1_in_everything():
    truth = np.array([[0, 0, 1], [0, 1, 1], [2, 2, 2]], np.uint8)
    result = measure([(truth, truth)], boundary=True)
    for name in ("mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU", "boundary_mIoU"):
        assert result[name] == 1
    for name in ("IoU", "precision", "recall", "F1", "boundary_IoU"):
        assert result["per_class"][name].tolist() == [1, 1, 1]


def test_what_is_predicted_at_ignored_pixels_counts_nowhere():
    other = PREDICTION.copy()
    other[2, 2] = 0
    for boundary_too in (False, True):
        results = [measure([(mask, TRUTH)], boundary=boundary_too) for mask in (PREDICTION, other)]
        assert report(results[0]) == report(results[1])


def test_an_absent_class_is_nan_and_out_of_the_means():
    three, four = (
        measure([(PREDICTION, TRUTH)], boundary=True),
        measure([(PREDICTION, TRUTH)], (*NAMES, "absent"), boundary=True),
    )
    for name in ("IoU", "precision", "recall", "F1", "boundary_IoU"):
        assert np.isnan(four["per_class"][name][3])
    for name in ("mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU", "boundary_mIoU"):
        assert four[name] == three[name]


def test_a_class_predicted_but_never_true_lowers_the_mean_iou():
    truth = np.zeros((3, 3), np.uint8)
    prediction = truth.copy()
    prediction[0] = 1
    result = measure([(prediction, truth)], ("a", "b"))
    assert result["per_class"]["IoU"].tolist() == pytest.approx([6 / 9, 0])
    assert result["mIoU"] == pytest.approx(3 / 9)
    assert result["per_class"]["precision"].tolist() == [1, 0]
    assert np.isnan(result["per_class"]["recall"][1])
    assert result["per_class"]["F1"][1] == 0
    assert result["mean_pixel_accuracy"] == result["frequency_weighted_IoU"] == pytest.approx(6 / 9)


def test_a_class_never_predicted_has_no_precision():
    truth = np.array([[0, 1]], np.uint8)
    result = measure([(np.zeros_like(truth), truth)], ("a", "b"))
    assert np.isnan(result["per_class"]["precision"][1])
    assert result["per_class"]["recall"].tolist() == [1, 0]


def test_images_are_counted_together_and_not_averaged():
    small, large = np.zeros((1, 1), np.uint8), np.zeros((3, 3), np.uint8)
    result = measure([(small + 1, small), (large, large)], ("a", "b"))
    assert result["per_class"]["IoU"][0] == pytest.approx(9 / 10)
    assert (result["images"], result["pixels"]) == (2, 10)


@pytest.mark.parametrize("truth", [None, np.full((3, 3), 255, np.uint8)])
def test_nothing_to_count_is_nan_in_everything(truth):
    result = measure([] if truth is None else [(PREDICTION, truth)], boundary=True)
    for name in ("mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU", "boundary_mIoU"):
        assert np.isnan(result[name])
    assert result["pixels"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_random_masks_agree_with_a_slow_count(seed):
    classes = (1, 2, 5, 21)[seed % 4]
    pairs = list(random_masks(seed, classes))
    result = measure(pairs, range(classes))
    matrix = count_slowly(pairs, classes)
    assert result["matrix"].tolist() == matrix
    unions = [sum(matrix[i]) + sum(row[i] for row in matrix) - matrix[i][i] for i in range(classes)]
    ious = [matrix[i][i] / unions[i] for i in range(classes) if unions[i]]
    assert result["mIoU"] == pytest.approx(np.mean(ious))
    f1, iou = result["per_class"]["F1"], result["per_class"]["IoU"]
    np.testing.assert_allclose(f1, 2 * iou / (1 + iou))


def test_255_classes_are_counted():
    truth = np.arange(255, dtype=np.uint8).reshape(15, 17)
    result = measure([(truth[::-1].copy(), truth)], range(255))
    assert result["matrix"].tolist() == count_slowly([(truth[::-1], truth)], 255)


def test_measuring_in_between_changes_nothing():
    metrics = SegmentationMetrics(NAMES)
    metrics.add(PREDICTION, TRUTH)
    between = metrics.measure()
    metrics.add(PREDICTION, TRUTH)
    assert between["matrix"].tolist() == MATRIX
    assert metrics.measure()["matrix"].tolist() == (2 * np.array(MATRIX)).tolist()


def test_boundary_iou_worked_by_hand():
    truth = np.zeros((5, 5), np.uint8)  # diagonal 7.07: a width of 1; 2 % of it would be 0
    prediction = truth.copy()
    prediction[2, 2] = 1
    result = measure([(prediction, truth)], ("a", "b"), boundary=True)
    # The truth's boundary is the outer ring, 16 pixels. The prediction's is that and the 8 pixels round the middle.
    assert result["per_class"]["boundary_IoU"].tolist() == pytest.approx([16 / 24, 0])
    assert result["boundary_mIoU"] == pytest.approx(8 / 24)
    assert result["per_class"]["IoU"].tolist() == pytest.approx([24 / 25, 0])


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_a_boundary_is_what_an_erosion_takes_away(width):
    for seed in range(6):
        for mask, _ in random_masks(seed, 3, largest=30):
            found = boundary(mask, width)
            for value in range(3):
                assert (found & (mask == value)).tolist() == boundary_slowly(mask == value, width).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_boundary_iou_agrees_with_a_slow_count(seed):
    pairs = list(random_masks(seed, 4, largest=140, ignored=0.01))
    sums = np.zeros((2, 4))
    for prediction, truth in pairs:
        for label in range(4):
            width = max(1, round(0.02 * np.hypot(*truth.shape)))
            masks = [boundary_slowly((mask == label) & (truth != 255), width) for mask in (prediction, truth)]
            sums[:, label] += (masks[0] & masks[1]).sum(), (masks[0] | masks[1]).sum()
    result = measure(pairs, range(4), boundary=True)
    found = sums[1] > 0
    np.testing.assert_allclose(result["per_class"]["boundary_IoU"][found], (sums[0] / np.maximum(sums[1], 1))[found])
    assert np.isnan(result["per_class"]["boundary_IoU"][~found]).all()


def test_boundary_iou_falls_faster_than_iou_where_a_contour_is_off():
    y, x = np.ogrid[:200, :200]
    truth, larger, largest = (((y - 100) ** 2 + (x - 100) ** 2 < r**2).astype(np.uint8) for r in (60, 62, 66))
    exact, near, far = (measure([(mask, truth)], ("a", "b"), boundary=True) for mask in (truth, larger, largest))
    for better, worse in pairwise((exact, near, far)):
        assert better["boundary_mIoU"] - worse["boundary_mIoU"] > 2 * (better["mIoU"] - worse["mIoU"]) > 0


def test_the_boundary_of_a_voc_image_is_12_pixels_wide():
    assert boundary_width((375, 500)) == 12  # diagonal 625, of which 2 % are 12.5
    assert boundary_width((3, 3)) == 1


def test_a_boundary_without_width_is_refused():
    with pytest.raises(ValueError, match="width is 0; a whole number of pixels from 1"):
        boundary(TRUTH, 0)


def test_a_report_is_json_with_none_for_what_is_not_defined():
    result = report(measure([(PREDICTION, TRUTH)], (*NAMES, "absent"), boundary=True))
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["per_class"]["absent"] == {
        **dict.fromkeys(("IoU", "precision", "recall", "F1", "boundary_IoU")),
        "truth_pixels": 0,
        "predicted_pixels": 0,
    }
    assert result["per_class"]["cat"]["IoU"] == 0.5
    assert result["confusion"] == {
        "labels": [*NAMES, "absent"],
        "matrix": [[*row, 0] for row in MATRIX] + [[0] * 4],
    }
    assert (result["images"], result["pixels"]) == (1, 8)
    assert result["mIoU"] == pytest.approx(1.4 / 3)


@pytest.mark.parametrize("value", [3, 255])
def test_a_prediction_outside_the_classes_is_refused_even_where_it_is_ignored(value):
    prediction = PREDICTION.copy()
    prediction[2, 2] = value
    metrics = SegmentationMetrics(NAMES)
    message = rf"the prediction of image 2007_000033 holds {value} in 1 pixels; with 3 classes 0 to 2 would do$"
    with pytest.raises(ValueError, match=message):
        metrics.add(prediction, TRUTH, "2007_000033")
    assert metrics.images == 0
    assert not metrics.matrix.any()


def test_a_truth_outside_the_classes_is_refused_with_the_images_number():
    metrics = SegmentationMetrics(NAMES)
    assert metrics.add(PREDICTION, TRUTH).tolist() == MATRIX
    message = "the truth of image 1 holds 7 in 9 pixels; with 3 classes 0 to 2 would do, and 255 for pixels to ignore"
    with pytest.raises(ValueError, match=message):
        metrics.add(PREDICTION, np.full((3, 3), 7, np.uint8))


def test_masks_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"prediction of image a has shape \(3, 2\), its truth \(3, 3\)"):
        SegmentationMetrics(NAMES).add(PREDICTION[:, :2], TRUTH, "a")


def test_what_is_no_mask_is_refused():
    with pytest.raises(ValueError, match=r"the prediction of image 0 is int64 \(3, 3\); uint8 \(H, W\)"):
        SegmentationMetrics(NAMES).add(PREDICTION.astype(np.int64), TRUTH)
    with pytest.raises(ValueError, match=r"the truth of image 0 is uint8 \(3, 3, 1\); uint8 \(H, W\)"):
        SegmentationMetrics(NAMES).add(PREDICTION, TRUTH[..., None])


@pytest.mark.parametrize(
    ("class_names", "message"),
    [
        ((), "class_names holds 0 names; 1 to 255 are needed"),
        (range(256), "class_names holds 256 names"),
        (("cat", "cat"), "class_names holds 'cat' more than once"),
    ],
)
def test_class_names_that_do_not_do_are_refused(class_names, message):
    with pytest.raises(ValueError, match=message):
        SegmentationMetrics(class_names)
