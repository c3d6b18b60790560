"""An exported file held against the framework that wrote it, on images."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from trizoo.augment.letterbox import Placement
from trizoo.deploy.runtimes import runtime_of
from trizoo.ground.boxes import iou
from trizoo.ground.sample import Detections

# how far raw outputs may lie from the framework's, in their largest value
LIMITS = {"fp32": 1e-4, "fp16": 2e-2, "int8": None}
# least IoU and greatest difference of scores of two boxes that are one; in fewer bits, of one object
SAME = {"fp32": (0.98, 1e-3), "fp16": (0.5, 1.0), "int8": (0.5, 1.0)}
ROUNDING = 3e-7  # of a number, at least
SHAKEN = 3  # times
LOWEST_SCORE = 0.05  # of the boxes that are compared, where the runtime takes thresholds: there are more of them
PROBABILITY = 1e-4  # that probabilities of an fp32 file may be apart
SAME_PIXELS = 0.999  # share of a mask's; where two classes are worth the same, the last bit decides


@dataclass(frozen=True)
class Difference:
    """How far a file is from its framework, over all images that were shown.

    Args:
        raw: of the outputs, the largest, in their largest value
        boxes, equal: how many boxes either found, and how many of them are one box in both
        edge: how many of the others hang on rounding: as many come and go in the zoo's own decode when its input
            changes by no more than raw outputs differ, since scores are nearly equal or lie at a threshold
        pixels: largest distance of two boxes that are one, in pixels
        score: largest difference of their scores
        mask: share of pixels of the same class
        probability: largest difference of two probabilities
        images: how many
        precision: of the file
    """

    raw: float
    images: int
    precision: str = "fp32"
    boxes: int | None = None
    equal: int | None = None
    edge: int = 0
    pixels: float = 0.0
    score: float = 0.0
    mask: float | None = None
    probability: float | None = None

    def breach(self):
        """A sentence on what is too far off, None where nothing is.

        In fp16 and int8 boxes may come and go, and metrics say what that is worth.
        """
        precision, limit = self.precision, LIMITS[self.precision]
        if limit is not None and not self.raw <= limit:
            return f"raw outputs differ by {self.raw:.2g} of their maximum, and {limit:g} is the most in {precision}"
        if precision == "fp32" and self.boxes is not None and self.equal + self.edge < self.boxes:
            lost = self.boxes - self.equal - self.edge
            return f"{lost} of {self.boxes} boxes have no counterpart in the framework's"
        if precision == "fp32" and self.mask is not None and self.mask < SAME_PIXELS:
            return f"{1 - self.mask:.2%} of the mask's pixels are of another class than in the framework"
        if precision == "fp32" and self.probability is not None and not self.probability <= PROBABILITY:
            return f"probabilities differ by {self.probability:.2g}, and {PROBABILITY:g} is the most in {precision}"
        return None

    def __str__(self):
        """The figures, for a person."""
        figures = [f"raw outputs {self.raw:.1e} of their maximum"]
        if self.boxes == 0:
            figures.append("no box on these images in either, so none was compared")
        elif self.boxes is not None:
            same = "equal" if self.precision == "fp32" else f"the same at IoU {SAME[self.precision][0]}"
            edge = f" (and {self.edge} that hang on rounding)" if self.edge and self.precision == "fp32" else ""
            figures.append(f"{self.equal} of {self.boxes} boxes {same}{edge}")
            figures.append(f"to {self.pixels:.1e} pixels and {self.score:.1e} in score")
        if self.mask is not None:
            figures.append(f"{self.mask:.4%} of the mask's pixels equal")
        if self.probability is not None:
            figures.append(f"probabilities to {self.probability:.1e}")
        return ", ".join(figures)


def compare(opened, predict, batches):
    """The `Difference` of an exported file from its framework.

    Args:
        opened: a `trizoo.deploy.runtimes.Opened`
        predict: the framework's predictor
        batches: uint8 (B, H, W, 3) each
    """
    metadata, tally = opened.metadata, {"boxes": 0, "equal": 0, "edge": 0, "pixels": 0.0, "score": 0.0}
    kind, given = metadata.kind, {}
    if kind == "boxes" and runtime_of(opened.exported.path).takes_thresholds:
        given = {"confidence": min(LOWEST_SCORE, metadata.thresholds.confidence)}
    raw, images, same, pixels, apart = 0.0, 0, 0, 0, 0.0
    for batch in batches:
        expected = predict(batch)
        # raw outputs of the very run that gives the boxes: another one may round otherwise
        outputs = opened.outputs(batch, (*metadata.outputs, *metadata.raw_outputs), given)
        ends, found = outputs[: len(metadata.outputs)], outputs[len(metadata.outputs) :]
        found = [output.astype(np.float32, copy=False) for output in found]
        raw = max([raw, *(_relative(*pair) for pair in zip(found, expected, strict=True))])
        images += len(batch)
        if kind == "boxes":
            wanted = metadata.thresholds.model_copy(update=given)
            decode = partial(_decoded, opened.exported.spec, batch=batch, thresholds=wanted)
            _add_boxes(tally, ends, decode, expected, max(raw, ROUNDING), metadata.precision)
        elif kind == "mask":
            (mask,) = ends
            same += int((mask == expected[0].argmax(axis=-1)).sum())
            pixels += mask.size
        elif kind == "probabilities":
            (shares,) = ends
            apart = max(apart, float(np.abs(shares - opened.exported.spec.probabilities(expected[0])).max()))
    found = {"boxes": tally, "mask": {"mask": same / max(pixels, 1)}, "probabilities": {"probability": apart}}
    return Difference(raw, images, metadata.precision, **found.get(kind, {}))


def _relative(found, expected):
    """The largest difference, in the largest value; infinite where shapes differ or something isn't finite."""
    if found.shape != expected.shape:
        return np.inf
    difference = float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-12))
    return difference if np.isfinite(difference) else np.inf


