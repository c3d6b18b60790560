"""YOLO anchors: how well they fit a data set's boxes, and new ones by k-means.

A size is a (width, height) in pixels of the network's input.
"""

from dataclasses import dataclass

import numpy as np

from trizoo.augment.letterbox import fit
from trizoo.ground.boxes import iou_wh
from trizoo.ground.errors import UserError

RECALL_IOU = 0.5  # a box counts as reachable when an anchor overlaps it this much


RESTARTS = 10


ITERATIONS = 100


SUBSET = 10_000  # sizes that k-means looks at; of 300,000, more changed the mean IoU by less than 0.001


CHUNK = 8192  # sizes compared with the anchors at once, so that the arrays stay in the processor's cache


def fit_sizes(records, input_size, policy="letterbox"):
    """Box sizes as the network sees them: Records, (width, height) -> (N, 2) float64 pixels of the input.

    Crowd boxes are left out: they outline groups, not objects.

    Args:
        policy: one of `trizoo.ground.conventions.POLICIES`

    Raises:
        ValueError: for an unknown policy and sizes that are none
    """
    sizes = [np.zeros((0, 2))]
    for record in records:
        placement = fit(record.size, input_size, policy)
        boxes = record.boxes[~record.crowd] if len(record.crowd) else record.boxes
        sizes.append((boxes[:, 2:] - boxes[:, :2]) * np.array([placement.scale_x, placement.scale_y]))
    return np.concatenate(sizes)


@dataclass(frozen=True)
class AnchorFit:
    """How well anchors fit boxes.

    Args:
        anchors: (A, 2)
        recall: share of the boxes whose best anchor's IoU reaches the threshold; nan without boxes
        mean_iou: mean IoU of a box with its best anchor; nan without boxes
        counts: (A,) boxes whose best anchor it is
    """

    anchors: np.ndarray
    recall: float
    mean_iou: float
    counts: np.ndarray


def anchor_fit(sizes, anchors, threshold=RECALL_IOU):
    """How well anchors (A, 2) fit boxes of these sizes (N, 2), by the IoU on a common centre -> AnchorFit."""
    sizes, anchors = _as_sizes(sizes, "sizes"), _as_sizes(anchors, "anchors")
    if not len(anchors):
        raise ValueError("anchors is empty; at least one (width, height) is needed")
    best, assigned = _best(sizes, anchors)
    counts = np.bincount(assigned, minlength=len(anchors))
    if not len(sizes):
        return AnchorFit(anchors, float("nan"), float("nan"), counts)
    return AnchorFit(anchors, float((best >= threshold).mean()), float(best.mean()), counts)


def best_possible_recall(sizes, anchors, threshold=RECALL_IOU):
    """(share of the boxes whose best anchor has an IoU >= threshold, mean best IoU): (N, 2), (A, 2) -> two floats."""
    fitted = anchor_fit(sizes, anchors, threshold)
    return fitted.recall, fitted.mean_iou


def kmeans(sizes, k, seed=0, *, restarts=RESTARTS, iterations=ITERATIONS):
    """k anchors that fit the sizes: (N, 2) -> (k, 2) float64, smallest area first. Equal seed, equal anchors.

    The distance is 1 - IoU (Redmon & Farhadi 2017, section 2). Each restart begins with k-means++ (Arthur &
    Vassilvitskii 2007); a centre is the median of its sizes, which gave a higher mean IoU than the mean and the
    geometric mean on BCCD and on synthetic boxes. The restart with the highest mean best IoU wins.
    Of more than SUBSET sizes a random subset is looked at. Raises UserError for sizes that aren't positive numbers and
    for fewer than k distinct ones.
    """
    sizes = _as_sizes(sizes, "sizes")
    for name, value in (("k", k), ("restarts", restarts), ("iterations", iterations)):
        if value < 1:
            raise ValueError(f"{name} is {value}; at least 1 is needed")
    bad = ~(np.isfinite(sizes) & (sizes > 0)).all(axis=1)
    if bad.any():
        first = int(bad.argmax())
        raise UserError(
            f"{bad.sum()} of {len(sizes)} box sizes are not positive numbers (the first: number {first}, "
            f"{sizes[first, 0]:g} x {sizes[first, 1]:g}); remove these boxes"
        )
    distinct = len(np.unique(sizes, axis=0))
    if distinct < k:
        raise UserError(f"{len(sizes)} boxes of {distinct} distinct sizes can't give {k} anchors; {k} sizes are needed")
    rng = np.random.default_rng(seed)
    subset = sizes if len(sizes) <= SUBSET else sizes[rng.choice(len(sizes), SUBSET, replace=False)]
    runs = [_refine(subset, _spread(subset, k, rng), iterations) for _ in range(restarts)]
    _, anchors = max(runs, key=lambda run: run[0])
    return _by_area(anchors)


def rounded(anchors):
    """Anchors in tenths of a pixel, exact enough for the smallest and short enough to read, smallest area first."""
    return _by_area(np.round(anchors, 1).clip(min=0.1))


