"""Classification targets: each image's classes with their shares, and what the loss is divided by."""

import numpy as np


def assign(shares, num_classes, class_weights=None):
    """Targets of a batch, from the classes of each image.

    Args:
        shares: an image's {class id: its share}, see `trizoo.ground.sample.Sample`
        class_weights: a number a class, or None: all 1

    Returns:
        shares: float32 (B, C), 1 for each image's class; of a blended one its classes' shares, which add up to 1
        normaliser: float32 (), sum of the weights of the images' classes, by their shares, or 1 where that is 0

    Raises:
        ValueError: for an image without a class, and for an id that is none
    """
    table = share_table(shares, num_classes)
    weights = np.ones(num_classes) if class_weights is None else np.asarray(class_weights, np.float64)
    return {"shares": table, "normaliser": np.float32((table * weights).sum() or 1.0)}


def share_table(shares, num_classes):
    """An image's {class id: its share} each -> float32 (B, C); raises ValueError as `assign` does."""
    _check_given(shares)
    table = np.zeros((len(shares), num_classes), np.float32)
    for row, of_image in zip(table, shares, strict=True):
        row[class_ids([*of_image], num_classes)] = [*of_image.values()]
    return table


def class_ids(labels, num_classes):
    """Each image's class id: int32 (B,). Raises ValueError for an image without a class, and for an id that is none."""
    _check_given(labels)
    classes = np.array(labels, np.int32)
    wrong = classes[(classes < 0) | (classes >= num_classes)]
    if len(wrong):
        raise ValueError(f"an image's class is {wrong[0]}; 0 to {num_classes - 1} are the classes")
    return classes


def _check_given(labels):
    missing = sum(label is None for label in labels)
    if missing:
        raise ValueError(f"{missing} of {len(labels)} images have no class; one each is needed")
