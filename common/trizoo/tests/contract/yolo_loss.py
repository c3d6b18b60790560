"""The loss and its gradient against the NumPy reference.

`loss_and_gradients(spec, options)` comes from each zoo's conftest.py: a function of outputs (arrays), targets and
size that gives the terms {name: float} and the gradient of "loss" by each output.
"""

from dataclasses import replace

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.yolo.reference import yolo_loss, yolo_loss_gradients
from trizoo.families.yolo.spec import YOLOLoss
from trizoo.families.yolo.targets import assign
from trizoo.ground.boxes import IOU_KINDS

SIZE = (96, 64)
SPEC = model_spec("yolov3-tiny", 3)
SENSITIVE = replace(SPEC, scale_xy=(1.05, 1.1))
SQUARED = replace(SPEC, scale_xy=(2.0, 2.0), coding="squared")
BOX_TERMS = [*IOU_KINDS, "mse"]
ALL_TRICKS = {"match_iou": 0.213, "label_smoothing": 0.1, "focal_gamma": 2, "focal_alpha": 0.25}
MATCHING = ("match_iou", "match_ratio", "cells", "aligned")


def random_heads(rng, batch):
    return [
        rng.normal(0, 1.5, (batch, SIZE[1] // stride, SIZE[0] // stride, 3, 8)).astype(np.float32)
        for stride in SPEC.strides
    ]


def random_boxes(rng, count):
    corner = rng.uniform(0, 50, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(2, 45, (count, 2))], axis=1).astype(np.float32).clip(0, 64)


@pytest.fixture
def compare(loss_and_gradients):
    """A function that compares loss and gradients of outputs with the reference's, and gives the latter's terms."""

    def compared(outputs, targets, options, spec=SPEC):
        terms, gradients = loss_and_gradients(spec, options)(outputs, targets, SIZE)
        expected = yolo_loss(outputs, targets, spec, options, SIZE)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        for ours, reference in zip(gradients, yolo_loss_gradients(outputs, targets, spec, options, SIZE), strict=True):
            assert np.abs(ours - reference).max() < 1e-4 * max(np.abs(reference).max(), 1e-6)
        return expected

    return compared


@pytest.mark.parametrize("box", BOX_TERMS)
def test_terms_and_gradients_equal_the_reference(compare, box):
    rng = np.random.default_rng(1)
    boxes = [random_boxes(rng, 6), random_boxes(rng, 3)]
    labels = [rng.integers(0, 3, len(b)) for b in boxes]
    options = YOLOLoss(box=box, box_gain=1.5, objectness_gain=0.7, class_gain=0.3)
    compare(random_heads(rng, 2), assign(boxes, labels, SPEC, SIZE), options)


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.1},
        {"focal_gamma": 2},
        {"focal_gamma": 0.5, "focal_alpha": 0.25},
        {"focal_alpha": 0.75},
        {"match_iou": 0.213},
        {"match_ratio": 4, "cells": 3},
        {"match_ratio": 4, "cells": 3, "aligned": 2, "objectness_iou": 1},
        {"match_iou": 0.213, "aligned": 1, "ignore_iou": 1},
        {"objectness_iou": 1},
        {"objectness_iou": 1, "focal_gamma": 1.5, "focal_alpha": 0.4},
        {"objectness_iou": 0.5, "focal_gamma": 2, "ignore_iou": 1, "match_ratio": 2},
        {"class_weights": (0.2, 3, 1)},
        {"class_focal_gamma": 2},
        {"class_focal_gamma": 0.5, "class_weights": (2, 0, 1), "label_smoothing": 0.1, "class_gain": 0.3},
        *(ALL_TRICKS | {"box": box} for box in ("mse", "siou", "eiou")),
    ],
    ids=lambda options: ", ".join(f"{name} {value}" for name, value in options.items()),
)
@pytest.mark.parametrize("spec", [SENSITIVE, SQUARED], ids=["exponential", "squared"])
def test_every_trick_equals_the_reference(compare, options, spec):
    """With grid sensitivity, an image without boxes and one with boxes of one pixel."""
    rng = np.random.default_rng(5)
    small = np.array([[10, 10, 11, 11], [95, 63, 96, 64], [30, 20, 60, 55]], np.float32)
    boxes = [random_boxes(rng, 6), np.zeros((0, 4), np.float32), small]
    labels = [rng.integers(0, 3, len(b)) for b in boxes]
    outputs, loss = random_heads(rng, 3), YOLOLoss(**options)
    compare(outputs, assign(boxes, labels, spec, SIZE, *(getattr(loss, key) for key in MATCHING)), loss, spec)


