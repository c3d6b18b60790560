"""Which errors a detector makes, and how much AP each kind costs: TIDE (Bolya et al., ECCV 2020).

Of the detections that COCO's matching counts as false positives, by their overlap with counted ground truth:

    localisation    of the right class with an IoU from 0.1 up to the threshold
    classification  of another class with an IoU of the threshold or more
    duplicate       of the right class and the threshold or more, but another detection found it before
    background      nothing above an IoU of 0.1
    both            anything else: of another class with an IoU between 0.1 and the threshold

and *missed* is ground truth that nothing finds and that no error of localisation or classification is about. What a
kind costs is what AP at the threshold gains when these errors alone are put right: a wrong class or place becomes a
right one where nothing else finds that ground truth (of several such errors about it the one of the highest score, the
others go), duplicates, background and both are left out, and missed ground truth isn't asked for.
"""

from dataclasses import dataclass

import numpy as np

from trizoo.metrics.coco_protocol import FALSE_POSITIVE, IOU_THRESHOLDS, NOT_COUNTED, RECALLS
from trizoo.metrics.pool import mean_over_classes, overlapping_pairs

KINDS = ("classification", "localisation", "both", "duplicate", "background", "missed")
CLASSIFICATION, LOCALISATION, BOTH, DUPLICATE, BACKGROUND, MISSED = KINDS
MEANINGS = {  # for a person
    CLASSIFICATION: "in its place, of another class",
    LOCALISATION: "of the right class, but not tight enough",
    BOTH: "of another class and not tight enough",
    DUPLICATE: "found by another detection already",
    BACKGROUND: "nothing is there",
    MISSED: "an object that nothing finds",
}
BACKGROUND_IOU = 0.1  # at most: nothing is there; the paper's
PLACES = (0, 5)  # of 0.5 and 0.75 among IOU_THRESHOLDS: whether it is found, and whether it fits


@dataclass(frozen=True)
class Nearest:
    """The counted ground truth that overlaps each of a Pool's detections most, of equals the first.

    Args:
        overlap: float64 (D,), 0 where none overlaps by BACKGROUND_IOU
        truth: int64 (D,), -1 there
    """

    overlap: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, pairs, count):
        """Of `count` detections: of Pairs, which are ordered by detection, then by ground truth."""
        overlap, truth = np.zeros(count), np.full(count, -1)
        np.maximum.at(overlap, pairs.detection, pairs.overlap)
        best = np.flatnonzero(pairs.overlap == overlap[pairs.detection])
        truth[pairs.detection[best[::-1]]] = pairs.truth[best[::-1]]  # what is written last stays: the first
        return cls(overlap, truth)


def errors_of(pool, coco):
    """What `coco_of` says of a Pool, taken apart by KINDS.

    Args:
        coco: what `coco_of` gave

    Returns:
        {"AP_at": {"0.50": AP, ... "0.95"}: at each of COCO's IoU thresholds;
        "matched_iou": mean IoU of the true positives at an IoU of 0.5 with what they find, nan without any;
        "errors": {"0.50" and "0.75": {kind: {"count", "cost": in AP at that IoU}}}}
    """
    pairs = overlapping_pairs(pool, BACKGROUND_IOU, any_class=True)
    pairs = pairs.where(pool.counted[pairs.truth])
    of_class = pool.labels[pairs.detection] == pool.truth_labels[pairs.truth]
    right, wrong = (Nearest.of(pairs.where(chosen), len(pool.labels)) for chosen in (of_class, ~of_class))
    precision = coco["precision"][..., 0]  # (T, R, C, A) -> (T, R, C)
    at = {_name(place): mean_over_classes(of_place.ravel()) for place, of_place in enumerate(precision)}
    matches = pairs.overlap[pairs.truth == coco["outcome"][pairs.detection, 0]]
    return {
        "AP_at": at,
        "matched_iou": float(matches.mean()) if len(matches) else float("nan"),
        "errors": {
            _name(place): _costs(pool, coco["outcome"][:, place], right, wrong, IOU_THRESHOLDS[place])
            for place in PLACES
        },
    }


