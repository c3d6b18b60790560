"""Batch padding: boxes and labels of a batch in a row, checked, and as one padded row an image."""

import numpy as np


def in_a_row(boxes, labels, num_classes):
    """Per image boxes (n, 4) and labels (n,) -> float32 (N, 4), int64 (N,), and how many each image has, int64 (B,).

    Raises ValueError where labels don't match boxes or classes.
    """
    counts = np.array([len(of_image) for of_image in boxes], dtype=np.int64)
    label_counts = [len(of_image) for of_image in labels]
    if counts.tolist() != label_counts:
        raise ValueError(f"images have {counts.tolist()} boxes and {label_counts} labels; as many of each are needed")
    flat_boxes = np.concatenate([np.zeros((0, 4), np.float32), *boxes]).astype(np.float32)
    flat_labels = np.concatenate([np.zeros(0, np.int64), *labels])
    least, greatest = flat_labels.min(initial=0), flat_labels.max(initial=0)
    if flat_labels.min(initial=0) < 0 or flat_labels.max(initial=0) >= num_classes:
        least, greatest = flat_labels.min(), flat_labels.max()
        raise ValueError(f"labels reach from {least} to {greatest}; 0 to {num_classes - 1} are the classes")
    return flat_boxes, flat_labels, counts


def padded_count(count, least=16):
    """The power of two, at least `least`, that a batch's boxes are padded to, and its positives."""
    return max(least, 1 << int(max(count, 1) - 1).bit_length())


def places(counts):
    """Of n things in a row, so many an image: the image of each, and its place there: (B,) -> two of int64 (n,)."""
    image = np.repeat(np.arange(len(counts)), counts)
    return image, np.arange(len(image)) - np.repeat(np.cumsum(counts) - counts, counts)


def padded(values, counts, filler=0):
    """Things in a row, so many an image, as one padded row an image: (n, ...), (B,) -> (B, padded, ...).

    Args:
        counts: how many an image has; the greatest makes the length, see `padded_count`
        filler: the value of what is padded
    """
    rows = np.full((len(counts), padded_count(counts.max(initial=0)), *values.shape[1:]), filler, values.dtype)
    rows[places(counts)] = values
    return rows
