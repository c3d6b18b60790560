"""What the reference losses of SSD and RetinaNet have in common, in NumPy float64."""

import numpy as np

from trizoo.families.base.distillation import sigmoid_divergence, softmax_divergence
from trizoo.families.base.terms import log_softmax, sigmoid
from trizoo.ground.boxes import overlap


def smooth_l1(errors, beta):
    """Smooth L1 of errors and its derivative, element by element: (...) -> two of (...).

    Quadratic up to `beta`, error^2 / (2 beta), and linear beyond, |error| - beta / 2 (Girshick 2015, equation 3, where
    beta is 1). With beta 0 it is L1, of derivative 0 at 0.
    """
    size = np.abs(errors)
    safe = beta if beta > 0 else 1
    values = np.where(size < beta, errors**2 / (2 * safe), size - beta / 2)
    return values, np.where(size < beta, errors / safe, np.sign(errors))


def box_regression(deltas, targets, grid, coding, beta):
    """Smooth L1 between predicted deltas and those of the boxes that anchors are assigned to, and its gradient.

    -> the sum over positives and coordinates, and float64 (B, N, 4).

    Args:
        deltas: float64 (B, N, 4)
        targets: of `trizoo.families.anchored.matching.targets_of`
        grid: the AnchorGrid
        coding: what the deltas are
        beta: up to which error it is quadratic
    """
    positive, boxes, anchors = _matched(targets, grid)
    values, slopes = smooth_l1(deltas[positive] - coding.encode(boxes, anchors), beta)
    gradient = np.zeros_like(deltas)
    gradient[positive] = slopes
    return values.sum(), gradient


def box_overlap(deltas, targets, grid, coding, kind):
    """1 - the overlap of the boxes that deltas stand for with those that anchors are assigned to, and its gradient.

    -> the sum over positives, and float64 (B, N, 4), by central differences. The arguments are `box_regression`'s.

    Args:
        kind: of the overlap, "giou" or "diou"
    """
    positive, boxes, anchors = _matched(targets, grid)

    def measure(deltas):
        return 1 - overlap(coding.decode(deltas, anchors), boxes, kind)

    gradient = np.zeros_like(deltas)
    for coordinate, step in enumerate(np.eye(4) * 1e-5):
        slope = (measure(deltas[positive] + step) - measure(deltas[positive] - step)) / 2e-5
        gradient[(*positive, coordinate)] = slope
    return measure(deltas[positive]).sum(), gradient


def box_term(deltas, targets, grid, coding, kind, beta):
    """The sum of the box term, "l1" or an overlap, and its gradient; see `box_regression` and `box_overlap`."""
    if kind == "l1":
        return box_regression(deltas, targets, grid, coding, beta)
    return box_overlap(deltas, targets, grid, coding, kind)


def wanted_scores(deltas, targets, grid, coding, score_iou):
    """What the class of each anchor's box should score: 0 without a box -> float64 (B, N).

    Args:
        deltas: float64 (B, N, 4)
        targets: of `trizoo.families.anchored.matching.targets_of`
        grid: the AnchorGrid
        coding: what the deltas are
        score_iou: the share of what the IoU of the decoded box lacks of 1 that a score lacks too (1: it is the IoU, as
            of Li et al. 2020, generalized focal loss)
    """
    positive, boxes, anchors = _matched(targets, grid)
    wanted = np.zeros(targets["matches"].shape)
    wanted[positive] = 1 - score_iou * (1 - overlap(coding.decode(deltas[positive], anchors), boxes, "iou"))
    return wanted


def deltas_and_logits(outputs, targets, grid):
    """A model's outputs in float64: deltas (B, N, 4) and logits (B, N, K).

    Args:
        targets: of `trizoo.families.anchored.matching.targets_of`
        grid: the AnchorGrid

    Raises:
        ValueError: where outputs don't match targets and anchors
    """
    deltas, logits = (np.asarray(output, np.float64) for output in outputs)
    shape = (len(targets["matches"]), len(grid.boxes))
    if deltas.shape != (*shape, 4) or logits.shape[:-1] != shape:
        raise ValueError(
            f"outputs have shapes {deltas.shape} and {logits.shape}; the targets and anchors need {(*shape, 4)} and "
            f"({shape[0]}, {shape[1]}, classes)"
        )
    return deltas, logits


def _matched(targets, grid):
    """Image and anchor of each positive, its box and the anchor itself: two of int64 (P,), two of float64 (P, 4)."""
    image, anchor = np.nonzero(targets["matches"] >= 0)
    boxes = targets["boxes"][image, targets["matches"][image, anchor]]
    return (image, anchor), boxes.astype(np.float64), grid.boxes[anchor].astype(np.float64)


def anchor_divergence(outputs, taught, loss, temperature, *, background):
    """What a student's outputs lack of a teacher's of the same anchors: deltas (B, N, 4), logits (B, N, K) -> a float.

    Classes and boxes count as far as the teacher is sure that an anchor is of an object, as in
    `trizoo.families.yolo.reference.yolo_divergence`: 1 - its probability of the background, or the greatest of its
    classes. The sum, divided by the number of positives of the whole batch, of
        class_gain * that * the divergence of the classes
        box_gain * that * smooth L1 between the deltas

    Args:
        taught: the teacher's outputs
        loss: the student's `loss` section; the number of positives isn't divided by here
        temperature: of the softmax
        background: whether the first logit is the background's, so that classes are a softmax
    """
    deltas, logits = (np.asarray(array, np.float64) for array in outputs)
    wanted, truth = (np.asarray(array, np.float64) for array in taught)
    if background:
        sure = 1 - np.exp(log_softmax(truth))[..., 0]
        classes = softmax_divergence(logits, truth, temperature)
    else:
        sure = sigmoid(truth).max(axis=-1)
        classes = sigmoid_divergence(logits, truth).sum(axis=-1)
    errors, _ = smooth_l1(deltas - wanted, loss.box_beta)
    return float((sure * (loss.class_gain * classes + loss.box_gain * errors.sum(axis=-1))).sum())
