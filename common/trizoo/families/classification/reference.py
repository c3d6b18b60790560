"""The reference loss of classification in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.base.terms import log_softmax


def classification_loss(outputs, targets, options):
    """The loss of a batch: a tuple of logits (B, C) alone -> {term: float}.

    Terms:
        cross_entropy  sum over images of softmax cross-entropy with 1 - label_smoothing for the image's class and
                       label_smoothing shared out alike among all C classes (Szegedy et al. 2016, section 7), times the
                       weight of the image's class, divided by `normaliser`; of a blended image the sum of that of each
                       of its classes times its share (Zhang et al. 2018)
        loss           the same

    Args:
        targets: of `trizoo.families.classification.targets.assign`
        options: the recipe's loss section

    Raises:
        ValueError: where logits don't match the classes
    """
    terms, _ = _evaluate(outputs, targets, options)
    return terms


def classification_loss_gradients(outputs, targets, options):
    """Gradient of `classification_loss` with respect to the logits: a list of one, float64 (B, C).

    The arguments are those of `classification_loss`.
    """
    _, gradient = _evaluate(outputs, targets, options)
    return [gradient]


def _evaluate(outputs, targets, options):
    (logits,), shares = (np.asarray(output, np.float64) for output in outputs), targets["shares"].astype(np.float64)
    if logits.shape != shares.shape:
        raise ValueError(f"logits have shape {logits.shape}; {shares.shape} is needed")
    num_classes, smoothing = logits.shape[1], options.label_smoothing
    weights = np.ones(num_classes) if options.class_weights is None else np.array(options.class_weights)
    logs, loss, gradient = log_softmax(logits), 0.0, np.zeros_like(logits)
    for label, one in enumerate(np.eye(num_classes)):
        truth = (1 - smoothing) * one + smoothing / num_classes
        counts = shares[:, label] * weights[label] / float(targets["normaliser"])  # (B,)
        loss += float((counts * -(truth * logs).sum(axis=1)).sum())
        gradient += counts[:, None] * (np.exp(logs) - truth)
    return {"loss": loss, "cross_entropy": loss}, gradient
