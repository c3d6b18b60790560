"""What decoding is made of: candidates of an image to its detections."""

import math

import numpy as np

from trizoo.ground.boxes import area, nms, voted
from trizoo.ground.sample import Detections

ROUNDING = 1e-6  # relative: more than a score in float32 is off, so that no equal one is taken for a lower one


def logit(score):
    """The logit whose sigmoid is this score; infinite for what no logit reaches."""
    return -np.inf if score <= 0 else (np.inf if score >= 1 else math.log(score / (1 - score)))


def highest(scores, count):
    """Indices of the `count` highest scores, highest first, the earlier of equal ones first: (N,) -> (k,).

    All of them where there are no more than `count`.
    """
    candidates = np.arange(len(scores))
    if len(scores) > count:
        least = np.partition(scores, -count)[-count]  # far cheaper than sorting them all
        candidates = np.flatnonzero(scores >= least)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:count]]


def greatest_of_rows(x):
    """x.max(axis=1) of a contiguous (N, K), in half the time: (N,)."""
    return np.maximum.reduceat(x.ravel(), np.arange(0, x.size, x.shape[1]))


def promising(scores, count):
    """Indices of the rows that can have one of the `count` best scores, a row having several: (N,) -> (k,), ascending.

    An untrained network has millions of scores and few rows whose best one is among the best of all: each row above it
    has at least one score above it too.

    Args:
        scores: each row's best
    """
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(scores, -count)[-count] * (1 - ROUNDING))


def suppressed(boxes, scores, labels, placement, **options):
    """One image's candidates on the input (n, 4), (n,), (n,) as its `Detections`, in the original's pixels, after NMS.

    Args:
        options: of `trizoo.ground.boxes.nms`
    """
    boxes = placement.inverse(boxes, clip=True)
    visible = area(boxes) > 0  # the others lie on the canvas around the image
    return after_nms(boxes[visible], scores[visible], labels[visible], **options)


def after_nms(boxes, scores, labels, *, method="hard", **options):
    """The `Detections` that NMS leaves of boxes (n, 4), (n,), (n,), moved by their vote where that is the method.

    Args:
        method, options: of `trizoo.ground.boxes.nms`
    """
    kept, scores_kept = nms(boxes, scores, labels, method=method, **options)
    boxes = voted(boxes, scores, labels, kept) if method == "vote" else boxes[kept]
    return Detections(boxes.astype(np.float32), scores_kept.astype(np.float32), labels[kept])
