"""Which class is taken for which."""

import numpy as np

from trizoo.metrics.matching import match_one_to_one
from trizoo.metrics.pool import gather, overlapping_pairs, reaches

SCORE, IOU_THRESHOLD = 0.25, 0.45


def confusion_matrix(detections, truths, num_classes, score=SCORE, iou_threshold=IOU_THRESHOLD):
    """Counts of true class (row) against predicted class (column): int64 (C + 1, C + 1), the last is background.

    Detections with at least `score` and counted ground truth of any class are paired one to one in each image, the
    greatest IoU first (of equal ones the higher score, then the right class). What stays alone is paired with
    background, so a row sums to the class's counted ground truth. Difficult and crowd ground truth has no row, and an
    unpaired detection that overlaps it by `iou_threshold` (a crowd: by that share of the detection) is left out.
    Raises ValueError as `pool.gather` does.
    """
    return confusion_matrix_of(gather(detections, truths, num_classes), score, iou_threshold)


def confusion_matrix_of(pool, score=SCORE, iou_threshold=IOU_THRESHOLD):
    """`confusion_matrix` from a Pool, at the same score and IoU."""
    pairs = overlapping_pairs(pool, iou_threshold, score=score, any_class=True)
    counted = pool.counted[pairs.truth]
    alone = reaches(pool.scores, score)
    alone[pairs.detection[~counted]] = False

    pairs = pairs.where(counted)
    wrong = pool.labels[pairs.detection] != pool.truth_labels[pairs.truth]
    pairs = pairs.where(np.lexsort((wrong, -pool.scores[pairs.detection], -pairs.overlap)))
    pairs = pairs.where(match_one_to_one(pairs.detection, pairs.truth))
    alone[pairs.detection] = False
    missed = pool.counted
    missed[pairs.truth] = False

    background = pool.num_classes
    matrix = np.zeros((background + 1, background + 1), np.int64)
    np.add.at(matrix, (pool.truth_labels[pairs.truth], pool.labels[pairs.detection]), 1)
    np.add.at(matrix, (pool.truth_labels[missed], background), 1)
    np.add.at(matrix, (background, pool.labels[alone]), 1)
    return matrix
