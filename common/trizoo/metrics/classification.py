"""How well whole images are classified: shares of right answers, the confusion matrix, calibration.

Images are added one after the other; of each a few numbers are kept, so that a data set of any length fits.
"""

import numpy as np

from trizoo.ground.text import plain
from trizoo.metrics.shares import mean, ratio

TOP = 5  # of top-5
BINS = 15  # of confidence, Guo et al. 2017, section 4


class ClassificationMetrics:
    """What `add` has been given so far.

    Args:
        class_names: in the order of the class ids

    Attributes:
        matrix: int64 (C, C), images of true class (row) and predicted class (column)
    """

    def __init__(self, class_names):
        self.class_names = tuple(class_names)
        self.matrix = np.zeros((len(self.class_names),) * 2, np.int64)
        self._rows = []

    def add(self, probabilities, label):
        """Counts one image: float (C,) that add up to 1, and its true class id.

        The predicted class is the likeliest, of equal ones the first. Raises ValueError for another length and for a
        label that is no class.
        """
        if probabilities.shape != (len(self.class_names),):
            raise ValueError(f"probabilities have shape {probabilities.shape}; ({len(self.class_names)},) is needed")
        if not 0 <= label < len(self.class_names):
            raise ValueError(f"the label is {label}; 0 to {len(self.class_names) - 1} are the classes")
        found, of_truth = int(probabilities.argmax()), probabilities[label]
        rank = (probabilities > of_truth).sum() + (probabilities[:label] == of_truth).sum()
        self.matrix[label, found] += 1
        self._rows.append((found, label, rank, probabilities[found], of_truth))

    def measure(self):
        """Arrays and numbers, by name.

        Returns:
            class_names, matrix: as above
            top1, top5: shares of images whose class is the likeliest, or among the five likeliest
            calibration_error: mean over images of how far a bin's mean confidence lies from its share of right answers,
                in BINS bins of equal width (expected calibration error, Naeini et al. 2015)
            per_class: {"F1", "precision", "recall": float64 (C,), nan where it isn't defined}
            bins: {"images", "confidence", "accuracy"}: of each bin its images and its means, nan where it has none
            predicted, confidence, of_truth: of each image the predicted class, its probability, the true class's

        Without an image shares are nan.
        """
        table = np.array(self._rows, np.float64).reshape(-1, 5)
        found, labels, ranks, confidence, of_truth = table.T
        right = found == labels
        hits, truths, predictions = np.diagonal(self.matrix), self.matrix.sum(axis=1), self.matrix.sum(axis=0)
        bin_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
        counts = np.bincount(bin_of, minlength=BINS)
        means = [ratio(np.bincount(bin_of, values, BINS), counts) for values in (confidence, right)]
        return {
            "class_names": self.class_names,
            "matrix": self.matrix,
            "top1": mean(right),
            "top5": mean(ranks < TOP),
            "calibration_error": ratio(np.nansum(counts * abs(means[0] - means[1])), len(table)),
            "per_class": {
                "F1": ratio(2 * hits, truths + predictions),
                "precision": ratio(hits, predictions),
                "recall": ratio(hits, truths),
            },
            "bins": {"images": counts, "confidence": means[0], "accuracy": means[1]},
            "predicted": found.astype(np.int64),
            "confidence": confidence,
            "of_truth": of_truth,
        }


def report(measures):
    """What `measure` gave, as plain values for JSON: None where something isn't defined.

    {"images", "top1", "top5", "mF1", "calibration_error", "per_class": {name: {"F1", "precision", "recall", "images",
    "predicted"}}, "confusion": {"labels", "matrix"}}; mF1 is the mean over the classes where F1 is defined.
    """
    names, matrix, per_class = measures["class_names"], measures["matrix"], measures["per_class"]
    columns = {**per_class, "images": matrix.sum(axis=1), "predicted": matrix.sum(axis=0)}
    defined = per_class["F1"][~np.isnan(per_class["F1"])]
    return plain(
        {
            "images": int(matrix.sum()),
            "top1": measures["top1"],
            "top5": measures["top5"],
            "mF1": mean(defined),
            "calibration_error": measures["calibration_error"],
            "per_class": {
                name: {column: values[label] for column, values in columns.items()} for label, name in enumerate(names)
            },
            "confusion": {"labels": list(names), "matrix": matrix},
        }
    )
