"""All that is measured of a detector in one pass, and the report of it that training, evaluation and files share."""

import numpy as np

from trizoo.ground.text import plain
from trizoo.metrics.coco_protocol import coco_of
from trizoo.metrics.confusion import confusion_matrix_of, mistakes_of, paired
from trizoo.metrics.errors import errors_of
from trizoo.metrics.matching import match_voc
from trizoo.metrics.operating import operating_point_of
from trizoo.metrics.pool import gather, overlapping_pairs
from trizoo.metrics.voc_protocol import voc_ap_of

IOU_THRESHOLD = 0.5  # of VOC's protocol and of the operating point, and the lowest of COCO's


def evaluate(detections, truths, class_names, score=0.5):
    """Everything about a detector's results on a data set, ready for `json.dumps(..., allow_nan=False)`.

    What isn't defined, such as the AP of a class without ground truth, is None.

    Args:
        detections: one `Detections` per image
        truths: one object per image with boxes, labels, difficult and crowd, such as a `Record`
        class_names: in the order of the labels
        score: of the operating point, which per-class precision, recall and F1 and the confusion matrix share

    Returns:
        {"mAP50", "mAP", "mAP75": COCO's 101-point AP at IoU 0.5, 0.50:0.95 and 0.75, mean over classes;
        "images": int;
        "score": float;
        "coco": COCO's twelve numbers;
        "voc": {"mAP50": all-point, "mAP50_11_point"};
        "per_class": {name: {"AP50", "AP", "AP75", "VOC_AP50", "precision", "recall", "F1", "LAMR", "ground_truths",
        "detections"}}: at IoU 0.5 and the score where it needs one, ground_truths without difficult and crowd,
        detections of any score;
        "AP_at", "matched_iou", "errors": see `trizoo.metrics.errors.errors_of`;
        "confusion": {"score", "iou_threshold", "labels": the class names and "background", "matrix": rows = truth,
        columns = prediction}}

    Raises:
        ValueError: as `pool.gather` does, and where a class name appears twice
    """
    return report(measure(detections, truths, class_names, score))


def measure(detections, truths, class_names, score=0.5):
    """The arrays behind `evaluate`, from one pass over the pairs.

    -> {"class_names", "images", "score", "ground_truths" and "detections": int64 (C,), "coco", "voc", "operating",
    "confusion": what `coco`, `voc_ap`, `operating_point` and `confusion_matrix` give, "mistakes": see
    `trizoo.metrics.confusion.mistakes_of`, "AP_at", "matched_iou", "errors": see `trizoo.metrics.errors.errors_of`}
    """
    class_names = tuple(class_names)
    twice = {name for name in class_names if class_names.count(name) > 1}
    if twice:
        raise ValueError(f"class_names holds {sorted(twice)[0]!r} more than once; different names are needed")
    pool = gather(detections, truths, len(class_names))
    pairs = overlapping_pairs(pool, IOU_THRESHOLD)
    coco = coco_of(pool, pairs)
    at_score = paired(pool, score, IOU_THRESHOLD)
    outcome = match_voc(pool, pairs)
    return {
        "class_names": class_names,
        "images": pool.images,
        "score": score,
        "ground_truths": pool.positives,
        "detections": np.diff(pool.bounds),
        "coco": coco,
        **errors_of(pool, coco),
        "voc": voc_ap_of(pool, outcome),
        "operating": operating_point_of(pool, outcome, score),
        "confusion": confusion_matrix_of(pool, at_score),
        "mistakes": mistakes_of(pool, at_score),
    }


def report(measures):
    """What `evaluate` gives, from what `measure` gives."""
    coco, voc, operating = measures["coco"], measures["voc"], measures["operating"]
    columns = {
        "AP50": coco["per_class"]["AP50"],
        "AP": coco["per_class"]["AP"],
        "AP75": coco["per_class"]["AP75"],
        "VOC_AP50": voc["AP"],
        **{name: operating[name] for name in ("precision", "recall", "F1", "LAMR")},
        "ground_truths": measures["ground_truths"],
        "detections": measures["detections"],
    }
    return plain(
        {
            "mAP50": coco["AP50"],
            "mAP": coco["AP"],
            "mAP75": coco["AP75"],
            "images": measures["images"],
            "score": measures["score"],
            "coco": {name: value for name, value in coco.items() if isinstance(value, float)},
            "voc": {"mAP50": voc["mAP"], "mAP50_11_point": voc["mAP_11_point"]},
            "per_class": {
                class_name: {name: values[label] for name, values in columns.items()}
                for label, class_name in enumerate(measures["class_names"])
            },
            **{name: measures[name] for name in ("AP_at", "matched_iou", "errors")},
            "confusion": {
                "score": measures["score"],
                "iou_threshold": IOU_THRESHOLD,
                "labels": [*measures["class_names"], "background"],
                "matrix": measures["confusion"],
            },
        }
    )
