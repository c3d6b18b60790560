"""The reference losses of embeddings in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.base.terms import log_softmax, sigmoid
from trizoo.families.embedding.spec import LEAST_SQUARE
from trizoo.families.embedding.targets import paired


def embedding_loss(outputs, targets, options):
    """The loss of a batch: vectors (B, D) of length 1 and their cosines with each class's centre (B, C) -> terms.

    Terms:
        embedding  a sum over images, divided by `normaliser`; by the section's `name`:
                   arcface  softmax cross-entropy of `scale` times the cosines, of which the right class's is that of
                            its angle plus `margin` (Deng et al. 2019, equation 3); beyond pi it goes on as a line of
                            the cosine, less margin sin(margin)
                   triplet  max(0, d(a, p) - d(a, n) + margin) with the farthest p of the image's class and the nearest
                            n of another, d the Euclidean distance (Hermans et al. 2017, equation 5)
                   circle   softplus of the sum of two log-sum-exps over the image's pairs: of scale a_n (s_n - margin)
                            over others' cosines s_n, of -scale a_p (s_p - 1 + margin) over its class's s_p; with
                            a_n = max(0, s_n + margin) and a_p = max(0, 1 + margin - s_p), which have no gradient
                            (Sun et al. 2020, equations 6 to 8)
        loss       the same

    Args:
        targets: of `trizoo.families.embedding.targets.assign`
        options: the recipe's loss section
    """
    terms, _ = _evaluate(outputs, targets, options)
    return terms


def embedding_loss_gradients(outputs, targets, options):
    """Gradients of `embedding_loss` with respect to vectors and cosines: a list of float64 (B, D), (B, C).

    The arguments are those of `embedding_loss`.
    """
    _, gradients = _evaluate(outputs, targets, options)
    return gradients


def _evaluate(outputs, targets, options):
    vectors, cosines = (np.asarray(output, np.float64) for output in outputs)
    classes, normaliser = targets["classes"], float(targets["normaliser"])
    margin, scale = options.margin_and_scale
    if options.name == "arcface":
        loss, of_cosines = _arcface(cosines, classes, margin, scale)
        gradients = [np.zeros_like(vectors), of_cosines]
    else:
        pairs = vectors @ vectors.T
        if options.name == "triplet":
            loss, of_pairs = _triplet(pairs, classes, margin)
        else:
            loss, of_pairs = _circle(pairs, classes, margin, scale)
        gradients = [(of_pairs + of_pairs.T) @ vectors, np.zeros_like(cosines)]
    loss /= normaliser
    return {"loss": loss, "embedding": loss}, [gradient / normaliser for gradient in gradients]


def _arcface(cosines, classes, margin, scale):
    """Sum over images, and its gradient by the cosines."""
    rows = np.arange(len(classes))
    right = cosines[rows, classes]
    square = 1 - right**2
    sine = np.sqrt(np.maximum(square, LEAST_SQUARE))
    within = right > -np.cos(margin)
    moved = np.where(within, right * np.cos(margin) - sine * np.sin(margin), right - margin * np.sin(margin))
    slope = np.where(square > LEAST_SQUARE, np.cos(margin) + right / sine * np.sin(margin), np.cos(margin))
    logits = cosines.copy()
    logits[rows, classes] = moved
    logs = log_softmax(scale * logits)
    gradient = np.exp(logs)
    gradient[rows, classes] -= 1
    gradient *= scale
    gradient[rows, classes] *= np.where(within, slope, 1.0)
    return float(-logs[rows, classes].sum()), gradient


def _triplet(pairs, classes, margin):
    """Sum over images, and its gradient by the cosines of pairs (B, B)."""
    same, other = _kinds(classes)
    lengths = np.diag(pairs)
    squares = lengths[:, None] + lengths - 2 * pairs
    distances = np.sqrt(np.maximum(squares, LEAST_SQUARE))
    loss, gradient = 0.0, np.zeros_like(pairs)
    for row in np.flatnonzero(paired(classes)):
        far = np.where(same[row], distances[row], -np.inf).argmax()
        near = np.where(other[row], distances[row], np.inf).argmin()
        cost = distances[row, far] - distances[row, near] + margin
        if cost <= 0:
            continue
        loss += cost
        for column, sign in ((far, 1.0), (near, -1.0)):
            if squares[row, column] > LEAST_SQUARE:
                slope = sign / distances[row, column]
                gradient[row, column] -= slope
                gradient[row, row] += slope / 2
                gradient[column, column] += slope / 2
    return loss, gradient


def _circle(pairs, classes, margin, scale):
    """Sum over images, and its gradient by the cosines of pairs (B, B)."""
    same, other = _kinds(classes)
    of_same = -scale * np.maximum(0, 1 + margin - pairs)
    of_other = scale * np.maximum(0, pairs + margin)
    loss, gradient = 0.0, np.zeros_like(pairs)
    for row in np.flatnonzero(paired(classes)):
        positives, negatives = same[row], other[row]
        logs = of_same[row, positives] * (pairs[row, positives] - 1 + margin)
        others = of_other[row, negatives] * (pairs[row, negatives] - margin)
        total = np.logaddexp.reduce(logs) + np.logaddexp.reduce(others)
        loss += float(np.logaddexp(0, total))
        gradient[row, positives] = sigmoid(total) * np.exp(log_softmax(logs)) * of_same[row, positives]
        gradient[row, negatives] = sigmoid(total) * np.exp(log_softmax(others)) * of_other[row, negatives]
    return loss, gradient


def _kinds(classes):
    """Which pairs are two images of a class, and which of two classes: two bool (B, B)."""
    alike = classes[:, None] == classes
    return alike & ~np.eye(len(classes), dtype=bool), ~alike
