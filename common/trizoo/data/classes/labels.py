"""The classes of images as arrays: a class id each, or which of all classes each has."""

import numpy as np


def labels_of(label):
    """The class ids of an image, as `ClassIndex.labels` has them: a list of int."""
    return np.flatnonzero(label).tolist() if label.ndim else [int(label)]


def count_labels(labels, number):
    """How many images are of each of so many classes: int (R,), or bool (R, C) -> int64 (C,)."""
    return labels.sum(axis=0) if labels.ndim > 1 else np.bincount(labels, minlength=number)
