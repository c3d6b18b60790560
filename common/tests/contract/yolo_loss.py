"""The loss and its gradient against the NumPy reference.

`loss_and_gradients(spec, options)` comes from each zoo's conftest.py: a function of raw heads (arrays) and targets that
gives the terms {name: float} and the gradient of "loss" by each head.
"""

import numpy as np
import pytest

from common.architectures import model_spec
from common.losses import yolo_loss, yolo_loss_gradients
from common.recipes.schema import Loss
from common.targets.yolo import assign

SIZE = (96, 64)
SPEC = model_spec("yolov3-tiny", 3)


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
    """A function that compares loss and gradients of raw heads with the reference's, and gives the latter's terms."""

    def compared(heads, targets, options):
        terms, gradients = loss_and_gradients(SPEC, options)(heads, targets)
        expected = yolo_loss(heads, targets, SPEC, options, SIZE)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        for ours, reference in zip(gradients, yolo_loss_gradients(heads, targets, SPEC, options, SIZE), strict=True):
            assert np.abs(ours - reference).max() < 1e-4 * max(np.abs(reference).max(), 1e-6)
        return expected

    return compared


@pytest.mark.parametrize("box", ["ciou", "giou", "diou", "iou", "mse"])
def test_terms_and_gradients_equal_the_reference(compare, box):
    rng = np.random.default_rng(1)
    boxes = [random_boxes(rng, 6), random_boxes(rng, 3)]
    labels = [rng.integers(0, 3, len(b)) for b in boxes]
    options = Loss(box=box, box_gain=1.5, objectness_gain=0.7, class_gain=0.3)
    compare(random_heads(rng, 2), assign(boxes, labels, SPEC, SIZE), options)


def test_images_without_boxes_have_objectness_only(compare):
    rng = np.random.default_rng(2)
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    targets = assign([empty[0]] * 2, [empty[1]] * 2, SPEC, SIZE)
    terms = compare(random_heads(rng, 2), targets, Loss())
    assert terms["box"] == terms["class"] == 0
    assert terms["objectness"] > 0


def test_one_pixel_boxes_and_a_box_as_large_as_the_image(compare):
    rng = np.random.default_rng(3)
    boxes = [np.array([[10, 10, 11, 11], [0, 0, 96, 64], [95, 63, 96, 64]], np.float32)]
    compare(random_heads(rng, 1), assign(boxes, [np.array([0, 1, 2])], SPEC, SIZE), Loss())


def test_everything_ignored_leaves_the_positives(compare):
    rng = np.random.default_rng(4)
    boxes = [random_boxes(rng, 2)]
    compare(random_heads(rng, 1), assign(boxes, [np.array([0, 1])], SPEC, SIZE), Loss(ignore_iou=0.0))


@pytest.mark.parametrize("size", [50.0, -50.0, 1000.0])
def test_enormous_raw_values_stay_finite(loss_and_gradients, size):
    targets = assign([np.array([[10, 10, 40, 40]], np.float32)], [np.array([0])], SPEC, SIZE)
    heads = [np.full_like(head, size) for head in random_heads(np.random.default_rng(0), 1)]
    terms, gradients = loss_and_gradients(SPEC, Loss())(heads, targets)
    assert np.isfinite(terms["loss"])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
