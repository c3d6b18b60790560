import math
from dataclasses import replace

import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families import model_spec
from trizoo.families.base.terms import sigmoid
from trizoo.families.yolo import decode
from trizoo.families.yolo.coding import decode_boxes
from trizoo.families.yolo.decode import decode_yolo
from trizoo.families.yolo.grid import cells_per_head, flatten_outputs, yolo_grid
from trizoo.families.yolo.targets import assign
from trizoo.ground.boxes import nms

SPEC = model_spec("yolov3-tiny", 3)
SENSITIVE = replace(SPEC, scale_xy=(1.05, 1.2))
SQUARED = replace(SPEC, scale_xy=(2.0, 2.0), coding="squared")
SIZE = (160, 96)
OPTIONS = {"score": 0.1, "threshold": 0.5}


def empty_heads(batch=1, size=SIZE):
    """Heads that see nothing."""
    return [np.full((batch, rows, columns, 3, 8), -20, np.float32) for columns, rows in cells_per_head(SPEC, size)]


def logit(probability):
    return math.log(probability / (1 - probability))


def encode(outputs, boxes, labels, objectness=0.9, size=SIZE, spec=SPEC):
    """Writes boxes of the input's pixels, per image, into outputs, where training would want them."""
    flat, grid = flatten_outputs(outputs), yolo_grid(spec, size)
    positives = assign(boxes, labels, spec, size)["positives"]
    for image, (of_image, image_labels) in enumerate(zip(boxes, labels, strict=True)):
        for (xmin, ymin, xmax, ymax), label, index in zip(of_image, image_labels, positives[image], strict=False):
            place = np.array([xmin + xmax, ymin + ymax]) / 2 / grid.strides[index] - grid.cells[index]
            scale = grid.scales[index]
            flat[image, index, :2] = [logit((p + (scale - 1) / 2) / scale) for p in place]
            factors = [xmax - xmin, ymax - ymin] / grid.anchors[index]
            squared = spec.coding == "squared"
            flat[image, index, 2:4] = [logit(root / 2) for root in np.sqrt(factors)] if squared else np.log(factors)
            flat[image, index, 4] = logit(objectness)
            flat[image, index, 5 + label] = 20
    counts = np.cumsum([output[0, ..., 0].size for output in outputs])[:-1]
    return [piece.reshape(output.shape) for piece, output in zip(np.split(flat, counts, axis=1), outputs, strict=True)]


@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
@pytest.mark.parametrize("spec", [SPEC, SENSITIVE, SQUARED], ids=["1", "sensitive", "squared"])
def test_encoded_boxes_come_back_in_the_original_images_pixels(policy, spec):
    originals = [(640, 480), (300, 900), (50, 30)]
    placements = [fit(original, SIZE, policy) for original in originals]
    wanted = [
        np.array([[10, 20, 205, 307], [400.5, 100, 630, 471]], np.float32),
        np.array([[5, 600, 280, 890]], np.float32),
        np.array([[1, 2, 20, 25], [25, 3, 47, 28]], np.float32),
    ]
    labels = [np.array([2, 0]), np.array([1]), np.array([1, 1])]
    placed = [placement.forward(boxes) for placement, boxes in zip(placements, wanted, strict=True)]
    found = decode_yolo(encode(empty_heads(3), placed, labels, spec=spec), spec, placements, **OPTIONS)
    for detections, boxes, image_labels in zip(found, wanted, labels, strict=True):
        order = [int(np.abs(detections.boxes - box).sum(axis=1).argmin()) for box in boxes]
        assert sorted(order) == list(range(len(detections)))
        np.testing.assert_allclose(detections.boxes[order], boxes, atol=0.01)
        np.testing.assert_array_equal(detections.labels[order], image_labels)
        np.testing.assert_allclose(detections.scores, 0.9, rtol=1e-5)
        assert (detections.boxes.dtype, detections.scores.dtype) == (np.float32, np.float32)
        assert detections.labels.dtype == np.int64


def test_with_grid_sensitivity_a_centre_can_lie_on_its_cells_border():
    boxes = np.array([[64 - 40, 32 - 41, 64 + 40, 32 + 41]], np.float32)  # the centre is a corner of four cells
    outputs = encode(empty_heads(), [boxes], [np.array([0])], spec=SENSITIVE)
    assert np.abs(outputs[0][0, 1, 2, 0, :2]).max() < 4
    (found,) = decode_yolo(outputs, SENSITIVE, [fit(SIZE, SIZE)], **OPTIONS)
    np.testing.assert_allclose(found.boxes, boxes.clip(0), atol=0.01)


