"""Decoding and NMS by `keras.ops`: the numbers of each family's decode."""

import numpy as np
import pytest
from keras import ops

from keras_zoo.ends import find_boxes, likeliest
from trizoo.augment.letterbox import Placement
from trizoo.deploy.metadata import Thresholds
from trizoo.families import model_spec
from trizoo.tests.exported import make_unfinite, outputs_of

DETECTORS = {
    "yolov3-tiny": (96, 64),
    "yolov4-tiny": (64, 160),  # whose centres reach over their cells
    "ssd300-mobilenetv2": (300, 300),
    "retinanet-resnet18": (150, 131),
}


def find(spec, outputs, size, confidence=0.4, nms=0.45, max_detections=20, method="hard"):
    """Boxes, scores and labels as arrays, from arrays."""
    thresholds = Thresholds(confidence=confidence, nms=nms, max_detections=max_detections, nms_method=method)
    found = find_boxes(spec, [ops.convert_to_tensor(raw) for raw in outputs], size, thresholds)
    return [ops.convert_to_numpy(found[name]) for name in ("boxes", "scores", "labels")]


def assert_alike(spec, outputs, size, confidence, nms, most, method="hard"):
    """Found boxes are those of decode, of images that fill the input, and there are some."""
    whole = [Placement(size, size, size, 0, 0)] * len(outputs[0])
    expected = spec.decode(outputs, whole, size, score=confidence, threshold=nms, max_detections=most, method=method)
    assert min(map(len, expected)) > 3
    for detections, boxes, scores, labels in zip(
        expected, *find(spec, outputs, size, confidence, nms, most, method), strict=True
    ):
        there = labels >= 0
        np.testing.assert_array_equal(labels[there], detections.labels)
        np.testing.assert_allclose(scores[there], detections.scores, atol=1e-6)
        np.testing.assert_allclose(boxes[there], detections.boxes, atol=2e-3)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_are_those_of_the_zoos_decode(name):
    size, spec = DETECTORS[name], model_spec(name, 3)
    outputs = outputs_of(spec, size, 2)
    assert_alike(spec, outputs, size, 0.4, 0.45, 20)
    make_unfinite(outputs, 2)  # what isn't finite is no detection
    assert_alike(spec, outputs, size, 0.001, 0.1, 100)
    assert_alike(spec, outputs, size, 0.45, 1.0, 300)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_that_vote_are_those_of_the_zoos_decode(name):
    size, spec = DETECTORS[name], model_spec(name, 3)
    outputs = outputs_of(spec, size, 2)
    make_unfinite(outputs, 3)  # what isn't finite has no vote
    for numbers in ((0.4, 0.45, 20), (0.001, 0.1, 100)):
        assert_alike(spec, outputs, size, *numbers, method="vote")


def test_images_with_fewer_boxes_have_empty_places():
    spec = model_spec("yolov3-tiny", 1)
    outputs = [np.full_like(raw, -20) for raw in outputs_of(spec, (64, 64), 2)]
    # one sure object in the first image: 2 x 2 cells of 32 pixels, the cell at column 1, row 0
    outputs[0][0, 0, 1, 0] = (0, 0, 0, 0, 20, 20)
    boxes, scores, labels = find(spec, outputs, (64, 64), max_detections=2)
    # its centre is at (1.5, 0.5) * 32 = (48, 16), its anchor 81 x 82: 7.5 to 88.5 and -25 to 57, cut at 0 and 64
    np.testing.assert_allclose(boxes, [[[7.5, 0, 64, 57], [0] * 4], [[0] * 4] * 2])
    np.testing.assert_allclose(scores, [[1, 0], [0, 0]], atol=1e-6)
    np.testing.assert_array_equal(labels, [[0, -1], [-1, -1]])


def test_a_mask_is_the_likeliest_class_of_each_pixel():
    mask = ops.convert_to_numpy(likeliest(ops.convert_to_tensor([[[[1.0, 2, 3], [9, 2, 3]], [[5, 5, 1], [0, 0, 0]]]])))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, [[[2, 0], [0, 0]]])  # of equal ones the first class
