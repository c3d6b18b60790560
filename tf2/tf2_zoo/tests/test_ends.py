"""Boxes and masks of TensorFlow's graphs against the zoo's own decode, on made-up outputs of networks."""

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo.ends import find_boxes, likeliest, without_empty
from trizoo.augment.letterbox import Placement
from trizoo.families import model_spec
from trizoo.tests.exported import make_unfinite, outputs_of

DETECTORS = {
    "yolov3-tiny": ((96, 64), {}),
    "yolov4-tiny": ((64, 160), {}),  # whose centres reach over their cells
    "ssd300-mobilenetv2": ((300, 300), {}),
    "retinanet-resnet18": ((150, 131), {}),
}
CONFIDENCE, NMS, MOST = 0.4, 0.45, 20


def graph_of(spec, outputs, method="hard"):
    """A graph with no shape known but the last axes: (outputs, size, confidence, nms, max_detections) -> found."""
    known = [tf.TensorSpec((*[None] * (raw.ndim - 1), raw.shape[-1]), tf.float32) for raw in outputs]
    numbers = [tf.TensorSpec((), dtype) for dtype in (tf.float32, tf.float32, tf.int32)]

    def run(outputs, size, *numbers):
        return without_empty(find_boxes(spec, outputs, (size[0:1], size[1:2]), *numbers, method))

    return tf.function(run, autograph=False, input_signature=[known, tf.TensorSpec((2,), tf.int32), *numbers])


def assert_alike(found, spec, outputs, size, confidence=CONFIDENCE, nms=NMS, most=MOST, method="hard"):
    """Found boxes are those of decode, of images that fill the input, and there are some."""
    whole = [Placement(size, size, size, 0, 0)] * len(outputs[0])
    expected = spec.decode(outputs, whole, size, score=confidence, threshold=nms, max_detections=most, method=method)
    assert min(map(len, expected)) > 3
    for number, detections in enumerate(expected):
        there = np.asarray(found["labels"][number]) >= 0
        boxes, scores, labels = (np.asarray(found[name][number])[there] for name in ("boxes", "scores", "labels"))
        np.testing.assert_array_equal(labels, detections.labels)
        np.testing.assert_allclose(scores, detections.scores, atol=1e-6)
        np.testing.assert_allclose(boxes, detections.boxes, atol=2e-3)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_are_those_of_the_zoos_decode(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 3)
    run = graph_of(spec, outputs)
    assert_alike(run(outputs, size, CONFIDENCE, NMS, MOST), spec, outputs, size)
    make_unfinite(outputs, 2)  # what isn't finite is no detection
    for numbers in ((0.001, 0.1, 100), (0.5, 0.0, 9), (0.45, 1.0, 1000)):
        assert_alike(run(outputs, size, *numbers), spec, outputs, size, *numbers)


@pytest.mark.parametrize("name", DETECTORS)
def test_boxes_that_vote_are_those_of_the_zoos_decode(name):
    size, options = DETECTORS[name]
    spec = model_spec(name, 3, **options)
    outputs = outputs_of(spec, size, 3)
    make_unfinite(outputs, 3)  # what isn't finite has no vote
    run = graph_of(spec, outputs, "vote")
    for numbers in ((CONFIDENCE, NMS, MOST), (0.001, 0.1, 100)):
        assert_alike(run(outputs, size, *numbers), spec, outputs, size, *numbers, method="vote")


def test_one_graph_takes_inputs_of_any_size():
    spec = model_spec("yolov3-tiny", 2)
    run = graph_of(spec, outputs_of(spec, (96, 64), 1))
    for size in ((128, 224), (32, 32), (320, 160)):
        outputs = outputs_of(spec, size, 2, seed=4)
        assert_alike(run(outputs, size, CONFIDENCE, NMS, MOST), spec, outputs, size)


def test_images_with_fewer_boxes_have_empty_places():
    spec = model_spec("yolov3-tiny", 1)
    outputs = [np.full_like(raw, -20) for raw in outputs_of(spec, (64, 64), 2)]
    run = graph_of(spec, outputs)
    assert run(outputs, (64, 64), CONFIDENCE, NMS, MOST)["boxes"].shape == (2, 0, 4)
    # one sure object in the first image: 2 x 2 cells of 32 pixels, the cell at column 1, row 0
    outputs[0][0, 0, 1, 0] = (0, 0, 0, 0, 20, 20)
    found = run(outputs, (64, 64), CONFIDENCE, NMS, MOST)
    # its centre is at (1.5, 0.5) * 32 = (48, 16), its anchor 81 x 82: 7.5 to 88.5 and -25 to 57, cut at 0 and 64
    np.testing.assert_allclose(found["boxes"], [[[7.5, 0, 64, 57]], [[0, 0, 0, 0]]])
    np.testing.assert_allclose(found["scores"], [[1], [0]], atol=1e-6)
    np.testing.assert_array_equal(found["labels"], [[0], [-1]])


def test_a_mask_is_the_likeliest_class_of_each_pixel():
    mask = likeliest(tf.constant([[[[1.0, 2, 3], [9, 2, 3]], [[5, 5, 1], [0, 0, 0]]]]))
    assert mask.dtype == tf.uint8
    np.testing.assert_array_equal(mask, [[[2, 0], [0, 0]]])  # of equal ones the first class
