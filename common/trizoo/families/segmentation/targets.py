"""Segmentation targets: a class for every pixel, and what a loss is divided by."""

import numpy as np

from trizoo.augment.letterbox import in_one_size
from trizoo.ground.conventions import IGNORE


def assign(masks, size, num_classes, class_weights=None):
    """Targets of a batch at an input size (width, height), from each image's mask, uint8 (h, w) of at most that size.

    Args:
        masks: one an image
        size: (width, height)
        num_classes: the background among them
        class_weights: a number a class, or None: all 1

    Returns:
        masks: uint8 (B, H, W), class ids, 255 where nothing is learnt, as at the right and below smaller masks
        normaliser: float32 (), sum of the weights of the pixels that count, at least 1; cross-entropy is divided by it
        num_images: float32 (), B

    Raises:
        ValueError: for a missing mask, for one that is larger, for values that are no class, and for another number of
            weights
    """
    missing = sum(mask is None for mask in masks)
    if missing:
        raise ValueError(f"{missing} of {len(masks)} images have no mask; one each is needed")
    weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights, np.float64)
    if len(weights) != num_classes:
        raise ValueError(
            f"class_weights holds {len(weights)} numbers; one for each of the {num_classes} classes is needed"
        )
    height, width = (max(mask.shape[axis] for mask in masks) for axis in (0, 1))
    if width > size[0] or height > size[1]:
        raise ValueError(f"a mask has shape {(height, width)}, larger than the input's, {(size[1], size[0])}")
    batch = in_one_size(masks, IGNORE, size)
    counts = np.bincount(batch.ravel(), minlength=256)
    wrong = np.flatnonzero(counts[num_classes:IGNORE])
    if len(wrong):
        raise ValueError(
            f"a mask holds {num_classes + wrong[0]}; 0 to {num_classes - 1} are the classes, 255 is ignored"
        )
    return {
        "masks": batch,
        "normaliser": np.float32(max(1.0, counts[:num_classes] @ weights)),
        "num_images": np.float32(len(masks)),
    }
