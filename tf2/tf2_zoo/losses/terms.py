"""What the losses are made of, element by element; the references: `trizoo.families.base`, `trizoo.ground`."""

import math

import numpy as np
import tensorflow as tf

from trizoo.ground.boxes import LEAST_SIDE, SHAPE_POWER

LEAST = 1e-30  # of a probability that is raised to a power: at 0 a root has no slope


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
    return weight * tf.maximum(tf.abs(wanted - tf.sigmoid(logits)), LEAST) ** gamma


def focal_entropy(entropy, gamma):
    """Softmax cross-entropy times (1 - the right class's probability)^gamma: (...) -> (...)."""
    if gamma == 0:
        return entropy
    return entropy * tf.maximum(-tf.math.expm1(-entropy), LEAST) ** gamma


def by_class(losses, labels, class_weights):
    """Losses times the weight of their box's class: (...), (...) -> (...).

    Args:
        labels: class ids, -1 for no box, which counts once
        class_weights: a number a class, None = all 1
    """
    if class_weights is None:
        return losses
    weights = tf.gather(tf.constant(class_weights, tf.float32), tf.maximum(labels, 0))
    return losses * tf.where(labels >= 0, weights, 1.0)


def focal_loss(logits, labels, wanted, gamma, alpha):
    """Cross-entropy times `focal_weight`, summed over classes: (B, N, C), (B, N) -> (B, N).

    Its gradient is written out, since what automatic differentiation would keep for it is several times the logits.

    Args:
        labels: class ids from 0, -1 for no class
        wanted: of the own class, (B, N), without one any; None = 1
        gamma, alpha: see `focal_weight`
    """

    @tf.custom_gradient
    def sums(logits):
        right = labels[..., None] == tf.range(logits.shape[-1])  # (B, N, C)
        sign = tf.where(right, -1.0, 1.0)
        entropy, probability = tf.nn.softplus(sign * logits), tf.sigmoid(sign * logits)
        weight = probability**gamma
        if alpha is not None:
            weight = weight * tf.where(right, alpha, 1 - alpha)
        losses, slopes = weight * entropy, sign * weight * (probability + gamma * (1 - probability) * entropy)
        if wanted is not None:
            terms, between = _focal_between(logits, wanted[..., None], gamma, alpha)
            losses, slopes = tf.where(right, terms, losses), tf.where(right, between, slopes)
        return tf.reduce_sum(losses, axis=-1), lambda upstream: upstream[..., None] * slopes

    return sums(logits)


def _focal_between(logits, wanted, gamma, alpha):
    """Cross-entropy times `focal_weight` where anything from 0 to 1 is wanted, and the derivative."""
    entropy = tf.nn.softplus(logits) - wanted * logits
    error = tf.sigmoid(logits) - wanted
    share, size = focal_weight(logits, wanted, 0, alpha), tf.maximum(tf.abs(error), LEAST)
    slope = gamma * size ** (gamma - 1) * tf.sign(error) * tf.sigmoid(logits) * tf.sigmoid(-logits)
    return share * size**gamma * entropy, share * (size**gamma * error + slope * entropy)


def softmax_divergence(logits, taught, temperature):
    """See `trizoo.families.base.distillation.softmax_divergence`: (..., C), (..., C) -> (...)."""
    truth, logs = tf.nn.log_softmax(taught / temperature), tf.nn.log_softmax(logits / temperature)
    return temperature**2 * tf.reduce_sum(tf.exp(truth) * (truth - logs), axis=-1)


def sigmoid_divergence(logits, taught):
    """See `trizoo.families.base.distillation.sigmoid_divergence`: (...), (...) -> (...)."""
    truth = tf.sigmoid(taught)
    entropies = [tf.nn.sigmoid_cross_entropy_with_logits(truth, of) for of in (logits, taught)]
    return entropies[0] - entropies[1]


def overlap(a, b, kind="iou"):
    """The IoU family, element by element: (..., 4), (..., 4) that broadcast -> (...); see `trizoo.ground.boxes`.

    Args:
        kind: "iou", "giou", "diou", "ciou", "siou" or "eiou"
    """
    sides = tf.maximum(tf.minimum(a[..., 2:], b[..., 2:]) - tf.maximum(a[..., :2], b[..., :2]), 0.0)
    wh_a, wh_b = tf.maximum(a[..., 2:] - a[..., :2], 0.0), tf.maximum(b[..., 2:] - b[..., :2], 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    union = wh_a[..., 0] * wh_a[..., 1] + wh_b[..., 0] * wh_b[..., 1] - intersection
    tiny = np.finfo(np.float32).tiny
    iou = intersection / tf.maximum(union, tiny)
    if kind == "iou":
        return iou
    hull = tf.maximum(a[..., 2:], b[..., 2:]) - tf.minimum(a[..., :2], b[..., :2])
    if kind == "giou":
        hull_area = hull[..., 0] * hull[..., 1]
        return iou - (hull_area - union) / tf.maximum(hull_area, tiny)
    offset = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    if kind == "siou":
        return iou - shape_and_distance_cost(wh_a, wh_b, offset, hull)
    diou = iou - tf.reduce_sum(offset**2, -1) / tf.maximum(tf.reduce_sum(hull**2, -1), tiny)
    if kind == "diou":
        return diou
    if kind == "eiou":
        return diou - tf.reduce_sum(((wh_a - wh_b) / tf.maximum(hull, LEAST_SIDE)) ** 2, -1)
    wh_a, wh_b = tf.maximum(wh_a, LEAST_SIDE), tf.maximum(wh_b, LEAST_SIDE)
    angle = tf.atan2(wh_a[..., 0], wh_a[..., 1]) - tf.atan2(wh_b[..., 0], wh_b[..., 1])
    v = 4 / math.pi**2 * angle**2
    trade_off = tf.stop_gradient(v / tf.maximum(1 - iou + v, tiny))
    return diou - trade_off * v


def shape_and_distance_cost(wh_a, wh_b, offset, hull):
    """SIoU's two costs: four of (..., 2) -> (...); see `trizoo.ground.boxes.shape_and_distance_cost`.

    Args:
        wh_a, wh_b: the boxes' sides
        offset: from centre to centre
        hull: sides of the smallest box around both
    """
    angle = 2 * tf.abs(offset[..., 0] * offset[..., 1]) / tf.maximum(tf.reduce_sum(offset**2, -1), LEAST_SIDE**2)
    distance = 1 - tf.exp((angle - 2)[..., None] * (offset / tf.maximum(hull, LEAST_SIDE)) ** 2)
    wh_a, wh_b = tf.maximum(wh_a, LEAST_SIDE), tf.maximum(wh_b, LEAST_SIDE)
    shape = (1 - tf.exp(-tf.abs(wh_a - wh_b) / tf.maximum(wh_a, wh_b))) ** SHAPE_POWER
    return tf.reduce_sum(distance + shape, -1) / 2


def smooth_l1(errors, beta):
    """Smooth L1, element by element: (...) -> (...); see `trizoo.families.anchored.reference.smooth_l1`.

    Args:
        beta: up to which error it is quadratic
    """
    size = tf.abs(errors)
    if beta == 0:
        return size
    curved = tf.minimum(size, beta)  # what would square an enormous error has no finite gradient
    return curved * (size - curved / 2) / beta
