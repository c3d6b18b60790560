"""Average precision as PASCAL VOC defines it (Everingham et al. 2010; the devkit's VOCevaldet)."""

import numpy as np

from trizoo.metrics.matching import FALSE_POSITIVE, TRUE_POSITIVE, match_voc
from trizoo.metrics.pool import gather, mean_over_classes, overlapping_pairs

RECALLS = np.arange(11) / 10  # VOC2007's eleven points; linspace would miss the recall 3 / 10 by one bit


def voc_ap(detections, truths, num_classes, iou_threshold=0.5):
    """VOC's average precision, all-point (since VOC2010) and 11-point (VOC2007).

    A detection belongs to the ground truth of its class and image with the greatest IoU, if that is at least
    `iou_threshold`; the second one of a ground truth is a false positive; one of a difficult ground truth is ignored,
    and difficult ones needn't be found. Crowds: see `matching.match_voc`.
    -> {"AP": float64 (C,), "AP_11_point": float64 (C,), "mAP": float, "mAP_11_point": float} in [0, 1]; nan for a class
    without counted ground truth, which stays out of the mean. Raises ValueError as `pool.gather` does.
    """
    pool = gather(detections, truths, num_classes)
    outcome = match_voc(pool, overlapping_pairs(pool, iou_threshold))
    return voc_ap_of(pool, outcome)


def voc_ap_of(pool, outcome):
    """`voc_ap` from a Pool and the outcome (D,) of its detections."""
    values = np.full((2, pool.num_classes), np.nan)
    for label in np.flatnonzero(pool.positives):
        part = outcome[pool.bounds[label] : pool.bounds[label + 1]]
        values[:, label] = _average_precision(part, pool.positives[label])
    all_point, eleven_point = values
    return {
        "AP": all_point,
        "AP_11_point": eleven_point,
        "mAP": mean_over_classes(all_point),
        "mAP_11_point": mean_over_classes(eleven_point),
    }


def _average_precision(outcome, positives):
    """All-point and 11-point AP of one class: its detections' outcomes (N,), highest score first -> two floats."""
    true = np.cumsum(outcome == TRUE_POSITIVE)
    false = np.cumsum(outcome == FALSE_POSITIVE)
    precision = true / np.maximum(true + false, 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall grows by 1 / positives at every true positive and nowhere else.
    all_point = best_from_here[outcome == TRUE_POSITIVE].sum() / positives
    reached = np.searchsorted(true / positives, RECALLS)
    eleven_point = np.append(best_from_here, 0.0)[reached].mean()
    return all_point, eleven_point
