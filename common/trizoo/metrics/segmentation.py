"""How well masks are predicted: everything that follows from the confusion matrix of pixels, and boundary IoU.

Images are added one after the other, each at its own size, so a data set of any length takes the memory of one image.
"""

import math

import numpy as np

from trizoo.ground.conventions import IGNORE
from trizoo.ground.text import plain
from trizoo.metrics.pool import mean_over_classes
from trizoo.metrics.shares import ratio

BOUNDARY_WIDTH = 0.02  # of the image's diagonal, Cheng et al. 2021, section 6
VALUES = 256  # of a uint8


class SegmentationMetrics:
    """What `add` has been given so far, as counts.

    Args:
        class_names: 1 to 255 different names, in the order of the class ids
        boundary: whether boundary IoU is measured too, which takes several times as long

    Attributes:
        matrix: int64 (C, C), pixels of true class (row) and predicted class (column)
        images: how many were added

    Raises:
        ValueError: for class names that don't do
    """

    def __init__(self, class_names, boundary=False):
        self.class_names = tuple(class_names)
        classes = len(self.class_names)
        twice = {name for name in self.class_names if self.class_names.count(name) > 1}
        if twice:
            raise ValueError(f"class_names holds {sorted(twice)[0]!r} more than once; different names are needed")
        if not 1 <= classes <= IGNORE:
            raise ValueError(f"class_names holds {classes} names; 1 to {IGNORE} are needed")
        self.boundary = boundary
        self.images = 0
        self.matrix = np.zeros((classes, classes), np.int64)
        self._boundary_counts = np.zeros((2, classes), np.int64)  # intersection, union

    def add(self, prediction, truth, image=None):
        """Counts one image: two uint8 (H, W) of class ids; 255 in the truth is ignored, with what is predicted there.

        A prediction has no 255, not even where the truth has it. -> the image's own matrix, int64 (C, C).

        Args:
            prediction: uint8 (H, W)
            truth: uint8 (H, W)
            image: its name in an error; without one it is the image's number, from 0

        Raises:
            ValueError: where the masks aren't uint8 (H, W) of one size or hold a value that is no class; nothing is
                counted
        """
        image = self.images if image is None else image
        for name, mask in (("prediction", prediction), ("truth", truth)):
            if mask.dtype != np.uint8 or mask.ndim != 2:
                raise ValueError(f"the {name} of image {image} is {mask.dtype} {mask.shape}; uint8 (H, W) is needed")
        if prediction.shape != truth.shape:
            raise ValueError(
                f"the prediction of image {image} has shape {prediction.shape}, its truth {truth.shape}; "
                "the same is needed"
            )
        classes = len(self.class_names)
        pixels = _pixels_of_each_pair(prediction, truth)
        self._check_values("prediction", image, pixels.sum(axis=0), "")
        self._check_values("truth", image, pixels.sum(axis=1)[:IGNORE], f", and {IGNORE} for pixels to ignore")
        matrix = pixels[:classes, :classes]
        self.matrix += matrix
        if self.boundary:
            self._boundary_counts += _boundary_counts(prediction, truth)[:, :classes]
        self.images += 1
        return matrix

    def measure(self):
        """Everything about the images added so far, as floats and arrays.

        -> {"mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU": floats in [0, 1];
        "boundary_mIoU": float, where it is measured; "class_names", "images", "pixels": int, without ignored ones;
        "per_class": {"IoU", "precision", "recall", "F1", and "boundary_IoU" where it is measured: float64 (C,);
        "truth_pixels", "predicted_pixels": int64 (C,)}; "matrix": int64 (C, C), rows = truth, columns = prediction}.

        Of all pixels of the data set at once, not a mean over images. A mean pixel accuracy is the mean of the
        recalls; frequency-weighted IoU weighs each class's IoU by its share of the true pixels (Long et al. 2015).
        What would be divided by 0 is nan and stays out of the means: IoU and F1 of a class that is neither in a truth
        nor in a prediction, precision of one that is never predicted, recall of one that is in no truth. So a class
        that is predicted and never true has IoU 0, and lowers the mean.

        Boundary IoU (Cheng et al. 2021) is the IoU of what each mask has within 2 % of the image's diagonal (rounded,
        at least 1 pixel) of its own contour, to which the image's border belongs. Ignored pixels are of no class in
        the prediction either, so that both masks end where they begin.
        """
        truth, predicted, common = self.matrix.sum(axis=1), self.matrix.sum(axis=0), np.diagonal(self.matrix)
        pixels = truth.sum()
        iou, recall = iou_of_classes(self.matrix), ratio(common, truth)
        per_class = {
            "IoU": iou,
            "precision": ratio(common, predicted),
            "recall": recall,
            "F1": ratio(2 * common, truth + predicted),
        }
        result = {
            "mIoU": mean_over_classes(iou),
            "mean_pixel_accuracy": mean_over_classes(recall),
            "pixel_accuracy": float(ratio(common.sum(), pixels)),
            "frequency_weighted_IoU": float(ratio((truth * np.nan_to_num(iou)).sum(), pixels)),
        }
        if self.boundary:
            per_class["boundary_IoU"] = ratio(*self._boundary_counts)
            result["boundary_mIoU"] = mean_over_classes(per_class["boundary_IoU"])
        per_class |= {"truth_pixels": truth, "predicted_pixels": predicted}
        return result | {
            "class_names": self.class_names,
            "images": self.images,
            "pixels": int(pixels),
            "per_class": per_class,
            "matrix": self.matrix.copy(),
        }

    def _check_values(self, name, image, pixels, allowed):
        """Raises ValueError where a value that is no class has pixels: int (V,)."""
        classes = len(self.class_names)
        wrong = classes + np.flatnonzero(pixels[classes:])
        if len(wrong):
            raise ValueError(
                f"the {name} of image {image} holds {wrong[0]} in {pixels[wrong[0]]} pixels; "
                f"with {classes} classes 0 to {classes - 1} would do{allowed}"
            )


