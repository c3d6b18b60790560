"""The reference loss of segmentation in NumPy float64, with gradients: the arbiter for the three implementations.

Plain and slow on purpose, as `trizoo.families.yolo.reference`.
"""

import numpy as np

from trizoo.families.base.terms import log_softmax, power
from trizoo.ground.conventions import IGNORE


def segmentation_loss(outputs, targets, options):
    """The loss of a batch: a tuple of logits (B, H, W, C) alone -> {term: float}.

    Pixels of 255 count nowhere.

    Terms, each already multiplied by its gain:
        cross_entropy  sum over pixels of softmax cross-entropy, times the weight of the pixel's class, times
                       (1 - its probability)^focal_gamma (Lin et al. 2017), divided by `normaliser`
        dice           sum over images of the mean over classes of 1 - (2 I + 1) / (P + T + 1): P and T are sums over
                       pixels of the class's probability and of 1 where it is, I of their product (Milletari et al.
                       2016, without its squares, smoothed by 1); divided by `num_images`. A class that is neither there
                       nor found adds 0
        loss           their sum

    Args:
        targets: of `trizoo.families.segmentation.targets.assign`
        options: the recipe's loss section

    Raises:
        ValueError: where logits don't match the masks
    """
    terms, _ = _evaluate(outputs, targets, options)
    return terms


def segmentation_loss_gradients(outputs, targets, options):
    """Gradient of `segmentation_loss`'s sum with respect to the logits: a list of one, float64 (B, H, W, C).

    The arguments are those of `segmentation_loss`.
    """
    _, gradient = _evaluate(outputs, targets, options)
    return [gradient]


def _evaluate(outputs, targets, options):
    (logits,), masks = (np.asarray(output, np.float64) for output in outputs), targets["masks"]
    if logits.ndim != 4 or logits.shape[:3] != masks.shape:
        raise ValueError(f"logits have shape {logits.shape}; the masks need {masks.shape} and classes")
    num_classes, counted = logits.shape[-1], masks != IGNORE
    truth = np.eye(num_classes)[np.where(counted, masks, 0)] * counted[..., None]
    logs = log_softmax(logits)
    probabilities = np.exp(logs)

    weights = np.ones(num_classes) if options.class_weights is None else np.array(options.class_weights)
    weights = options.cross_entropy_gain / float(targets["normaliser"]) * (truth @ weights)
    entropy, right = -(truth * logs).sum(axis=-1), (truth * probabilities).sum(axis=-1)
    focal, focal_slope = power((probabilities * (1 - truth)).sum(axis=-1), options.focal_gamma)
    cross_entropy = (weights * focal * entropy).sum()
    # of the entropy by the logits: probabilities - truth; of 1 - the right one's probability: that times the latter
    gradient = (weights * (focal + focal_slope * entropy * right))[..., None] * (probabilities - truth)

    found, pixels = probabilities * counted[..., None], (1, 2)
    overlap = 2 * (found * truth).sum(axis=pixels) + 1  # (B, C)
    sums = found.sum(axis=pixels) + truth.sum(axis=pixels) + 1
    gain = options.dice_gain / num_classes / float(targets["num_images"])
    dice = gain * (1 - overlap / sums).sum()
    by_found = gain * (overlap / sums**2)[:, None, None] - gain * 2 * truth / sums[:, None, None]
    gradient += found * (by_found - (probabilities * by_found).sum(axis=-1, keepdims=True))

    terms = {"loss": cross_entropy + dice, "cross_entropy": cross_entropy, "dice": dice}
    return {name: float(value) for name, value in terms.items()}, gradient
