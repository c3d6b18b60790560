"""Key points' reference loss in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.base.terms import by_class, log_softmax
from trizoo.families.ssd.reference import hard_negatives


def keypoint_loss(outputs, targets, *, negatives=None, offset_gain=1.0, class_gain=1.0, class_weights=None):
    """The loss of a batch: outputs -> {term: float}.

    Terms, each already multiplied by its gain and divided by the number of marks of the whole batch:
        offset  sum over cells with a mark of the mean of the squared errors of its x and y, in cells
        class   sum over cells of the cross-entropy of the softmax over background and classes, times the weight of the
                mark's class. With `negatives` not all cells without a mark count, but as many of each image as
                `trizoo.families.ssd.reference.hard_negatives` chooses
        loss    their sum

    Args:
        outputs: the map alone, (B, rows, columns, 3 + C)
        targets: of `trizoo.families.keypoints.targets.assign`
        negatives: None: every cell counts
        class_weights: a number a class, None = all 1

    Raises:
        ValueError: where the map doesn't match the targets
    """
    return _evaluate(outputs, targets, negatives, offset_gain, class_gain, class_weights)[0]


def keypoint_loss_gradients(outputs, targets, *, negatives=None, offset_gain=1.0, class_gain=1.0, class_weights=None):
    """Gradient of `keypoint_loss`'s sum with respect to the map: float64 (B, rows, columns, 3 + C).

    Which negatives count is a constant. The arguments are those of `keypoint_loss`.
    """
    return _evaluate(outputs, targets, negatives, offset_gain, class_gain, class_weights)[1]


def _evaluate(outputs, targets, negatives, offset_gain, class_gain, class_weights):
    cells, matches = np.asarray(outputs[0], np.float64), targets["matches"]
    if (len(cells), cells.shape[1] * cells.shape[2]) != matches.shape:
        raise ValueError(f"the map has shape {cells.shape}, and the targets are of {matches.shape} images and cells")
    normaliser, positive = float(targets["num_positives"]), matches >= 0
    rows = cells.reshape(*matches.shape, -1)

    errors = np.where(positive[..., None], rows[..., :2] - targets["offsets"], 0)
    logs = log_softmax(rows[..., 2:])
    right = np.eye(logs.shape[-1])[1 + matches]  # NEGATIVE is the background, the first
    entropy = -(logs * right).sum(axis=-1)
    counted = np.ones_like(positive) if negatives is None else positive | hard_negatives(entropy, matches, negatives)
    weight = class_gain / normaliser * counted * by_class(class_weights, matches, positive)

    offset = offset_gain / normaliser * (errors**2).mean(axis=-1).sum()
    classification = (weight * entropy).sum()
    terms = {"loss": offset + classification, "offset": offset, "class": classification}
    gradient = np.concatenate([offset_gain / normaliser * errors, weight[..., None] * (np.exp(logs) - right)], axis=-1)
    return {name: float(value) for name, value in terms.items()}, gradient.reshape(cells.shape)
