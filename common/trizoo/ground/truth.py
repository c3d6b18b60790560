"""Boxes and labels that a program gives, checked, so that no loss is taken of what can't be learnt."""

import numpy as np


def as_truth(boxes, labels, size):
    """Boxes and labels of several images at one size as arrays: lists of float32 (N, 4) and int64 (N,).

    Args:
        boxes, labels: per image, as many as there are labels
        size: (width, height) of the images

    Raises:
        ValueError: for lists of another length, and for the first box that isn't finite, has no area or reaches out
    """
    if len(boxes) != len(labels):
        raise ValueError(
            f"boxes are of {len(boxes)} images and labels of {len(labels)}; one of each an image is needed"
        )
    checked = [_boxes(of_image, f"boxes[{number}]", size) for number, of_image in enumerate(boxes)]
    named = [_labels(of_image, f"labels[{number}]") for number, of_image in enumerate(labels)]
    for number, (some, others) in enumerate(zip(checked, named, strict=True)):
        if len(some) != len(others):
            raise ValueError(f"image {number} has {len(some)} boxes and {len(others)} labels; as many are needed")
    return checked, named


def _boxes(values, name, size):
    boxes = np.asarray(values, dtype=np.float32)
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} has the shape {boxes.shape}; (N, 4), xmin, ymin, xmax, ymax, is needed")
    low, high = boxes[:, :2], boxes[:, 2:]
    for wrong, needed in (
        (~np.isfinite(boxes), "finite numbers are needed"),
        (high <= low, "xmin < xmax and ymin < ymax are needed"),
        ((low < 0) | (high > size), f"it must lie in the {size[0]}x{size[1]} pixels of the input; clip it"),
    ):
        rows = np.flatnonzero(wrong.any(axis=1))
        if len(rows):
            raise ValueError(f"{name}[{rows[0]}] is {boxes[rows[0]].tolist()}; {needed}")
    return boxes


def _labels(values, name):
    labels = np.asarray(values)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise ValueError(f"{name} is {labels.dtype} {labels.shape}; whole numbers (N,), class ids from 0, are needed")
    return labels.astype(np.int64)