def test_a_score_is_objectness_times_class_and_the_threshold_keeps_equals():
    outputs = empty_heads()
    outputs[0][0, 1, 2, 0] = [0, 0, 0, 0, logit(0.8), logit(0.5), logit(0.7), -20]
    (found,) = decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=0.1, threshold=0.5)
    assert found.labels.tolist() == [1, 0]  # one prediction may be two classes
    np.testing.assert_allclose(found.scores, [0.8 * 0.7, 0.8 * 0.5], rtol=1e-6)
    np.testing.assert_array_equal(found.boxes[0], found.boxes[1])
    lowest = float(found.scores[1])
    for score, count in ((lowest, 2), (lowest + 1e-4, 1), (0.57, 0), (0.85, 0), (1, 0)):
        assert len(decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=score, threshold=0.5)[0]) == count


def test_where_nothing_is_seen_there_are_no_detections():
    for found in decode_yolo(empty_heads(2), SPEC, [fit(SIZE, SIZE)] * 2, **OPTIONS):
        assert (found.boxes.shape, found.scores.shape, found.labels.shape) == ((0, 4), (0,), (0,))
        assert (found.boxes.dtype, found.labels.dtype) == (np.float32, np.int64)


def test_predictions_that_are_not_finite_are_no_detections():
    box, label = np.array([[20, 20, 60, 60]], np.float32), np.array([1])
    outputs = encode(empty_heads(), [box], [label])
    for column, value in enumerate([np.nan, np.inf, -np.inf, np.nan, np.inf, np.nan, np.inf, -np.inf]):
        outputs[1][0, column % 6, column, 1] = 30
        outputs[1][0, column % 6, column, 1, column] = value
    outputs[0][0, 0, 0, 0] = np.nan
    (found,) = decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], **OPTIONS)
    np.testing.assert_allclose(found.boxes, box, atol=0.01)
    everything = [np.full_like(output, np.nan) for output in outputs]
    assert len(decode_yolo(everything, SPEC, [fit(SIZE, SIZE)], **OPTIONS)[0]) == 0


def test_a_box_is_clipped_and_one_beside_the_image_is_dropped():
    placement = fit((100, 10), SIZE)  # 160 x 16 in the middle: rows 40 to 56
    boxes = np.array([[-10, 30, 90, 50], [20, 60, 60, 90]], np.float32)
    (found,) = decode_yolo(encode(empty_heads(), [boxes], [np.array([0, 0])]), SPEC, [placement], **OPTIONS)
    np.testing.assert_allclose(found.boxes, [[0, 0, 90 / 1.6, 10 / 1.6]], atol=0.01)


def test_nms_is_per_class_and_honours_its_options():
    outputs = empty_heads()
    outputs[0][0, 1, 1:3] = [0, 0, 0, 0, 3, 3, -20, -20]  # neighbouring cells; the anchors are larger than the cells
    outputs[0][0, 1, 2, 1, 5:] = [-20, 3, -20]
    every = decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=0.1, threshold=1.0)[0]
    assert len(every) == 6
    expected, scores = nms(every.boxes, every.scores, every.labels, threshold=0.3)
    (found,) = decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=0.1, threshold=0.3)
    assert 1 < len(found) < 6
    assert set(found.labels) == {0, 1}
    np.testing.assert_array_equal(found.boxes, every.boxes[expected])
    (soft,) = decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=0.1, threshold=0.3, method="soft")
    assert soft.scores.min() < scores.min()
    assert len(decode_yolo(outputs, SPEC, [fit(SIZE, SIZE)], score=0.1, threshold=1.0, max_detections=2)[0]) == 2


@pytest.mark.parametrize("most", [25, 1000])
def test_of_many_candidates_the_best_reach_nms_with_ties_in_order(monkeypatch, most):
    monkeypatch.setattr(decode, "MAX_CANDIDATES", most)
    rng, size = np.random.default_rng(0), (320, 192)
    outputs = [rng.integers(-4, 3, output.shape).astype(np.float32) for output in empty_heads(2, size)]  # ties
    grid, placement = yolo_grid(SPEC, size), fit((300, 180), size)
    found = decode_yolo(outputs, SPEC, [placement] * 2, score=0.001, threshold=0.5, max_detections=30)
    for raw, detections in zip(flatten_outputs(outputs), found, strict=True):
        scores = (sigmoid(raw[:, 4:5]) * sigmoid(raw[:, 5:])).reshape(-1)
        assert (scores >= 0.001).sum() > most
        best = np.argsort(-scores, kind="stable")[:most]
        rows, labels = np.divmod(best, 3)
        boxes = decode_boxes(raw[rows], grid.cells[rows], grid.strides[rows], grid.anchors[rows], grid.scales[rows])
        boxes = placement.inverse(boxes, clip=True)
        kept, _ = nms(boxes, scores[best], labels, threshold=0.5, max_detections=30)
        np.testing.assert_array_equal(detections.labels, labels[kept])
        np.testing.assert_array_equal(detections.boxes, boxes[kept])
