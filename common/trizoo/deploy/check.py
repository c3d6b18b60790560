"""An exported file held against the framework that wrote it, on images."""

from dataclasses import dataclass

import numpy as np

from trizoo.augment.letterbox import Placement
from trizoo.ground.boxes import iou

# how far raw outputs may lie from the framework's, in their largest value
LIMITS = {"fp32": 1e-4, "fp16": 2e-2, "int8": None}
SAME_IOU = 0.98  # of two boxes that are one
SAME_SCORE = 1e-3
SAME_PIXELS = 0.999  # share of a mask's; where two classes are worth the same, the last bit decides


@dataclass(frozen=True)
class Difference:
    """How far a file is from its framework, over all images that were shown.

    Args:
        raw: of the outputs, the largest, in their largest value
        boxes, equal: how many boxes either found, and how many of them are one box in both
        pixels: largest distance of two boxes that are one, in pixels
        score: largest difference of their scores
        mask: share of pixels of the same class
        images: how many
    """

    raw: float
    images: int
    boxes: int | None = None
    equal: int | None = None
    pixels: float = 0.0
    score: float = 0.0
    mask: float | None = None

    def breach(self, precision):
        """A sentence on what is too far off, None where nothing is.

        In fp16 and int8 boxes may come and go, and metrics say what that is worth.
        """
        limit = LIMITS[precision]
        if limit is not None and not self.raw <= limit:
            return f"raw outputs differ by {self.raw:.2g} of their maximum, and {limit:g} is the most in {precision}"
        if precision == "fp32" and self.equal != self.boxes:
            return f"{self.boxes - self.equal} of {self.boxes} boxes have no counterpart in the framework's"
        if precision == "fp32" and self.mask is not None and self.mask < SAME_PIXELS:
            return f"{1 - self.mask:.2%} of the mask's pixels are of another class than in the framework"
        return None

    def __str__(self):
        """The figures, for a person."""
        figures = [f"raw outputs {self.raw:.1e} of their maximum"]
        if self.boxes is not None:
            figures.append(f"{self.equal} of {self.boxes} boxes equal")
            figures.append(f"to {self.pixels:.1e} pixels and {self.score:.1e} in score")
        if self.mask is not None:
            figures.append(f"{self.mask:.4%} of the mask's pixels equal")
        return ", ".join(figures)


def compare(opened, predict, batches):
    """The `Difference` of an exported file from its framework.

    Args:
        opened: a `trizoo.deploy.runtimes.Opened`
        predict: the framework's predictor
        batches: uint8 (B, H, W, 3) each
    """
    kind, tally = opened.metadata.kind, {"boxes": 0, "equal": 0, "pixels": 0.0, "score": 0.0}
    raw, images, same, pixels = 0.0, 0, 0, 0
    for batch in batches:
        expected = predict(batch)
        found = opened.raw(batch)
        raw = max([raw, *(_relative(*pair) for pair in zip(found, expected, strict=True))])
        images += len(batch)
        if kind == "boxes":
            _add_boxes(tally, opened(batch), _decoded(opened, expected, batch))
        elif kind == "mask":
            (mask,) = opened(batch)
            same += int((mask == expected[0].argmax(axis=-1)).sum())
            pixels += mask.size
    return Difference(
        raw, images, **(tally if kind == "boxes" else {}), mask=same / pixels if kind == "mask" else None
    )


def _relative(found, expected):
    """The largest difference, in the largest value; infinite where shapes differ or something isn't finite."""
    if found.shape != expected.shape:
        return np.inf
    difference = float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-12))
    return difference if np.isfinite(difference) else np.inf


def _decoded(opened, outputs, batch):
    """The framework's `Detections` of images that fill their input, by the thresholds of the file."""
    size = batch.shape[2], batch.shape[1]
    whole = Placement(size, size, size, 0, 0)
    thresholds = opened.metadata.thresholds
    return opened.exported.spec.decode(
        outputs,
        [whole] * len(batch),
        size,
        score=thresholds.confidence,
        threshold=thresholds.nms,
        max_detections=thresholds.max_detections,
    )


def _add_boxes(tally, found, expected):
    """Counts the boxes of a batch: boxes, scores, labels of the file, `Detections` of the framework."""
    for boxes, scores, labels, detections in zip(*found, expected, strict=True):
        there = labels >= 0
        boxes, scores, labels = boxes[there], scores[there], labels[there]
        pairs = matched(boxes, scores, labels, detections)
        tally["boxes"] += max(len(boxes), len(detections))
        tally["equal"] += len(pairs)
        for ours, theirs in pairs:
            tally["pixels"] = max(tally["pixels"], float(np.abs(boxes[ours] - detections.boxes[theirs]).max()))
            tally["score"] = max(tally["score"], float(abs(scores[ours] - detections.scores[theirs])))


def matched(boxes, scores, labels, detections):
    """Pairs of indices of boxes that are one: same label, nearly the same place and score; each box in one pair."""
    same = (labels[:, None] == detections.labels) & (np.abs(scores[:, None] - detections.scores) <= SAME_SCORE)
    overlaps = np.where(same, iou(boxes, detections.boxes), 0)
    pairs = []
    for ours in range(len(boxes)):
        theirs = int(overlaps[ours].argmax()) if overlaps.shape[1] else 0
        if overlaps.shape[1] and overlaps[ours, theirs] >= SAME_IOU:
            pairs.append((ours, theirs))
            overlaps[:, theirs] = 0
    return pairs
