"""What the losses are made of, element by element; the references: `trizoo.families.base`, `trizoo.ground`."""

import math

import numpy as np
from keras import ops

from trizoo.ground.boxes import LEAST_SIDE, SHAPE_POWER

LEAST = 1e-30  # of a probability that is raised to a power: at 0 a root has no slope
_TINY = float(np.finfo(np.float32).tiny)


def focal_weight(logits, wanted, gamma, alpha):
    """What focal loss multiplies cross-entropy by: (...), (...) -> (...), or 1.0; see `trizoo.families.base.terms`.

    Args:
        wanted: 0 to 1
        gamma: the exponent, 0 for none
        alpha: the weight of what is 1, 1 - alpha is that of what is 0; None for none
    """
    weight = 1.0 if alpha is None else alpha * wanted + (1 - alpha) * (1 - wanted)
    if gamma == 0:
        return weight
    return weight * ops.maximum(ops.abs(wanted - ops.sigmoid(logits)), LEAST) ** gamma


def focal_entropy(entropy, gamma):
    """Softmax cross-entropy times (1 - the right class's probability)^gamma: (...) -> (...)."""
    if gamma == 0:
        return entropy
    return entropy * ops.maximum(-ops.expm1(-entropy), LEAST) ** gamma


def by_class(losses, labels, class_weights):
    """Losses times the weight of their box's class: (...), (...) -> (...).

    Args:
        labels: class ids, -1 for no box, which counts once
        class_weights: a number a class, None = all 1
    """
    if class_weights is None:
        return losses
    weights = ops.take(ops.convert_to_tensor(class_weights, "float32"), ops.maximum(labels, 0))
    return losses * ops.where(labels >= 0, weights, 1.0)


def focal_loss(logits, labels, wanted, gamma, alpha):
    """Cross-entropy times `focal_weight`, summed over classes: (B, N, C), (B, N) -> (B, N).

    Its gradient is written out, since what automatic differentiation would keep for it is several times the logits.

    Args:
        labels: class ids from 0, -1 for no class
        wanted: of the own class, (B, N), without one any; None = 1
        gamma, alpha: see `focal_weight`
    """

    @ops.custom_gradient
    def sums(logits):
        right = labels[..., None] == ops.arange(logits.shape[-1], dtype="int32")  # (B, N, C)
        sign = ops.where(right, -1.0, 1.0)
        entropy, probability = ops.softplus(sign * logits), ops.sigmoid(sign * logits)
        weight = probability**gamma
        if alpha is not None:
            weight = weight * ops.where(right, alpha, 1 - alpha)
        losses, slopes = weight * entropy, sign * weight * (probability + gamma * (1 - probability) * entropy)
        if wanted is not None:
            terms, between = _focal_between(logits, wanted[..., None], gamma, alpha)
            losses, slopes = ops.where(right, terms, losses), ops.where(right, between, slopes)

        def gradient(*arguments, upstream=None):  # which PyTorch's backend gives by name, after the arguments
            return (arguments[0] if upstream is None else upstream)[..., None] * slopes

        return ops.sum(losses, axis=-1), gradient

    return sums(logits)


def _focal_between(logits, wanted, gamma, alpha):
    """Cross-entropy times `focal_weight` where anything from 0 to 1 is wanted, and the derivative."""
    entropy = ops.softplus(logits) - wanted * logits
    error = ops.sigmoid(logits) - wanted
    share, size = focal_weight(logits, wanted, 0, alpha), ops.maximum(ops.abs(error), LEAST)
    slope = gamma * size ** (gamma - 1) * ops.sign(error) * ops.sigmoid(logits) * ops.sigmoid(-logits)
    return share * size**gamma * entropy, share * (size**gamma * error + slope * entropy)


def softmax_divergence(logits, taught, temperature):
    """See `trizoo.families.base.distillation.softmax_divergence`: (..., C), (..., C) -> (...)."""
    truth, logs = ops.log_softmax(taught / temperature, axis=-1), ops.log_softmax(logits / temperature, axis=-1)
    return temperature**2 * ops.sum(ops.exp(truth) * (truth - logs), axis=-1)


def sigmoid_divergence(logits, taught):
    """See `trizoo.families.base.distillation.sigmoid_divergence`: (...), (...) -> (...)."""
    truth = ops.sigmoid(taught)
    entropies = [ops.binary_crossentropy(truth, of, from_logits=True) for of in (logits, taught)]
    return entropies[0] - entropies[1]


def overlap(a, b, kind="iou"):
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...); see `trizoo.ground.boxes`.

    Args:
        kind: "iou", "giou", "diou", "ciou", "siou" or "eiou"
    """
    sides = ops.maximum(ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2]), 0)
    wh_a, wh_b = ops.maximum(a[..., 2:] - a[..., :2], 0), ops.maximum(b[..., 2:] - b[..., :2], 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = wh_a[..., 0] * wh_a[..., 1] + wh_b[..., 0] * wh_b[..., 1] - intersection
    iou = intersection / ops.maximum(union, _TINY)
    if kind == "iou":
        return iou
    hull = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull_area = hull[..., 0] * hull[..., 1]
        return iou - (hull_area - union) / ops.maximum(hull_area, _TINY)
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    if kind == "siou":
        return iou - shape_and_distance_cost(wh_a, wh_b, offset, hull)
    diou = iou - ops.sum(offset**2, axis=-1) / ops.maximum(ops.sum(hull**2, axis=-1), _TINY)
    if kind == "diou":
        return diou
    if kind == "eiou":
        return diou - ops.sum(((wh_a - wh_b) / ops.maximum(hull, LEAST_SIDE)) ** 2, axis=-1)
    wh_a, wh_b = ops.maximum(wh_a, LEAST_SIDE), ops.maximum(wh_b, LEAST_SIDE)
    angle = ops.arctan2(wh_a[..., 0], wh_a[..., 1]) - ops.arctan2(wh_b[..., 0], wh_b[..., 1])
    v = 4 / math.pi**2 * angle**2
    trade_off = ops.stop_gradient(v / ops.maximum(1 - iou + v, _TINY))
    return diou - trade_off * v


def shape_and_distance_cost(wh_a, wh_b, offset, hull):
    """SIoU's two costs: four of (..., 2) -> (...); see `trizoo.ground.boxes.shape_and_distance_cost`.

    Args:
        wh_a, wh_b: the boxes' sides
        offset: from centre to centre
        hull: sides of the smallest box around both
    """
    angle = 2 * ops.abs(offset[..., 0] * offset[..., 1]) / ops.maximum(ops.sum(offset**2, axis=-1), LEAST_SIDE**2)
    distance = 1 - ops.exp((angle - 2)[..., None] * (offset / ops.maximum(hull, LEAST_SIDE)) ** 2)
    wh_a, wh_b = ops.maximum(wh_a, LEAST_SIDE), ops.maximum(wh_b, LEAST_SIDE)
    shape = (1 - ops.exp(-ops.abs(wh_a - wh_b) / ops.maximum(wh_a, wh_b))) ** SHAPE_POWER
    return ops.sum(distance + shape, axis=-1) / 2


def smooth_l1(errors, beta):
    """Smooth L1, element by element: (...) -> (...); see `trizoo.families.anchored.reference.smooth_l1`.

    Args:
        beta: up to which error it is quadratic
    """
    size = ops.abs(errors)
    if beta == 0:
        return size
    curved = ops.minimum(size, beta)  # what would square an enormous error has no finite gradient
    return curved * (size - curved / 2) / beta
