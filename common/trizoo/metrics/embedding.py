"""How well vectors tell classes apart: each image is looked for among all others, by the cosine.

Classes needn't be those that a model was trained on. Vectors are kept, everything else is made of them in blocks.
"""

import numpy as np

from trizoo.ground.text import plain
from trizoo.metrics.shares import mean, ratio

FEW = 5  # of recall_at_5
KEPT, FEWEST = 0.95, 20  # of best_threshold: share of similarities within a class, and how few say nothing of it
_DECIMALS = 4  # of a threshold
_BLOCK = 1 << 24  # similarities at once


class EmbeddingMetrics:
    """What `add` has been given so far.

    Args:
        class_names: in the order of the class ids
    """

    def __init__(self, class_names):
        self.class_names = tuple(class_names)
        self._vectors, self._labels = [], []

    def add(self, vector, label):
        """One image: float (D,) of length 1, and its class id.

        Raises ValueError for a vector of another shape than the first, and for a label that is no class.
        """
        if vector.ndim != 1 or (self._vectors and vector.shape != self._vectors[0].shape):
            raise ValueError(f"the vector has shape {vector.shape}; (D,), as that of the first, is needed")
        if not 0 <= label < len(self.class_names):
            raise ValueError(f"the label is {label}; 0 to {len(self.class_names) - 1} are the classes")
        self._vectors.append(np.asarray(vector, np.float32))
        self._labels.append(label)

    def measure(self):
        """Arrays and numbers, by name; of images that have another one of their class, which alone are looked for.

        Returns:
            class_names: as above
            recall_at_1, recall_at_5: shares of them of whose class the most similar other image is, or one of the five
            map_at_r: mean over them of the mean over R ranks of the precision there where the image at that rank is of
                their class, else 0; R is how many others their class has (Musgrave et al. 2020, section 3.2)
            threshold, kept, refused: `best_threshold` of the nearest of one's class and of the nearest of another
            per_class: {"recall_at_1", "map_at_r": float64 (C,), nan where no image is looked for, "images": int64 (C,)}
            labels: int64 (N,), of all images
            nearest: int64 (N,), the most similar other image of each
            of_same, of_other: float64 (N,), the greatest similarity to one's class and to others, nan where there is
                none

        Without an image that is looked for shares are nan.
        """
        labels = np.array(self._labels, np.int64)
        vectors = np.stack(self._vectors) if self._vectors else np.zeros((0, 1), np.float32)
        sizes = np.bincount(labels, minlength=len(self.class_names))
        found = {name: np.full(len(labels), np.nan) for name in ("first", "few", "map", "of_same", "of_other")}
        nearest = np.zeros(len(labels), np.int64)
        rows = max(1, _BLOCK // max(1, len(labels)))
        for first in range(0, len(labels), rows):
            block = np.arange(first, min(first + rows, len(labels)))
            part = _look(vectors, labels, sizes, block)
            nearest[block] = part.pop("nearest")
            for name, values in part.items():
                found[name][block] = values
        asked = sizes[labels] > 1
        both = asked & (sizes[labels] < len(labels))
        threshold, kept, refused = best_threshold(found["of_same"][both], found["of_other"][both])
        counts = np.bincount(labels[asked], minlength=len(self.class_names))
        per_class = {
            name: ratio(np.bincount(labels[asked], found[key][asked], len(self.class_names)), counts)
            for name, key in (("recall_at_1", "first"), ("map_at_r", "map"))
        }
        return {
            "class_names": self.class_names,
            "recall_at_1": mean(found["first"][asked]),
            "recall_at_5": mean(found["few"][asked]),
            "map_at_r": mean(found["map"][asked]),
            "threshold": threshold,
            "kept": kept,
            "refused": refused,
            "per_class": per_class | {"images": sizes},
            "labels": labels,
            "nearest": nearest,
            "of_same": found["of_same"],
            "of_other": found["of_other"],
        }


def best_threshold(of_same, of_other):
    """The similarity that best tells pairs of one class from pairs of two, and the shares on the right side of it.

    It is the middle of the widest gap between two similarities of those at which the product of the two shares is the
    greatest: neither is bought with all of the other. Classes that nobody has seen may be more alike than these are, so
    it is raised to what 95 in 100 of `of_same` reach, of which there have to be twenty (that rate of true positives is
    the one at which methods for unknown classes are compared: Liang et al. 2018).

    Args:
        of_same, of_other: float (N,), (M,), from -1 to 1; -inf of what is wrong at any threshold

    Returns:
        threshold: four decimals; nan without both, and where every threshold has none of the one or of the other
        kept: share of `of_same` that is as high or higher
        refused: share of `of_other` that is lower
    """
    if not len(of_same) or not len(of_other):
        return np.nan, np.nan, np.nan
    values = np.unique(np.concatenate([of_same, of_other]))
    values = values[np.isfinite(values)]
    gaps = np.stack([np.concatenate([[-1.0], values]), np.concatenate([values, [1.0]])])
    cuts = gaps.mean(0)
    kept = 1 - np.searchsorted(np.sort(of_same), cuts) / len(of_same)
    refused = np.searchsorted(np.sort(of_other), cuts) / len(of_other)
    products = np.round(kept * refused, 9)
    if not products.max() > 0:
        return np.nan, np.nan, np.nan
    best = np.flatnonzero(products == products.max())
    threshold = round(float(cuts[best[np.argmax((gaps[1] - gaps[0])[best])]]), _DECIMALS)
    if len(of_same) >= FEWEST:
        reached = float(np.quantile(of_same, 1 - KEPT, method="lower"))
        threshold = max(threshold, round(reached - 0.5 * 10**-_DECIMALS, _DECIMALS))  # downwards: the pair stays above
    return threshold, float(np.mean(of_same >= threshold)), float(np.mean(of_other < threshold))


def report(measures):
    """What `measure` gave, as plain values for JSON: None where something isn't defined.

    {"images", "recall_at_1", "recall_at_5", "map_at_r", "threshold", "kept", "refused", "per_class": {name:
    {"recall_at_1", "map_at_r", "images"}}}
    """
    shares = ("recall_at_1", "recall_at_5", "map_at_r", "threshold", "kept", "refused")
    return plain(
        {
            "images": len(measures["labels"]),
            **{name: measures[name] for name in shares},
            "per_class": {
                name: {column: values[label] for column, values in measures["per_class"].items()}
                for label, name in enumerate(measures["class_names"])
            },
        }
    )


def _look(vectors, labels, sizes, block):
    """Of some images what `measure` needs: {name: array}."""
    rows = np.arange(len(block))
    similar = vectors[block] @ vectors.T
    similar[rows, block] = -np.inf  # itself
    same = labels[block][:, None] == labels
    depth = min(len(labels) - 1, max(FEW, int(sizes[labels[block]].max()) - 1))
    if not depth:
        nothing = np.full(len(block), np.nan)
        return dict.fromkeys(("first", "few", "map", "of_same", "of_other"), nothing) | {"nearest": block}
    if depth < len(labels) // 4:
        chosen = np.sort(np.argpartition(-similar, depth - 1, axis=1)[:, :depth], axis=1)
    else:
        chosen = np.broadcast_to(np.arange(len(labels)), similar.shape)
    order = np.argsort(-np.take_along_axis(similar, chosen, axis=1), axis=1, kind="stable")[:, :depth]
    ranked = np.take_along_axis(chosen, order, axis=1)
    right = labels[ranked] == labels[block][:, None]
    others = sizes[labels[block]] - 1
    counted = right & (np.arange(depth) < others[:, None])
    precision = counted.cumsum(axis=1) / np.arange(1, depth + 1)
    return {
        "nearest": ranked[:, 0],
        "first": right[:, 0],
        "few": right[:, :FEW].any(axis=1),
        "map": ratio((precision * counted).sum(axis=1), others),
        "of_same": _finite(np.where(same, similar, -np.inf).max(axis=1)),
        "of_other": _finite(np.where(same, -np.inf, similar).max(axis=1)),
    }


def _finite(values):
    """nan where there is no pair."""
    return np.where(np.isneginf(values), np.nan, values.astype(np.float64))
