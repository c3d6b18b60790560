"""SSD's reference loss in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.anchored.matching import NEGATIVE
from trizoo.families.anchored.reference import box_term, deltas_and_logits, wanted_scores
from trizoo.families.base.terms import by_class, log_softmax, power
from trizoo.families.ssd.anchors import SSD_CODING


def ssd_loss(
    outputs,
    targets,
    grid,
    coding=SSD_CODING,
    *,
    negatives=3,
    box="l1",
    box_beta=1.0,
    box_gain=1.0,
    class_gain=1.0,
    focal_gamma=0.0,
    class_weights=None,
    score_iou=0.0,
):
    """The multibox loss of a batch (Liu et al. 2016, section 2.2): outputs -> {term: float}.

    Terms, each already multiplied by its gain and divided by the number of positives of the whole batch:
        box    sum over positives of smooth L1 between deltas and those of the anchor's box, linear beyond `box_beta`;
               with `box` "giou" or "diou" of 1 - that overlap of the decoded box and the anchor's instead
        class  sum of softmax cross-entropy over positives and, of each image, the `negatives` times as many anchors
               without a box whose cross-entropy is highest, the first of equals; of an image without positives
               `negatives` of them, as if it had one, where the paper has none: so it teaches what background is. Times
               (1 - probability of the right class)^focal_gamma (Lin et al. 2017), times the weight of the box's class.
               A positive's class should have the probability that `trizoo.families.anchored.reference.wanted_scores`
               says, a constant, and background the rest
        loss   their sum

    Args:
        outputs: deltas (B, N, 4) and logits (B, N, 1 + C), background first
        targets: of `trizoo.families.ssd.targets.assign`
        grid: `ssd_grid`'s
        coding: what the deltas are
        class_weights: a number a class without the background, None = all 1
        score_iou: see `wanted_scores`; 0 = 1 is wanted of every positive. Not together with focal_gamma

    Raises:
        ValueError: where outputs don't match targets and anchors
    """
    numbers = negatives, box, box_beta, box_gain, class_gain, focal_gamma, class_weights, score_iou
    terms, _, _ = _evaluate(outputs, targets, grid, coding, *numbers)
    return terms


def ssd_loss_gradients(
    outputs,
    targets,
    grid,
    coding=SSD_CODING,
    *,
    negatives=3,
    box="l1",
    box_beta=1.0,
    box_gain=1.0,
    class_gain=1.0,
    focal_gamma=0.0,
    class_weights=None,
    score_iou=0.0,
):
    """Gradient of `ssd_loss`'s sum with respect to deltas and logits: float64 (B, N, 4), (B, N, 1 + C).

    Which negatives count is a constant. The arguments are those of `ssd_loss`.
    """
    numbers = negatives, box, box_beta, box_gain, class_gain, focal_gamma, class_weights, score_iou
    _, of_deltas, of_logits = _evaluate(outputs, targets, grid, coding, *numbers)
    return of_deltas, of_logits


def hard_negatives(losses, matches, negatives):
    """Which anchors without a box count: losses (B, N), matches (B, N) -> bool (B, N).

    Of each image the highest losses, at most `negatives` times as many as it has positives, or as one positive where
    it has none; the first of equals.
    """
    candidates = matches == NEGATIVE
    order = np.argsort(np.where(candidates, -losses, np.inf), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    positives = (matches >= 0).sum(axis=1, keepdims=True, dtype=np.float32)
    positives = np.maximum(positives, 1)
    return candidates & (rank < np.float32(negatives) * positives)  # 1.1 * 10 is 11 in float32, as in the frameworks


def _evaluate(
    outputs,
    targets,
    grid,
    coding,
    negatives,
    box,
    box_beta,
    box_gain,
    class_gain,
    focal_gamma,
    class_weights,
    score_iou,
):
    deltas, logits = deltas_and_logits(outputs, targets, grid)
    normaliser, matches = float(targets["num_positives"]), targets["matches"]
    box_sum, of_deltas = box_term(deltas, targets, grid, coding, box, box_beta)

    positive = matches >= 0
    labels = np.take_along_axis(targets["labels"], np.maximum(matches, 0), axis=1)
    wanted = wanted_scores(deltas, targets, grid, coding, score_iou)[..., None]
    background, *own = np.eye(logits.shape[-1])
    classes = wanted * np.stack(own)[labels] + (1 - wanted) * background  # (B, N) -> (B, N, 1 + C)
    logs = log_softmax(logits)
    entropy = -(classes * logs).sum(axis=-1)
    counted = positive | hard_negatives(entropy, matches, negatives)

    probabilities = np.exp(logs)
    right = (classes * probabilities).sum(axis=-1)
    focal, focal_slope = power((probabilities * (1 - classes)).sum(axis=-1), focal_gamma)
    weight = class_gain / normaliser * counted * by_class(class_weights, labels, positive)

    box = box_gain / normaliser * box_sum
    classification = (weight * focal * entropy).sum()
    terms = {"loss": box + classification, "box": box, "class": classification}
    of_logits = (weight * (focal + focal_slope * entropy * right))[..., None] * (probabilities - classes)
    return {name: float(value) for name, value in terms.items()}, box_gain / normaliser * of_deltas, of_logits
