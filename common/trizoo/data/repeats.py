"""How often images with rare classes come, by repeat factors (Gupta et al. 2019, LVIS, section 5)."""

import math
from collections import Counter

import numpy as np

from trizoo.data.images import in_threads


def repeat_factors(label_sets, rare_below):
    """How often each image comes for one of common classes alone: float64 (N,), 1 or more.

    A class in the share f of the images has max(1, sqrt(rare_below / f)), an image the most of its classes'.

    Args:
        label_sets: N sets of class ids, those that the images hold
        rare_below: the share of images below which a class is rare
    """
    held = Counter(label for labels in label_sets for label in labels)
    factors = {label: max(1.0, math.sqrt(rare_below * len(label_sets) / count)) for label, count in held.items()}
    return np.array([max((factors[label] for label in labels), default=1.0) for labels in label_sets])


def image_repeats(source, places, rare_below):
    """The `repeat_factors` of some of a data set's images, None where every one is 1.

    Args:
        source: a `trizoo.data.boxes.dataset.BoxSet` or a `trizoo.data.masks.dataset.MaskSet`, whose masks are read
    """
    factors = repeat_factors(in_threads(source.labels_in, places), rare_below) if rare_below else np.ones(1)
    return None if (factors == 1).all() else factors
