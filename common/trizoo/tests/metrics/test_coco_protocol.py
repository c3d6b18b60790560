import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from trizoo.metrics.coco_protocol import coco

TWELVE = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)


class DifficultIsIgnored(COCOeval):
    """pycocotools overwrites `ignore` with `iscrowd` in `_prepare`; here a difficult annotation is ignored as well."""

    def _prepare(self):
        super()._prepare()
        for annotations in self._gts.values():
            for annotation in annotations:
                annotation["ignore"] = annotation["iscrowd"] or annotation["difficult"]


def box_and_area(box):
    xmin, ymin, xmax, ymax = box.astype(float).tolist()
    return {"bbox": [xmin, ymin, xmax - xmin, ymax - ymin], "area": (xmax - xmin) * (ymax - ymin)}


def pycocotools_says(detections, truths, num_classes):
    """The oracle's twelve numbers, precision (T, R, C, A) and recall (T, C, A, M), nan for its -1."""
    images = [{"id": image} for image in range(len(truths))]
    annotations, results = [], []
    for image, (detection, truth) in enumerate(zip(detections, truths, strict=True)):
        for box, label, difficult, crowd in zip(truth.boxes, truth.labels, truth.difficult, truth.crowd, strict=True):
            flags = {"iscrowd": int(crowd), "difficult": int(difficult), "id": len(annotations) + 1}
            annotations.append({"image_id": image, "category_id": int(label), **flags, **box_and_area(box)})
        for box, score, label in zip(detection.boxes, detection.scores, detection.labels, strict=True):
            bbox = box_and_area(box)["bbox"]
            results.append({"image_id": image, "category_id": int(label), "bbox": bbox, "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = COCO()
        categories = [{"id": label} for label in range(num_classes)]
        annotated.dataset = {"images": images, "annotations": annotations, "categories": categories}
        annotated.createIndex()
        evaluation = DifficultIsIgnored(annotated, annotated.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][..., -1]
    arrays = [evaluation.stats, precision, evaluation.eval["recall"]]
    return [np.where(values == -1, np.nan, values) for values in arrays]


@pytest.mark.parametrize("seed", range(6))
def test_all_numbers_equal_pycocotools(random_set, seed):
    detections, truths = random_set(seed)
    stats, precision, recall = pycocotools_says(detections, truths, num_classes=5)
    result = coco(detections, truths, num_classes=5)
    np.testing.assert_allclose([result[name] for name in TWELVE], stats, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result["precision"], precision, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result["recall"], recall, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result["per_class"]["AP"], precision[..., 0].mean(axis=(0, 1)), rtol=0, atol=1e-9)


def test_ap_is_the_mean_precision_at_101_recalls(found, truth):
    truths = [truth([[0, 0, 40, 40], [100, 0, 140, 40]], [0, 0])]
    boxes = [[0, 0, 40, 40], [200, 200, 240, 240], [100, 0, 140, 40]]
    result = coco([found(boxes, [0.9, 0.8, 0.7], [0, 0, 0])], truths, 1)
    # right, wrong, right: precision 1 up to recall 0.50 (51 points), 2 / 3 from there (50 points)
    assert result["AP50"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert result["AP"] == pytest.approx(result["AP50"])
    # the best detection finds one of two
    assert result["AR_1"] == 0.5
    assert result["AR_10"] == result["AR_100"] == 1


def test_ap_counts_thresholds_up_to_the_iou(found, truth):
    # IoU 40 * 31 / (40 * 40) = 0.775: right at 0.50, 0.55, ..., 0.75, which are 6 of 10 thresholds
    result = coco([found([[0, 0, 40, 31]], [0.9], [0])], [truth([[0, 0, 40, 40]], [0])], 1)
    assert result["AP"] == pytest.approx(0.6)
    assert result["AP75"] == pytest.approx(1)
    assert result["recall"][:, 0, 0, 0].tolist() == [1] * 6 + [0] * 4


def test_a_box_on_an_area_limit_is_on_both_sides_of_it(found, truth):
    box = [[0, 0, 32, 32]]
    result = coco([found(box, [0.9], [0])], [truth(box, [0])], 1)
    assert result["AP_small"] == result["AP_medium"] == pytest.approx(1)
    assert np.isnan(result["AP_large"])
    assert np.isnan(result["AR_large"])


def test_any_number_of_detections_in_a_crowd_is_ignored(found, truth):
    truths = [truth([[0, 0, 300, 300], [400, 0, 440, 40]], [0, 0], crowd=[True, False])]
    boxes = [[0, 0, 40, 40], [50, 50, 90, 90], [400, 0, 440, 40]]
    result = coco([found(boxes, [0.9, 0.8, 0.7], [0, 0, 0])], truths, 1)
    assert result["AP"] == pytest.approx(1)
    # four fifths of the detection outside of the crowd: wrong, so the next has precision 1 / 2
    boxes[0] = [292, 0, 332, 40]
    assert coco([found(boxes, [0.9, 0.8, 0.7], [0, 0, 0])], truths, 1)["AP"] == pytest.approx(0.5)


def test_a_difficult_truth_is_ignored_once_and_needs_not_be_found(found, truth):
    easy, hard = [0, 0, 40, 40], [100, 0, 140, 40]
    truths = [truth([hard, easy], [0, 0], difficult=[True, False])]
    assert coco([found([easy], [0.9], [0])], truths, 1)["AP"] == pytest.approx(1)
    assert coco([found([hard, easy], [0.9, 0.8], [0, 0])], truths, 1)["AP"] == pytest.approx(1)
    # the second detection of the difficult one is wrong
    twice = found([hard, hard, easy], [0.9, 0.85, 0.8], [0, 0, 0])
    assert coco([twice], truths, 1)["AP"] == pytest.approx(0.5)


def test_only_the_best_detections_of_an_image_and_class_count(found, truth):
    box = [0, 0, 40, 40]
    boxes = [[200, 200, 240, 240], [200, 200, 240, 240], box]
    detections, truths = [found(boxes, [0.9, 0.8, 0.7], [0, 0, 0])], [truth([box], [0])]
    result = coco(detections, truths, 1, max_detections=(3, 2))
    assert result["AR_2"] == 0
    assert result["AR_3"] == 1
    assert result["AP"] == pytest.approx(1 / 3)
    assert coco(detections, truths, 1, max_detections=(2,))["AP"] == 0


def test_without_predictions_present_classes_are_zero_and_absent_ones_nan(found, truth):
    result = coco([found()], [truth([[0, 0, 40, 40], [50, 0, 90, 40]], [0, 2], difficult=[False, True])], 3)
    np.testing.assert_array_equal(result["per_class"]["AP"], [0, np.nan, np.nan])
    assert result["AP"] == result["AR_100"] == 0


@pytest.mark.parametrize("images", [0, 2])
def test_without_ground_truth_every_mean_is_nan(found, truth, images):
    result = coco([found([[0, 0, 9, 9]], [0.5], [1])] * images, [truth()] * images, 2)
    assert all(np.isnan(result[name]) for name in TWELVE)
    assert np.isnan(result["per_class"]["AP50"]).all()


@pytest.mark.parametrize("limits", [(), (0, 10)])
def test_limits_that_are_not_positive_are_refused(limits):
    with pytest.raises(ValueError, match="max_detections"):
        coco([], [], 1, max_detections=limits)