def _by_area(anchors):
    """Smallest area first, of equal ones the narrower: (A, 2) -> (A, 2)."""
    return anchors[np.lexsort((anchors[:, 0], anchors.prod(axis=1)))]


def _spread(sizes, k, rng):
    """k of the sizes, each drawn with a probability proportional to its distance from those before: k-means++."""
    centres = [sizes[rng.integers(len(sizes))]]
    distance = np.ones(len(sizes))
    while len(centres) < k:
        distance = np.minimum(distance, 1 - iou_wh(centres[-1][None], sizes)[0]).clip(min=0)
        total = np.cumsum(distance)
        drawn = np.searchsorted(total, rng.random() * total[-1], side="right")
        centres.append(sizes[min(drawn, len(sizes) - 1)])
    return np.stack(centres)


def _refine(sizes, centres, iterations):
    """Assign and move until at most one size in 10,000 changes sides -> (mean best IoU, centres), the best met."""
    found = (-1.0, centres)
    before = np.full(len(sizes), -1)
    for _ in range(iterations):
        best, assigned = _best(sizes, centres)
        if best.mean() > found[0]:
            found = (best.mean(), centres)
        if (assigned != before).mean() <= 1e-4:
            break
        before = assigned
        groups = [sizes[assigned == i] for i in range(len(centres))]
        # a centre that lost all its sizes moves to the size that is served worst
        centres = np.stack([np.median(group, axis=0) if len(group) else sizes[best.argmin()] for group in groups])
    return found


def _best(sizes, anchors):
    """IoU with the best anchor and which one it is: (N, 2), (A, 2) -> (N,), (N,). Of equal ones the first."""
    best, assigned = np.zeros(len(sizes)), np.zeros(len(sizes), np.int64)
    for start in range(0, len(sizes), CHUNK):
        part = slice(start, start + CHUNK)
        overlaps = iou_wh(anchors, sizes[part])  # (A, chunk): NumPy is quicker along the long axis
        best[part], assigned[part] = overlaps.max(axis=0), overlaps.argmax(axis=0)
    return best, assigned


def _as_sizes(sizes, name):
    """The array as float64 (N, 2). Raises ValueError with the shape received otherwise."""
    sizes = np.asarray(sizes, np.float64)
    if sizes.ndim != 2 or sizes.shape[1] != 2:
        raise ValueError(f"{name} has shape {sizes.shape}; an array (N, 2) of width, height is needed")
    return sizes


@dataclass(frozen=True)
class AnchorReport:
    """Old anchors against new ones on the same boxes; `str()` gives a table."""

    old: AnchorFit
    new: AnchorFit

    @classmethod
    def compare(cls, sizes, old, new):
        """The report for boxes of some sizes and two sets of anchors.

        Args:
            sizes: (N, 2), width and height in pixels of the input
            old, new: (A, 2), anchors of before and of after
        """
        return cls(anchor_fit(sizes, old), anchor_fit(sizes, new))

    @property
    def worse(self):
        """Whether the new anchors reach fewer boxes, or as many with a lower mean IoU."""
        return (self.new.recall, self.new.mean_iou) < (self.old.recall, self.old.mean_iou)

    def __str__(self):
        rows = [
            f"{self.new.counts.sum()} boxes; anchors are width x height in pixels of the input",
            f"{'':<27}{'old':>10}{'new':>12}",
            f"{'best possible recall':<27}{self.old.recall:>10.2%}{self.new.recall:>12.2%}"
            f"   boxes with an anchor of IoU >= {RECALL_IOU:g}",
            f"{'mean best IoU':<27}{self.old.mean_iou:>10.4f}{self.new.mean_iou:>12.4f}",
            "",
            f"{'old anchor':>15}{'boxes':>10}{'new anchor':>18}{'boxes':>10}",
        ]
        for i in range(max(len(self.old.anchors), len(self.new.anchors))):
            rows.append(f"{_cell(self.old, i, 15)}{_cell(self.new, i, 18)}".rstrip())
        return "\n".join(rows)


def _cell(fitted, index, width):
    """An anchor and its count for one line of the report; blank beyond the last."""
    if index >= len(fitted.anchors):
        return " " * (width + 10)
    anchor = "{:g} x {:g}".format(*fitted.anchors[index])
    return f"{anchor:>{width}}{fitted.counts[index]:>10}"


def parse_anchors(text):
    """`10,14 23,27` -> (A, 2) float64, sorted by area. UserError names the pair that is none."""
    pairs = []
    for word in text.split():
        try:
            width, height = (float(side) for side in word.split(","))
        except ValueError:
            width = height = 0.0
        if not (0 < width < float("inf") and 0 < height < float("inf")):
            raise UserError(f"{word!r} in {text!r} is no anchor; positive numbers such as 10,14 23,27 are needed")
        pairs.append((width, height))
    if not pairs:
        raise UserError("no anchors in an empty text; pairs of numbers above 0 such as 10,14 23,27 are needed")
    return np.array(sorted(pairs, key=lambda pair: pair[0] * pair[1]))