def _name(place):
    return f"{IOU_THRESHOLDS[place]:.2f}"


def _costs(pool, outcome, right, wrong, threshold):
    """{kind: {"count", "cost"}} at one threshold.

    Args:
        outcome: int (D,), see `trizoo.metrics.coco_protocol.coco_of`
        right, wrong: the `Nearest` ground truth of the detection's class, and of the others
    """
    false, true = outcome == FALSE_POSITIVE, outcome >= 0
    used = np.zeros(len(pool.truth_labels), bool)
    used[outcome[true]] = True
    in_place = (right.overlap >= BACKGROUND_IOU) & (right.overlap < threshold)
    conditions = {
        LOCALISATION: in_place,
        CLASSIFICATION: wrong.overlap >= threshold,
        DUPLICATE: right.overlap >= threshold,
        BACKGROUND: np.maximum(right.overlap, wrong.overlap) <= BACKGROUND_IOU,
        BOTH: np.ones(len(false), bool),
    }
    rows = {}
    for kind, condition in conditions.items():  # the first that holds
        rows[kind] = np.flatnonzero(false & condition)
        false[rows[kind]] = False

    # what could be put right by finding its ground truth, unless that is found; of several the highest score
    about = np.full(len(outcome), -1)
    about[rows[LOCALISATION]] = right.truth[rows[LOCALISATION]]
    about[rows[CLASSIFICATION]] = wrong.truth[rows[CLASSIFICATION]]
    able = np.flatnonzero(about >= 0)
    able = able[~used[about[able]]]
    able = able[np.lexsort((able, -pool.scores[able]))]
    truths, first = np.unique(about[able], return_index=True)
    chosen = np.zeros(len(outcome), bool)
    chosen[able[first]] = True
    missed = pool.counted & ~used
    missed[truths] = False

    counts = outcome != NOT_COUNTED
    before = _ap(pool, pool.labels, true, counts, pool.positives)
    found = {}
    for kind in KINDS:
        labels, hits, left, positives = pool.labels, true, counts, pool.positives
        if kind == MISSED:
            number = int(missed.sum())
            positives = positives - np.bincount(pool.truth_labels[missed], minlength=pool.num_classes)
        else:
            number, mended = len(rows[kind]), np.zeros(len(outcome), bool)
            if kind in (LOCALISATION, CLASSIFICATION):
                mended[rows[kind]] = chosen[rows[kind]]
            if kind == CLASSIFICATION:
                labels = labels.copy()
                labels[mended] = pool.truth_labels[about[mended]]
            hits, left = true | mended, counts.copy()
            left[rows[kind]] = mended[rows[kind]]
        found[kind] = {"count": number, "cost": _ap(pool, labels, hits, left, positives) - before}
    return found


def _ap(pool, labels, true, counts, positives):
    """COCO's AP at one threshold, a mean over classes with ground truth; nan without any.

    Args:
        labels, true: (D,) of the Pool's detections, of which those count that `counts` says
        positives: int (C,), how much ground truth each class has
    """
    rows = np.flatnonzero(counts)
    if labels is not pool.labels:  # which are in order, and so are the scores of each
        rows = rows[np.lexsort((-pool.scores[rows], labels[rows]))]
    bounds = np.searchsorted(labels[rows], np.arange(len(positives) + 1))
    values = np.full(len(positives), np.nan)
    for label in np.flatnonzero(positives > 0):
        places = np.flatnonzero(true[rows[bounds[label] : bounds[label + 1]]])
        tp = np.arange(1, len(places) + 1)
        # between two true positives precision only falls, so these alone give its envelope
        best_from_here = np.maximum.accumulate((tp / (places + 1))[::-1])[::-1]
        reached = np.searchsorted(tp / positives[label], RECALLS)
        values[label] = np.append(best_from_here, 0.0)[reached].mean()
    return mean_over_classes(values)
