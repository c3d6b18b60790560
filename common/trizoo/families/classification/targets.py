"""Classification targets: each image's class, and what the loss is divided by."""

import numpy as np


def assign(labels, num_classes, class_weights=None):
    """Targets of a batch, from each image's class id.

    Args:
        labels: an int an image
        class_weights: a number a class, or None: all 1

    Returns:
        classes: int32 (B,)
        normaliser: float32 (), sum of the weights of the images' classes, or 1 where that is 0

    Raises:
        ValueError: for an image without a class, and for an id that is none
    """
    classes = class_ids(labels, num_classes)
    weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights, np.float64)
    return {"classes": classes, "normaliser": np.float32(weights[classes].sum() or 1.0)}


def class_ids(labels, num_classes):
    """Each image's class id: int32 (B,). Raises ValueError for an image without a class, and for an id that is none."""
    missing = sum(label is None for label in labels)
    if missing:
        raise ValueError(f"{missing} of {len(labels)} images have no class; one each is needed")
    classes = np.array(labels, np.int32)
    wrong = classes[(classes < 0) | (classes >= num_classes)]
    if len(wrong):
        raise ValueError(f"an image's class is {wrong[0]}; 0 to {num_classes - 1} are the classes")
    return classes
