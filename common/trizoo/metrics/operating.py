"""What a detector does at a score: precision, recall, F1, and the log-average miss rate."""

from itertools import pairwise

import numpy as np

from trizoo.metrics.matching import FALSE_POSITIVE, TRUE_POSITIVE, match_voc
from trizoo.metrics.pool import gather, overlapping_pairs
from trizoo.metrics.shares import ratio

SCORES = np.arange(101) / 100
# Dollar et al. 2012, section 3.1; rounded, since NumPy's releases differ in the last bit of 0.1
FALSE_POSITIVES_PER_IMAGE = np.logspace(-2, 0, 9).round(12)
LOWEST_MISS_RATE = 1e-10  # of one point, so that its logarithm exists; the authors' toolbox has the same


def operating_point(detections, truths, num_classes, score=0.5, iou_threshold=0.5):
    """Precision, recall and F1 of each class at a score and over all scores, and the log-average miss rate.

    Detections are matched by VOC's protocol (`matching.match_voc`): difficult ground truth and what finds it count
    nowhere. A detection counts from `score` upwards.
    -> {"TP", "FP", "FN": int64 (C,); "precision", "recall", "F1", "LAMR": float64 (C,) in [0, 1];
    "curves": {"score": float64 (101,), "precision", "recall", "F1": float64 (C, 101)}}.
    precision is nan where nothing is detected; recall, F1 and LAMR are nan where there is no counted ground truth.
    Raises ValueError as `pool.gather` does.
    """
    pool = gather(detections, truths, num_classes)
    outcome = match_voc(pool, overlapping_pairs(pool, iou_threshold))
    return operating_point_of(pool, outcome, score)


def operating_point_of(pool, outcome, score=0.5):
    """`operating_point` from a Pool, at a score from which detections count.

    Args:
        outcome: of `trizoo.metrics.matching.match_voc`, int8 (D,)
    """
    tp, fp = _counts(pool, outcome, np.array([score]))
    at_score = {name: values[:, 0] for name, values in _rates(tp, fp, pool.positives).items()}
    curves = _rates(*_counts(pool, outcome, SCORES), pool.positives)
    return {
        "TP": tp[:, 0],
        "FP": fp[:, 0],
        "FN": pool.positives - tp[:, 0],
        **at_score,
        "LAMR": _log_average_miss_rate(pool, outcome),
        "curves": {"score": SCORES, **curves},
    }


def _counts(pool, outcome, scores):
    """True and false positives of each class with at least each of S scores: two int64 (C, S)."""
    tp, fp = np.zeros((2, pool.num_classes, len(scores)), np.int64)
    for label, (begin, end) in enumerate(pairwise(pool.bounds)):
        own = pool.scores[begin:end]
        counted = np.searchsorted(-own, -scores.astype(own.dtype), side="right")
        tp[label] = np.append(0, np.cumsum(outcome[begin:end] == TRUE_POSITIVE))[counted]
        fp[label] = np.append(0, np.cumsum(outcome[begin:end] == FALSE_POSITIVE))[counted]
    return tp, fp


def _rates(tp, fp, positives):
    """Precision, recall and F1: int (C, S), (C, S), (C,) -> float64 (C, S) each."""
    positives = positives[:, None] + np.zeros_like(tp)
    return {
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, positives),
        "F1": np.where(positives > 0, ratio(2 * tp, tp + fp + positives), np.nan),
    }


def _log_average_miss_rate(pool, outcome):
    """Geometric mean of the miss rate at nine numbers of false positives per image: float64 (C,).

    Where the curve ends before such a number, its last miss rate holds; before its first point it is 1.
    """
    rates = np.full(pool.num_classes, np.nan)
    for label in np.flatnonzero(pool.positives):
        part = outcome[pool.bounds[label] : pool.bounds[label + 1]]
        false_per_image = np.cumsum(part == FALSE_POSITIVE) / pool.images
        missed = 1 - np.cumsum(part == TRUE_POSITIVE) / pool.positives[label]
        point = np.searchsorted(false_per_image, FALSE_POSITIVES_PER_IMAGE, side="right")
        missed = np.append(1.0, missed)[point]
        rates[label] = np.exp(np.log(np.maximum(missed, LOWEST_MISS_RATE)).mean())
    return rates
