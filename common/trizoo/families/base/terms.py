"""What losses and decoding are made of, element by element, in NumPy."""

import numpy as np


def sigmoid(x):
    """1 / (1 + exp(-x)), in the input's dtype; below -80, where it is 2e-35, it stays so instead of overflowing."""
    return 1 / (1 + np.exp(-np.maximum(x, -80)))


def binary_cross_entropy(logits, targets):
    """Cross-entropy of sigmoid(logits) with targets in [0, 1], element by element, from logits."""
    return np.logaddexp(0, logits) - logits * targets


def focal_weight(logits, wanted, gamma, alpha):
    """What focal loss multiplies cross-entropy by, and its derivative: (...), (...) -> two of (...).

    The weight is |wanted - probability|^gamma: (1 - probability of the right answer)^gamma where 0 or 1 is wanted (Lin
    et al. 2017), and quality focal loss's between (Li et al. 2020, equation 5). It is times alpha for what is 1 and
    1 - alpha for what is 0, between in proportion; alpha None: times 1. With gamma 0 and no alpha it is 1 throughout.

    Args:
        wanted: 0 to 1
    """
    share = 1 if alpha is None else alpha * wanted + (1 - alpha) * (1 - wanted)
    probability = sigmoid(logits)
    weight, slope = power(np.abs(wanted - probability), gamma)
    return share * weight, share * slope * np.sign(probability - wanted) * probability * sigmoid(-logits)


def power(values, exponent):
    """values^exponent and its derivative, element by element; the latter is 0 where values are next to nothing."""
    powers, slopes = values**exponent, np.zeros_like(values)
    if exponent > 0:
        np.divide(exponent * powers, values, out=slopes, where=values > 1e-300)
    return powers, slopes


def by_class(class_weights, labels, positive):
    """What the class term of each prediction is multiplied by: (...), bool (...) -> float64 (...).

    Args:
        class_weights: a number a class, None = all 1
        labels: class ids; any where a prediction has no box, which counts once
    """
    if class_weights is None:
        return np.ones(labels.shape)
    return np.where(positive, np.asarray(class_weights, np.float64)[labels], 1.0)


def log_softmax(logits):
    """Log of the softmax over the last axis: (..., K) -> (..., K)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
