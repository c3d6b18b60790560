"""A whole data set at once: detections and ground truth of all images as flat arrays, and the pairs that overlap."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trizoo.ground.boxes import area

PAIRS_AT_ONCE = 1 << 18  # bounds the memory of crowded images: about 100 bytes a pair


@dataclass(frozen=True)
class Pool:
    """Detections and ground truth of all images.

    The D detections are ordered by class, then by score, highest first; equal scores keep the order of the images and
    the order inside the image, as pycocotools' stable sort does. The G ground-truth boxes keep their order.

    Args:
        images: how many there are
        num_classes: how many there are
        boxes: float64 (D, 4)
        scores: float32 (D,)
        labels: int64 (D,)
        image: int64 (D,), index of the detection's image
        truth_boxes: float64 (G, 4)
        truth_labels: int64 (G,)
        truth_image: int64 (G,), index of the box's image
        difficult: bool (G,)
        crowd: bool (G,)
    """

    images: int
    num_classes: int
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    image: np.ndarray
    truth_boxes: np.ndarray
    truth_labels: np.ndarray
    truth_image: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray

    @cached_property
    def groups(self):
        """int64 (D,): equal where detections share image and class."""
        return self.labels * self.images + self.image

    @cached_property
    def bounds(self):
        """int64 (C + 1,): the detections of class c are those from bounds[c] to bounds[c + 1]."""
        return np.searchsorted(self.labels, np.arange(self.num_classes + 1))

    @property
    def counted(self):
        """bool (G,): the ground truth that a detector has to find, neither difficult nor a crowd."""
        return ~(self.difficult | self.crowd)

    @cached_property
    def positives(self):
        """int64 (C,): how much counted ground truth each class has."""
        return np.bincount(self.truth_labels[self.counted], minlength=self.num_classes)


@dataclass(frozen=True)
class Pairs:
    """P pairs of a detection and a ground truth of one image, ordered by detection, then by ground truth.

    Args:
        detection, truth: int64 (P,) indices into a Pool
        overlap: float64 (P,), the IoU; where the ground truth is a crowd, the share of the detection's own area that
            lies in it, as COCO has it
    """

    detection: np.ndarray
    truth: np.ndarray
    overlap: np.ndarray

    def where(self, chosen):
        """The pairs chosen by a mask or by indices."""
        return Pairs(self.detection[chosen], self.truth[chosen], self.overlap[chosen])


def gather(detections, truths, num_classes):
    """The Pool of one `Detections` and one ground truth (boxes, labels, difficult, crowd) per image.

    Raises ValueError, with the index of the image, where lengths disagree, a label isn't a class, or a box or score
    isn't finite.
    """
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; at least 1 is needed")
    if len(detections) != len(truths):
        raise ValueError(f"detections are of {len(detections)} images, truths of {len(truths)}; the same is needed")
    image, boxes, (scores, labels) = _columns("detections", detections, (("scores", np.float32), ("labels", np.int64)))
    truth_image, truth_boxes, (truth_labels, difficult, crowd) = _columns(
        "truths", truths, (("labels", np.int64), ("difficult", bool), ("crowd", bool))
    )
    _check_labels("detections", labels, image, num_classes)
    _check_labels("truths", truth_labels, truth_image, num_classes)
    _check_finite("detections", "scores", scores, image)
    order = np.lexsort((-scores, labels))
    return Pool(
        images=len(truths),
        num_classes=num_classes,
        boxes=boxes[order],
        scores=scores[order],
        labels=labels[order],
        image=image[order],
        truth_boxes=truth_boxes,
        truth_labels=truth_labels,
        truth_image=truth_image,
        difficult=difficult,
        crowd=crowd,
    )


def overlapping_pairs(pool, minimum, *, score=None, any_class=False):
    """All Pairs with an overlap of at least `minimum`, of one class unless `any_class`.

    Args:
        score: only detections with at least this score

    Raises:
        ValueError: unless 0 < minimum <= 1
    """
    if not 0 < minimum <= 1:
        raise ValueError(f"IoU threshold {minimum} is outside of 0 < threshold <= 1")
    group = pool.image if any_class else pool.groups
    truth_group = pool.truth_image + (0 if any_class else pool.truth_labels * pool.images)
    order = np.argsort(truth_group, kind="stable")
    ordered = truth_group[order]
    first = np.searchsorted(ordered, group, side="left")
    counts = np.searchsorted(ordered, group, side="right") - first
    if score is not None:
        counts[~reaches(pool.scores, score)] = 0
    rows = np.flatnonzero(counts)
    first, counts = first[rows], counts[rows]
    ends = np.cumsum(counts)
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    begin = 0
    while begin < len(rows):
        done = ends[begin] - counts[begin]
        end = max(begin + 1, np.searchsorted(ends, done + PAIRS_AT_ONCE, side="right"))
        part = slice(begin, end)
        detection = np.repeat(rows[part], counts[part])
        offset = np.repeat(first[part] - (ends[part] - counts[part] - done), counts[part])
        truth = order[offset + np.arange(len(detection))]
        overlap = _overlap(pool.boxes[detection], pool.truth_boxes[truth], pool.crowd[truth])
        near = overlap >= minimum
        found.append((detection[near], truth[near], overlap[near]))
        begin = end
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def reaches(scores, threshold):
    """scores >= threshold, compared in the scores' own precision: a float32 score of 0.7 reaches 0.7."""
    return scores >= np.asarray(threshold).astype(scores.dtype)


