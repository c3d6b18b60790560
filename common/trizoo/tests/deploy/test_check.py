"""How an exported file is held against its framework."""

from types import SimpleNamespace

import numpy as np
import pytest

from trizoo.augment.letterbox import Placement
from trizoo.deploy.check import Difference, compare, matched
from trizoo.deploy.metadata import describe
from trizoo.ground.sample import Detections
from trizoo.recipes.schema import Recipe
from trizoo.training.specs import spec_of

RECIPE = Recipe(model={"name": "yolov3-tiny"}, classes=("a", "b"), input_size=(64, 64))
SPEC = spec_of(RECIPE)
IMAGES = np.zeros((2, 64, 64, 3), np.uint8)


def detections(*rows):
    """Of rows (xmin, ymin, xmax, ymax, score, label)."""
    values = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(values[:, :4], values[:, 4], values[:, 5].astype(np.int64))


def test_boxes_are_one_where_place_label_and_score_agree():
    ours = detections((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 10, 0.9, 1), (50, 50, 60, 60, 0.8, 0))
    theirs = detections((0, 0, 10, 10.01, 0.9, 0), (0, 0, 10, 10, 0.8, 1), (50, 50, 60, 62, 0.8, 0))
    assert matched(ours, theirs, 0.98, 1e-3) == [(0, 0)]  # another score; 10 / 12 = 0.83 of overlap
    assert matched(ours, theirs, 0.5, 1.0) == [(0, 0), (1, 1), (2, 2)]


def test_a_box_is_in_one_pair_only():
    twice = detections((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 10, 0.9, 0))
    assert matched(twice, detections((0, 0, 10, 10, 0.9, 0)), 0.98, 1e-3) == [(0, 0)]
    assert matched(twice, detections(), 0.98, 1e-3) == []


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (Difference(1e-5, 4, boxes=3, equal=3), None),
        (Difference(1e-5, 4, boxes=3, equal=2, edge=1), None),
        (Difference(1e-5, 4, mask=0.9995), None),
        (Difference(1e-5, 4, probability=9e-5), None),
        (Difference(1e-2, 4, "fp16", probability=1e-2), None),
        (Difference(1e-5, 4, probability=2e-4), "probabilities differ by 0.0002, and 0.0001 is the most in fp32"),
        (Difference(0.01, 4, "fp16", boxes=3, equal=0), None),
        (Difference(0.9, 4, "int8"), None),
        (Difference(2e-4, 4), "raw outputs differ by 0.0002 of their maximum, and 0.0001 is the most in fp32"),
        (Difference(np.inf, 4), "raw outputs differ by inf of their maximum, and 0.0001 is the most in fp32"),
        (Difference(0.03, 4, "fp16"), "raw outputs differ by 0.03 of their maximum, and 0.02 is the most in fp16"),
        (Difference(1e-5, 4, boxes=3, equal=1, edge=1), "1 of 3 boxes have no counterpart in the framework's"),
        (Difference(1e-5, 4, mask=0.99), "1.00% of the mask's pixels are of another class than in the framework"),
    ],
)
def test_what_is_too_far_off(difference, sentence):
    assert difference.breach() == sentence


def outputs(seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(0, 2, (2, side, side, 3, 7)).astype(np.float32) for side in (2, 4)]


class FakeOpened:
    """A file that gives these raw outputs, and boxes of the zoo's decode that `spoil` may change."""

    def __init__(self, raw, spoil=lambda boxes: boxes, runtime="xml"):
        options = {"raw": False, "dynamic_size": False, "batch": None, "precision": "fp32", "licence": None}
        thresholds = {"confidence": 0.4, "nms": 0.5, "max_detections": 50}
        self.metadata = describe(RECIPE, SPEC, **options, thresholds=thresholds)
        self.exported = SimpleNamespace(path=f"a.{runtime}", spec=SPEC)
        self.given, self.spoil, self.asked = raw, spoil, []

    def outputs(self, images, names, thresholds):
        assert names == (*self.metadata.outputs, *SPEC.output_names)
        return [*self.boxes(thresholds), *self.given]

    def boxes(self, thresholds):
        self.asked.append(thresholds)
        whole = Placement((64, 64), (64, 64), (64, 64), 0, 0)
        score = thresholds.get("confidence", 0.4)
        found = SPEC.decode(self.given, [whole] * 2, (64, 64), score=score, threshold=0.5, max_detections=50)
        most = max(map(len, found))
        rows = [np.pad(each.boxes, ((0, most - len(each)), (0, 0))) for each in found]
        scores = [np.pad(each.scores, (0, most - len(each))) for each in found]
        labels = [np.pad(each.labels, (0, most - len(each)), constant_values=-1) for each in found]
        return self.spoil(np.stack(rows)), np.stack(scores), np.stack(labels)


def test_a_file_that_does_as_the_framework_does():
    raw = outputs()
    found = compare(FakeOpened(raw), lambda images: raw, [IMAGES])
    assert found.raw == 0
    assert found.images == 2
    assert found.boxes == found.equal > 10
    assert found.breach() is None


def test_boxes_that_lie_elsewhere_are_a_breach():
    raw = outputs()
    found = compare(FakeOpened(raw, lambda boxes: boxes + 3), lambda images: raw, [IMAGES])
    assert found.equal == 0
    assert found.breach().endswith("boxes have no counterpart in the framework's")


def test_images_without_any_box_say_that_none_was_compared():
    raw = [np.full_like(output, -20) for output in outputs()]
    found = compare(FakeOpened(raw), lambda images: raw, [IMAGES])
    assert found.boxes == 0
    assert str(found).endswith("no box on these images in either, so none was compared")


def test_raw_outputs_that_differ_are_a_breach():
    raw = outputs()
    found = compare(FakeOpened([raw[0], raw[1] * 1.01]), lambda images: raw, [IMAGES])
    assert found.raw == pytest.approx(0.01, rel=1e-3)
    assert "raw outputs differ by" in found.breach()


def test_boxes_of_equal_scores_may_come_and_go():
    raw = [np.round(output) for output in outputs()]  # so that many scores are the same, and rounding decides
    nearly = [output * (1 + 3e-7) for output in raw]
    found = compare(FakeOpened(nearly), lambda images: raw, [IMAGES])
    assert found.breach() is None


def test_where_the_runtime_takes_thresholds_more_boxes_are_compared():
    raw = outputs()
    more, usual = FakeOpened(raw, runtime="onnx"), FakeOpened(raw)
    assert compare(more, lambda images: raw, [IMAGES]).boxes > compare(usual, lambda images: raw, [IMAGES]).boxes
    assert (more.asked, usual.asked) == ([{"confidence": 0.05}], [{}])
