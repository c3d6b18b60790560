"""How well anchors fit the boxes that are trained on, and which would fit better.

Boxes are measured as they will be placed: resized by the recipe's policy to its input size. With sizes that change
(`multi_scale`) that is the size in the middle.
"""

from dataclasses import dataclass, replace

import numpy as np

from trizoo.augment.letterbox import fit
from trizoo.data.statistics import evenly
from trizoo.families import architecture
from trizoo.families.anchored.spec import SCALE_BOUNDS
from trizoo.families.yolo.anchors import RECALL_IOU, anchor_fit, kmeans, rounded
from trizoo.ground.errors import UserError
from trizoo.ground.text import quoted

MOST_IMAGES = 10_000  # that are looked at, evenly spread; with MOST_BOXES a second or two of 120,000 images
MOST_BOXES = 50_000
MOST_LAID = 500  # boxes that SSD's and RetinaNet's anchors are measured by where they lie, up to 120,000 of them
MOST_PAIRS = 10_000_000  # of boxes and anchors for each of SCALES, two seconds for all of them
SCALES = tuple(round(2 ** (power / 4), 2) for power in range(-5, 6))  # of SSD's and RetinaNet's anchors, that are tried
RECALL = 0.85  # boxes with an anchor of RECALL_IOU: below it is worth a word; BCCD has 0.95 to 0.99 with YOLOs' own
# mean IoU that k-means' anchors have to gain, by judgement: on BCCD and on drawings they gain 0.13 to 0.24, and two
# runs of k-means differ by 0.01
GAIN = 0.05
# mean IoU and recall together that SSD's and RetinaNet's scaled anchors have to gain, in the mean over classes: 0.16
# gave no better metrics (docs/ablations.md). No class may lose GAIN of its recall by it
SCALE_GAIN = 0.25
LEAST_BOXES = 20  # that a scale is chosen by, by judgement


@dataclass(frozen=True)
class Fit:
    """How well a model's anchors fit boxes.

    Args:
        best: IoU of each box with its best anchor, float64 (N,)
        sizes: of the boxes, in pixels of the input, float64 (N, 2)
        labels: of the boxes, int64 (N,)
    """

    best: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray

    @property
    def of_classes(self):
        """Mean IoU and recall of each class that has boxes, by ids: float64 (C, 2)."""
        of_each = [self.best[self.labels == label] for label in np.unique(self.labels)]
        return np.array([(best.mean(), (best >= RECALL_IOU).mean()) for best in of_each]).reshape(-1, 2)

    @property
    def recall(self):
        """The best possible recall: the share of boxes with an anchor of RECALL_IOU or more; nan without boxes."""
        return float((self.best >= RECALL_IOU).mean()) if len(self.best) else float("nan")

    @property
    def mean_iou(self):
        """nan without boxes."""
        return float(self.best.mean()) if len(self.best) else float("nan")


@dataclass(frozen=True)
class Better:
    """Anchors that fit boxes clearly better than a model's.

    Args:
        value: what the recipe's model section says for them: sizes of a YOLO's, a scale
        words: what they are
        mean_iou, recall: see `Fit`
    """

    value: tuple | float
    words: str
    mean_iou: float
    recall: float


def numbers(fitted):
    """A `Fit` or a `Better` in words."""
    return f"mean IoU {fitted.mean_iou:.2f}, {fitted.recall:.0%} of the boxes above {RECALL_IOU:g}"


