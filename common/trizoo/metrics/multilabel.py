"""How well labels of whole images are found, of which an image may have any number: average precision, F1.

Images are added one after the other; of each a row of numbers is kept, one a class.
"""

import numpy as np

from trizoo.ground.text import plain
from trizoo.metrics.shares import mean, ratio

SCORE = 0.5  # from which on a label counts as found


class MultilabelMetrics:
    """What `add` has been given so far.

    Args:
        class_names: in the order of the class ids
        score: from which on a label counts as found
    """

    def __init__(self, class_names, score=SCORE):
        self.class_names, self.score = tuple(class_names), score
        self._probabilities, self._truths = [], []

    def add(self, probabilities, labels):
        """Counts one image: float (C,) in [0, 1], and the class ids of its labels.

        Raises ValueError for another length and for a label that is no class.
        """
        number = len(self.class_names)
        if probabilities.shape != (number,):
            raise ValueError(f"probabilities have shape {probabilities.shape}; ({number},) is needed")
        labels = np.asarray(labels, np.int64)
        wrong = labels[(labels < 0) | (labels >= number)]
        if len(wrong):
            raise ValueError(f"a label is {wrong[0]}; 0 to {number - 1} are the classes")
        truth = np.zeros(number, bool)
        truth[labels] = True
        self._probabilities.append(np.asarray(probabilities, np.float32))
        self._truths.append(truth)

    def measure(self):
        """Arrays and numbers, by name.

        Returns:
            class_names, score: as above
            per_class: {"AP", "F1", "precision", "recall": float64 (C,), nan where it isn't defined}; "images" and
                "predicted": int64 (C,), how many have the label, and of how many it was found. AP is the mean of the
                precision over the images that have the label, each at its own probability
            mAP, mF1: means over the classes where AP and F1 are defined
            F1: of all labels of all images together
            all_right: share of images of which just their labels were found
            probabilities, truths: float32 (N, C), bool (N, C)

        Without an image shares are nan.
        """
        number = len(self.class_names)
        scores = np.array(self._probabilities, np.float32).reshape(-1, number)
        truths = np.array(self._truths, bool).reshape(-1, number)
        found = scores >= np.float32(self.score)
        hits, images, predicted = ((found & truths).sum(axis=0), truths.sum(axis=0), found.sum(axis=0))
        precision = np.array([average_precision(*pair) for pair in zip(scores.T, truths.T, strict=True)], np.float64)
        per_class = {
            "AP": precision,
            "F1": ratio(2 * hits, images + predicted),
            "precision": ratio(hits, predicted),
            "recall": ratio(hits, images),
            "images": images,
            "predicted": predicted,
        }
        defined = {name: per_class[name][~np.isnan(per_class[name])] for name in ("AP", "F1")}
        return {
            "class_names": self.class_names,
            "score": self.score,
            "per_class": per_class,
            "mAP": mean(defined["AP"]),
            "mF1": mean(defined["F1"]),
            "F1": ratio(2 * hits.sum(), images.sum() + predicted.sum()),
            "all_right": mean((found == truths).all(axis=1)),
            "probabilities": scores,
            "truths": truths,
        }


def average_precision(scores, truth):
    """Mean of the precision at the score of each image that has the label: (N,), bool (N,) -> float in [0, 1].

    At a score all images count that have it or a higher one, so the order of equal ones doesn't matter; nan where no
    image has the label.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, right = scores[order], np.cumsum(truth[order])
    last = np.searchsorted(-ordered, -ordered, side="right") - 1  # of those with the same score
    precision = right[last] / (last + 1)
    return float(ratio(precision[truth[order]].sum(), truth.sum()))


def report(measures):
    """What `measure` gave, as plain values for JSON: None where something isn't defined.

    {"images", "mAP", "mF1", "F1", "all_right", "score", "per_class": {name: {"AP", "F1", "precision", "recall",
    "images", "predicted"}}}
    """
    return plain(
        {
            "images": len(measures["truths"]),
            **{name: measures[name] for name in ("mAP", "mF1", "F1", "all_right", "score")},
            "per_class": {
                name: {column: values[label] for column, values in measures["per_class"].items()}
                for label, name in enumerate(measures["class_names"])
            },
        }
    )