def mean_over_classes(values):
    """Mean of the values that aren't nan, as a float; nan where there is none."""
    values = np.asarray(values)[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _overlap(boxes, truth_boxes, crowd):
    """IoU, or for a crowd the share of the box that lies in it: (P, 4), (P, 4), (P,) -> (P,)."""
    sides = np.minimum(boxes[:, 2:], truth_boxes[:, 2:]) - np.maximum(boxes[:, :2], truth_boxes[:, :2])
    sides = np.maximum(sides, 0)
    intersection = sides[:, 0] * sides[:, 1]
    own = area(boxes)
    whole = np.where(crowd, own, own + area(truth_boxes) - intersection)
    return np.divide(intersection, whole, out=np.zeros_like(whole), where=intersection > 0)


def _columns(name, items, fields):
    """Index of the image (N,), boxes float64 (N, 4) and the other fields (N,), of all images one after the other."""
    boxes = [np.asarray(item.boxes, np.float64).reshape(-1, 4) for item in items]
    counts = np.array([len(part) for part in boxes], dtype=np.int64)
    image = np.repeat(np.arange(len(boxes)), counts)
    columns = []
    for field, dtype in fields:
        parts = [np.asarray(getattr(item, field)) for item in items]
        for index, (part, count) in enumerate(zip(parts, counts, strict=True)):
            if part.shape != (count,):
                raise ValueError(
                    f"{name}[{index}].{field} has shape {part.shape}, for {count} boxes; one per box is needed"
                )
        columns.append(np.concatenate([np.zeros(0, dtype), *parts], dtype=dtype, casting="unsafe"))
    boxes = np.concatenate([np.zeros((0, 4)), *boxes])
    _check_finite(name, "boxes", boxes, image)
    return image, boxes, columns


def _check_labels(name, labels, image, num_classes):
    """Raises ValueError where a label isn't a class."""
    wrong = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(wrong):
        label, index = labels[wrong[0]], image[wrong[0]]
        raise ValueError(
            f"{name}[{index}].labels holds {label}; with {num_classes} classes 0 to {num_classes - 1} would do"
        )


def _check_finite(name, field, values, image):
    """Raises ValueError where a value is nan or infinite."""
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        value, index = values[tuple(wrong[0])], image[wrong[0][0]]
        raise ValueError(f"{name}[{index}].{field} holds {value}; finite numbers are needed")