def test_what_fills_up_a_batch_is_no_rival_of_a_boxs_predictions(compare):
    boxes, options = [np.array([[50, 20, 70, 48]], np.float32)], YOLOLoss(match_iou=0.2, aligned=1)
    outputs = [np.zeros_like(output) for output in random_heads(np.random.default_rng(0), 1)]
    for output in outputs:
        output[..., 2:4] = -2  # far too small
    outputs[0][0, 0, 0, 0, :4] = (-50, -50, -3.7, -3.7)  # a pixel to all sides of the corner
    terms = compare(outputs, assign(boxes, [np.array([0])], SPEC, SIZE, 0.2, aligned=1), options)
    assert terms["box"] > 1


def test_a_box_answered_for_by_several_predictions_teaches_each(loss_and_gradients):
    boxes, labels = [np.array([[20, 10, 50, 50]], np.float32)], [np.array([1])]
    outputs = [np.zeros_like(output) for output in random_heads(np.random.default_rng(0), 1)]
    found = []
    for match_iou in (1.0, 0.213):
        options = YOLOLoss(match_iou=match_iou)
        targets = assign(boxes, labels, SPEC, SIZE, match_iou)
        _, gradients = loss_and_gradients(SPEC, options)(outputs, targets, SIZE)
        found.append(sum(np.count_nonzero(gradient[..., 5 + 1] < 0) for gradient in gradients))
    assert found == [1, 2]  # 30x40: of 23x27 0.52, of 37x58 0.56, all others less than 0.2


def test_images_without_boxes_have_objectness_only(compare):
    rng = np.random.default_rng(2)
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    targets = assign([empty[0]] * 2, [empty[1]] * 2, SPEC, SIZE)
    terms = compare(random_heads(rng, 2), targets, YOLOLoss())
    assert terms["box"] == terms["class"] == 0
    assert terms["objectness"] > 0


def test_one_pixel_boxes_and_a_box_as_large_as_the_image(compare):
    rng = np.random.default_rng(3)
    boxes = [np.array([[10, 10, 11, 11], [0, 0, 96, 64], [95, 63, 96, 64]], np.float32)]
    compare(random_heads(rng, 1), assign(boxes, [np.array([0, 1, 2])], SPEC, SIZE), YOLOLoss())


def test_everything_ignored_leaves_the_positives(compare):
    rng = np.random.default_rng(4)
    boxes = [random_boxes(rng, 2)]
    compare(random_heads(rng, 1), assign(boxes, [np.array([0, 1])], SPEC, SIZE), YOLOLoss(ignore_iou=0.0))


@pytest.mark.parametrize("box", BOX_TERMS)
def test_where_a_cost_has_a_corner_or_divides_by_nothing_gradients_are_finite(loss_and_gradients, box):
    # raw values of 0 decode to 37x58 about (40, 24): the box itself; one of the same centre; one beside it; and where
    # sides are 0, one of the same centre
    boxes = [[21.5, -5, 58.5, 53], [24, -1, 56, 49], [23.5, -5, 60.5, 53], [24, -1, 56, 49]]
    boxes = [np.array([box], np.float32) for box in boxes]
    outputs = [np.zeros_like(output) for output in random_heads(np.random.default_rng(0), 4)]
    for output in outputs:
        output[3, ..., 2:4] = -1000
    targets = assign(boxes, [np.array([0])] * 4, SPEC, SIZE)
    terms, gradients = loss_and_gradients(SPEC, YOLOLoss(box=box))(outputs, targets, SIZE)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert terms == pytest.approx(yolo_loss(outputs, targets, SPEC, YOLOLoss(box=box), SIZE), rel=1e-5)


@pytest.mark.parametrize(
    "options",
    [YOLOLoss(), YOLOLoss(box="siou", **ALL_TRICKS), YOLOLoss(box="eiou", focal_gamma=0.5, class_focal_gamma=0.5)],
    ids=repr,
)
def test_enormous_raw_values_stay_finite(loss_and_gradients, options):
    boxes = [np.array([[10, 10, 40, 40]], np.float32)] * 3
    outputs = random_heads(np.random.default_rng(0), 3)
    for output in outputs:
        output[:] = np.array([50, -50, 1000], np.float32).reshape(3, 1, 1, 1, 1)
    terms, gradients = loss_and_gradients(SPEC, options)(outputs, assign(boxes, [np.array([0])] * 3, SPEC, SIZE), SIZE)
    assert np.isfinite(terms["loss"])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