@dataclass(frozen=True)
class Placed:
    """Boxes as they lie on the input.

    Args:
        boxes: float32 (N, 4)
        labels: int64 (N,)
        canvases: the (width, height) of each box's input, int64 (N, 2)
    """

    boxes: np.ndarray
    labels: np.ndarray
    canvases: np.ndarray

    def some(self, places):
        """Those at places."""
        places = np.array(places, np.int64)
        return Placed(self.boxes[places], self.labels[places], self.canvases[places])

    def of_each_class(self, most):
        """At most so many, as many of each class as there are, evenly spread."""
        found = [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]
        share = max(1, most // max(1, len(found)))
        return self.some([place for places in found for place in places[evenly(len(places), share)]])


def placed(record, recipe):
    """A record's `Placed` boxes, crowds left out."""
    placement = fit(record.size, recipe.input_size, recipe.resize)
    boxes, labels = record.boxes, record.labels
    if len(record.crowd):
        boxes, labels = boxes[~record.crowd], labels[~record.crowd]
    canvases = np.tile(np.array(placement.canvas, np.int64), (len(boxes), 1))
    return Placed(placement.forward(boxes), labels, canvases)


def all_placed(records, recipe):
    """The `Placed` boxes of MOST_IMAGES records, evenly spread."""
    found = [Placed(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((0, 2), np.int64))]
    found += [placed(records[place], recipe) for place in evenly(len(records), MOST_IMAGES)]
    return Placed(*(np.concatenate([getattr(one, name) for one in found]) for name in ("boxes", "labels", "canvases")))


def measure(spec, records, recipe, most=None):
    """The `Fit` of a model's anchors, None where it has none.

    Args:
        spec: ModelSpec
        records: with boxes
        recipe: how they are placed
        most: boxes that are looked at, evenly spread; None: MOST_BOXES of a YOLO, else MOST_LAID
    """
    if spec.fits_anchors is None:
        return None
    most = most or (MOST_BOXES if spec.fits_anchors == "anchors" else MOST_LAID)
    boxes = all_placed(records, recipe)
    return fit_of(spec, boxes.some(evenly(len(boxes.boxes), most)))


def fit_of(spec, laid):
    """The `Fit` of a model's anchors to `Placed` boxes."""
    best = np.zeros(len(laid.boxes))
    for canvas in np.unique(laid.canvases, axis=0):
        on_it = (laid.canvases == canvas).all(axis=1)
        best[on_it] = spec.anchor_overlaps(laid.boxes[on_it], tuple(canvas.tolist()))
    return Fit(best, (laid.boxes[:, 2:] - laid.boxes[:, :2]).astype(np.float64), laid.labels)


def suffice(fitted, recipe):
    """Whether a YOLO's anchors are to stay, by their `Fit`, though others may fit better.

    With `loss.match_ratio` every anchor of a box's order of size may answer to it. Those of the model's own that fit
    RECALL of the boxes then learn no worse than k-means', which are alike where boxes are: docs/ablations.md.
    """
    return bool(getattr(recipe.loss, "match_ratio", None)) and fitted.recall >= RECALL


def better_ones(fitted, spec, records, recipe):
    """The `Better` anchors that a model without pretrained heads could begin with, None where none are.

    Nor are there any for few boxes. A YOLO's are as many by k-means, SSD's and RetinaNet's their own by one of SCALES.
    None where a YOLO's own suffice.

    Args:
        fitted: the `Fit` of the model's
        spec: its ModelSpec
        records, recipe: what it was measured by
    """
    if spec.fits_anchors == "anchor_scale":
        return _rescaled(fitted, spec, records, recipe)
    sizes = fitted.sizes[(fitted.sizes > 0).all(axis=1)]
    if not len(sizes) or fitted.mean_iou > 1 - GAIN or suffice(fitted, recipe):
        return None
    try:
        found = anchor_fit(sizes, rounded(kmeans(sizes, len(architecture(spec.name).anchors), recipe.seed)))
    except UserError:  # fewer distinct sizes than anchors
        return None
    if found.mean_iou - fitted.mean_iou < GAIN:
        return None
    words = ", ".join(f"{width:g}x{height:g}" for width, height in found.anchors)
    return Better(as_sizes(found.anchors), f"{words}, by k-means", found.mean_iou, found.recall)


def _rescaled(fitted, spec, records, recipe):
    """`better_ones` of SSD or RetinaNet."""
    if len(fitted.best) < LEAST_BOXES:
        return None
    most = min(MOST_LAID, max(1, MOST_PAIRS // len(spec.grid(recipe.input_size).boxes)))
    laid = all_placed(records, recipe)
    few = laid.of_each_class(most)
    own, gains = fit_of(spec, few).of_classes, {}
    least, greatest = SCALE_BOUNDS
    for factor in SCALES:
        scale = spec.anchor_scale if factor == 1 else float(f"{spec.anchor_scale * factor:.3g}")
        if not least <= scale <= greatest:
            continue
        gained = fit_of(replace(spec, anchor_scale=scale), few).of_classes - own  # (C, 2)
        if gained[:, 1].min() > -GAIN:
            gains[scale] = gained.sum(axis=1).mean()
    scale = max(gains, key=gains.get)
    if gains[scale] < SCALE_GAIN:
        return None
    found = fit_of(replace(spec, anchor_scale=scale), laid.some(evenly(len(laid.boxes), MOST_LAID)))
    return Better(scale, f"{scale:g} times {spec.name}'s own", found.mean_iou, found.recall)


def as_sizes(anchors):
    """(A, 2) as a recipe has them."""
    return tuple((float(width), float(height)) for width, height in anchors)


def anchors_command(data, recipe, model, placed=True):
    """The command that writes anchors for the boxes that a recipe's run trains on into mine.yaml.

    Args:
        data: the data set as a command line takes it
        model: the name of the one whose anchors are replaced
        placed: whether for boxes at the recipe's input size, else at the model's own
    """
    split = f" --split {quoted(recipe.data.train)}" if recipe.data.train else ""
    width, height = recipe.input_size
    place = f" --input-size {width}x{height} --policy {recipe.resize}" if placed else ""
    return f"trizoo anchors {data}{split} --against {model}{place} --write mine.yaml"
