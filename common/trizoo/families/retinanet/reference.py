"""RetinaNet's reference loss in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.anchored.matching import IGNORED
from trizoo.families.anchored.reference import box_term, deltas_and_logits, wanted_scores
from trizoo.families.base.terms import binary_cross_entropy, by_class, focal_weight, sigmoid
from trizoo.families.retinanet.anchors import RETINANET_CODING


def retinanet_loss(
    outputs,
    targets,
    grid,
    coding=RETINANET_CODING,
    *,
    gamma=2.0,
    alpha=0.25,
    box="l1",
    box_beta=0.0,
    box_gain=1.0,
    class_gain=1.0,
    class_weights=None,
    score_iou=0.0,
):
    """The loss of a batch (Lin et al. 2017): outputs -> {term: float}.

    Terms, each already multiplied by its gain and divided by the number of positives of the whole batch, while
    torchvision divides by each image's and takes the mean over images:
        box    sum over positives of L1 between deltas and those of the anchor's box; with `box_beta` above 0 smooth L1,
               linear beyond it (keras-retinanet: 1 / 9). With `box` "giou" sum over positives of 1 - GIoU between the
               decoded box and the anchor's instead (torchvision's retinanet_resnet50_fpn_v2), of "diou" 1 - DIoU
        class  sum over classes and the anchors that aren't ignored of binary cross-entropy times `focal_weight`,
               times the weight of the class of the anchor's box; an anchor's own class should score what
               `trizoo.families.anchored.reference.wanted_scores` says, a constant
        loss   their sum

    Args:
        outputs: deltas (B, N, 4) and logits (B, N, C)
        targets: of `trizoo.families.retinanet.targets.assign`
        grid: that of `retinanet_grid`
        coding: what the deltas are
        gamma, alpha: see `trizoo.families.base.terms.focal_weight`
        box: "l1", "giou" or "diou"
        class_weights: a number a class, None = all 1
        score_iou: see `wanted_scores`; 0 = 1 is wanted of every positive

    Raises:
        ValueError: where outputs don't match targets and anchors
    """
    numbers = gamma, alpha, box, box_beta, box_gain, class_gain, class_weights, score_iou
    terms, _, _ = _evaluate(outputs, targets, grid, coding, *numbers)
    return terms


def retinanet_loss_gradients(
    outputs,
    targets,
    grid,
    coding=RETINANET_CODING,
    *,
    gamma=2.0,
    alpha=0.25,
    box="l1",
    box_beta=0.0,
    box_gain=1.0,
    class_gain=1.0,
    class_weights=None,
    score_iou=0.0,
):
    """Gradient of `retinanet_loss`'s sum with respect to deltas and logits: float64 (B, N, 4), (B, N, C).

    Overlaps are differentiated numerically, the rest by formula. The arguments are those of `retinanet_loss`.
    """
    numbers = gamma, alpha, box, box_beta, box_gain, class_gain, class_weights, score_iou
    _, of_deltas, of_logits = _evaluate(outputs, targets, grid, coding, *numbers)
    return of_deltas, of_logits


def _evaluate(
    outputs, targets, grid, coding, gamma, alpha, box, box_beta, box_gain, class_gain, class_weights, score_iou
):
    deltas, logits = deltas_and_logits(outputs, targets, grid)
    normaliser, matches = float(targets["num_positives"]), targets["matches"]
    box_sum, of_deltas = box_term(deltas, targets, grid, coding, box, box_beta)

    labels = np.take_along_axis(targets["labels"], np.maximum(matches, 0), axis=1)
    wanted = wanted_scores(deltas, targets, grid, coding, score_iou)
    classes = np.eye(logits.shape[-1])[labels] * wanted[..., None]  # (B, N) -> (B, N, C)
    entropy = binary_cross_entropy(logits, classes)
    focal, focal_slope = focal_weight(logits, classes, gamma, alpha)
    weight = class_gain / normaliser * (matches != IGNORED) * by_class(class_weights, labels, matches >= 0)
    weight = weight[..., None]

    box = box_gain / normaliser * box_sum
    classification = (weight * focal * entropy).sum()
    terms = {"loss": box + classification, "box": box, "class": classification}
    of_logits = weight * (focal * (sigmoid(logits) - classes) + focal_slope * entropy)
    return {name: float(value) for name, value in terms.items()}, box_gain / normaliser * of_deltas, of_logits
