"""Embedding targets: each image's class, and what the loss is divided by."""

import numpy as np

from trizoo.families.classification.targets import class_ids


def assign(labels, num_classes, pairs=True):
    """Targets of a batch, from each image's class id.

    Args:
        labels: an int an image
        pairs: whether the loss is of pairs of images, so that those alone count that have one of their own class and
            one of another

    Returns:
        classes: int32 (B,)
        normaliser: float32 (), how many images count, at least 1

    Raises:
        ValueError: for an image without a class, and for an id that is none
    """
    classes = class_ids(labels, num_classes)
    counted = paired(classes).sum() if pairs else len(classes)
    return {"classes": classes, "normaliser": np.float32(max(1, counted))}


def paired(classes):
    """Whether an image has another one of its class and one of another class in the batch: int (B,) -> bool (B,)."""
    alike = (classes[:, None] == classes).sum(axis=1)
    return (alike > 1) & (alike < len(classes))