def _decoded(spec, outputs, batch, thresholds):
    """The framework's `Detections` of images that fill their input."""
    size = batch.shape[2], batch.shape[1]
    whole = Placement(size, size, size, 0, 0)
    return spec.decode(
        outputs,
        [whole] * len(batch),
        size,
        score=thresholds.confidence,
        threshold=thresholds.nms,
        max_detections=thresholds.max_detections,
        method=thresholds.nms_method,
    )


def _add_boxes(tally, found, decode, outputs, noise, precision):
    """Counts the boxes of a batch.

    Args:
        found: boxes, scores, labels of the file
        decode: outputs -> `Detections` of each image
        outputs: of the framework
        noise: how far outputs may lie apart, in their largest value
        precision: of the file
    """
    expected, shaken = decode(outputs), None
    for number, (boxes, scores, labels, detections) in enumerate(zip(*found, expected, strict=True)):
        there = labels >= 0
        ours = Detections(boxes[there], scores[there], labels[there])
        pairs = matched(ours, detections, *SAME[precision])
        count = max(len(ours), len(detections))
        tally["boxes"] += count
        tally["equal"] += len(pairs)
        if len(pairs) < count:
            shaken = shaken or [decode(_shaken(outputs, noise, seed)) for seed in range(SHAKEN)]
            kept = min(len(matched(detections, again[number], *SAME[precision])) for again in shaken)
            # either side may have rounded otherwise
            tally["edge"] += count - len(pairs) if count - len(pairs) <= 2 * (count - kept) else 0
        for mine, other in pairs:
            tally["pixels"] = max(tally["pixels"], float(np.abs(ours.boxes[mine] - detections.boxes[other]).max()))
            tally["score"] = max(tally["score"], float(abs(ours.scores[mine] - detections.scores[other])))


def _shaken(outputs, noise, seed):
    """Outputs that differ at random by at most this share of their largest value."""
    random = np.random.default_rng(seed)
    return [
        output + (noise * np.abs(output).max() * random.uniform(-1, 1, output.shape)).astype(np.float32)
        for output in outputs
    ]


def matched(ours, theirs, least_iou, most_apart):
    """Pairs of indices of boxes that are one: same label, nearly the same place and score; each box in one pair.

    Args:
        ours, theirs: `Detections`
        least_iou: of a pair
        most_apart: difference of their scores
    """
    same = (ours.labels[:, None] == theirs.labels) & (np.abs(ours.scores[:, None] - theirs.scores) <= most_apart)
    overlaps = np.where(same, iou(ours.boxes, theirs.boxes), 0)
    pairs = []
    for place in range(len(ours) if len(theirs) else 0):
        other = int(overlaps[place].argmax())
        if overlaps[place, other] >= least_iou:
            pairs.append((place, other))
            overlaps[:, other] = 0
    return pairs