def iou_of_classes(matrix):
    """Of pixels, rows = truth and columns = prediction: (C, C) -> float64 (C,), nan for a class that is in neither."""
    common = np.diagonal(matrix)
    return ratio(common, matrix.sum(axis=1) + matrix.sum(axis=0) - common)


def report(measures):
    """What `SegmentationMetrics.measure` gives, ready for `json.dumps(..., allow_nan=False)`, by name of class.

    -> as `measure`, but "per_class": {name: {"IoU", "precision", "recall", "F1", "truth_pixels", …}} and "confusion":
    {"labels": the class names, "matrix": rows = truth, columns = prediction}. What isn't defined is None.
    """
    columns, class_names = measures["per_class"], measures["class_names"]
    left_out = ("per_class", "class_names", "matrix")
    return plain(
        {name: value for name, value in measures.items() if name not in left_out}
        | {
            "per_class": {
                class_name: {name: values[label] for name, values in columns.items()}
                for label, class_name in enumerate(class_names)
            },
            "confusion": {"labels": [*class_names], "matrix": measures["matrix"]},
        }
    )


def boundary(mask, width):
    """Which pixels lie within `width` of a pixel of another value, or of the image's outside: (H, W) -> bool (H, W).

    What of each value's mask an erosion by a square of 2 * width + 1 pixels takes away. Raises ValueError for a width
    below 1.
    """
    if width < 1:
        raise ValueError(f"width is {width!r}; a whole number of pixels from 1 is needed")
    height, length = mask.shape
    contour = np.ones(mask.shape, bool)
    inner = contour[1:-1, 1:-1]
    inner[:] = False
    for down in range(3):
        for right in range(3):
            neighbour = mask[down : height - 2 + down, right : length - 2 + right]
            inner |= neighbour != mask[1:-1, 1:-1]
    return _spread(_spread(contour, width - 1).T, width - 1).T


def boundary_width(shape):
    """The width of the boundary in an image of (H, W), in pixels."""
    return max(1, round(BOUNDARY_WIDTH * math.hypot(*shape)))


def _spread(flags, reach):
    """True where a flag is within `reach` rows: bool (H, W) -> bool (H, W)."""
    spread = np.pad(flags, ((reach, reach), (0, 0)))
    rows = 1  # that each row of `spread` stands for: itself and those below
    while rows < 2 * reach + 1:
        step = min(rows, 2 * reach + 1 - rows)
        spread = spread[:-step] | spread[step:]
        rows += step
    return spread


def _boundary_counts(prediction, truth):
    """Intersection and union of the boundaries of each value: two uint8 (H, W) -> int64 (2, 255)."""
    prediction = np.where(truth == IGNORE, np.uint8(IGNORE), prediction)
    width = boundary_width(truth.shape)
    prediction, truth = (np.where(boundary(mask, width), mask, np.uint8(IGNORE)) for mask in (prediction, truth))
    pixels = _pixels_of_each_pair(prediction, truth)
    common = np.diagonal(pixels)
    return np.stack([common, pixels.sum(axis=0) + pixels.sum(axis=1) - common])[:, :IGNORE]


def _pixels_of_each_pair(prediction, truth):
    """How many pixels have each truth (row) and prediction (column): two uint8 (H, W) -> int64 (256, 256)."""
    pairs = truth.ravel().astype(np.uint16) * VALUES + prediction.ravel()
    return np.bincount(pairs, minlength=VALUES * VALUES).reshape(VALUES, VALUES)
