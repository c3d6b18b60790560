"""The reference loss of multi-label classification in NumPy float64, with gradients: the arbiter for the three.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.base.terms import binary_cross_entropy, sigmoid


def multilabel_loss(outputs, targets, options):
    """The loss of a batch: a tuple of logits (B, C) alone -> {term: float}.

    Terms:
        cross_entropy  sum over images and classes of the cross-entropy of sigmoid(logits), times the class's weight,
                       divided by `normaliser`; with label_smoothing e a class learns 1 - e/2 instead of 1 and e/2
                       instead of 0 (Szegedy et al. 2016, section 7, of two answers)
        loss           the same

    Args:
        targets: of `trizoo.families.multilabel.targets.assign`
        options: the recipe's loss section

    Raises:
        ValueError: where logits don't match the classes
    """
    terms, _ = _evaluate(outputs, targets, options)
    return terms


def multilabel_loss_gradients(outputs, targets, options):
    """Gradient of `multilabel_loss` with respect to the logits: a list of one, float64 (B, C).

    The arguments are those of `multilabel_loss`.
    """
    _, gradient = _evaluate(outputs, targets, options)
    return [gradient]


def _evaluate(outputs, targets, options):
    (logits,), shares = (np.asarray(output, np.float64) for output in outputs), targets["shares"].astype(np.float64)
    if logits.shape != shares.shape:
        raise ValueError(f"logits have shape {logits.shape}; {shares.shape} is needed")
    truth = (1 - options.label_smoothing) * shares + options.label_smoothing / 2
    weights = np.ones(logits.shape[1]) if options.class_weights is None else np.array(options.class_weights)
    weights = weights / float(targets["normaliser"])
    loss = float((weights * binary_cross_entropy(logits, truth)).sum())
    return {"loss": loss, "cross_entropy": loss}, weights * (sigmoid(logits) - truth)
