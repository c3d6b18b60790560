"""Which class is taken for which, and what is missed and invented."""

from dataclasses import dataclass

import numpy as np

from trizoo.metrics.matching import match_one_to_one
from trizoo.metrics.pool import gather, overlapping_pairs, reaches


def confusion_matrix(detections, truths, num_classes, score=0.5, iou_threshold=0.5):
    """Counts of true class (row) against predicted class (column): int64 (C + 1, C + 1), the last is background.

    Detections with at least `score` and counted ground truth of any class are paired one to one in each image, the
    greatest IoU first (of equal ones the higher score, then the right class). What stays alone is paired with
    background, so a row sums to the class's counted ground truth. Difficult and crowd ground truth has no row, and an
    unpaired detection that overlaps it by `iou_threshold` (a crowd: by that share of the detection) is left out.
    Raises ValueError as `pool.gather` does.
    """
    pool = gather(detections, truths, num_classes)
    return confusion_matrix_of(pool, paired(pool, score, iou_threshold))


@dataclass(frozen=True)
class Paired:
    """What became of a Pool's detections and counted ground truth at an operating point.

    Args:
        detection, truth: int64 (P,), the pairs, whatever their classes
        alone: int64, the detections that no ground truth explains
        missed: int64, the counted ground truth that nothing found
    """

    detection: np.ndarray
    truth: np.ndarray
    alone: np.ndarray
    missed: np.ndarray


def paired(pool, score, iou_threshold):
    """The `Paired` of a Pool, as `confusion_matrix` pairs them."""
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
    return Paired(pairs.detection, pairs.truth, np.flatnonzero(alone), np.flatnonzero(missed))


def confusion_matrix_of(pool, pairs):
    """`confusion_matrix` from a Pool and its `Paired`."""
    background = pool.num_classes
    matrix = np.zeros((background + 1, background + 1), np.int64)
    np.add.at(matrix, (pool.truth_labels[pairs.truth], pool.labels[pairs.detection]), 1)
    np.add.at(matrix, (pool.truth_labels[pairs.missed], background), 1)
    np.add.at(matrix, (background, pool.labels[pairs.alone]), 1)
    return matrix


def mistakes_of(pool, pairs):
    """How much is missed, invented and taken for another class in each image: {"missed", "false", "confused": (I,)}.

    Args:
        pairs: the Pool's `Paired`
    """
    confused = pool.labels[pairs.detection] != pool.truth_labels[pairs.truth]
    images = {
        "missed": pool.truth_image[pairs.missed],
        "false": pool.image[pairs.alone],
        "confused": pool.truth_image[pairs.truth[confused]],
    }
    return {name: np.bincount(of_images, minlength=pool.images) for name, of_images in images.items()}
