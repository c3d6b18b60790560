"""SSD's loss and its gradient against the NumPy reference.

`loss_and_gradients(spec, options)` comes from each zoo's conftest.py: a function of outputs (arrays), targets and
size that gives the terms {name: float} and the gradient of "loss" by each output.
"""

import numpy as np
import pytest

from trizoo.families.ssd.reference import ssd_loss, ssd_loss_gradients
from trizoo.families.ssd.spec import SSD_ARCHITECTURES, SSDLoss
from trizoo.families.ssd.targets import assign

SIZE = (300, 300)
SPEC = SSD_ARCHITECTURES["ssd300-mobilenetv2"].spec("ssd300-mobilenetv2", 3)
GRID = SPEC.grid(SIZE)
ANCHORS = len(GRID.boxes)
NO_BOXES = np.zeros((0, 4), np.float32)


def random_heads(rng, batch):
    return [rng.normal(0, 2, (batch, ANCHORS, width)).astype(np.float32) for width in (4, 1 + SPEC.num_classes)]


def random_boxes(rng, count):
    centres, sides = rng.uniform(0, 300, (count, 2)), np.exp(rng.uniform(3, 5.5, (count, 2)))
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).astype(np.float32).clip(0, 300)


def targets_of(*images):
    return assign(images, [np.arange(len(boxes)) % 3 for boxes in images], GRID, SPEC.num_classes)


@pytest.fixture
def compare(loss_and_gradients):
    """A function that compares loss and gradients of outputs with the reference's, and gives the latter's."""

    def compared(outputs, targets, options=None):
        options = options or SSDLoss()
        terms, gradients = loss_and_gradients(SPEC, options)(outputs, targets, SIZE)
        numbers = options.model_dump(exclude={"kind", "assigner", "positive_iou"})
        expected = ssd_loss(outputs, targets, GRID, SPEC.coding, **numbers)
        references = ssd_loss_gradients(outputs, targets, GRID, SPEC.coding, **numbers)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        for ours, reference in zip(gradients, references, strict=True):
            assert np.abs(ours - reference).max() < max(2e-5 * np.abs(reference).max(), 1e-6)
        return expected, references

    return compared


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"negatives": 1, "box_beta": 0.0, "box_gain": 1.5, "class_gain": 0.3},
        {"negatives": 2.5, "box_beta": 1 / 9},
        {"negatives": 1000},
        {"negatives": 0},
        {"focal_gamma": 2},
        {"box": "giou", "box_gain": 2},
        {"box": "diou"},
        {"focal_gamma": 0.5, "class_weights": (0.2, 3, 1)},
        {"class_weights": (2, 0, 1), "class_gain": 0.3},
        {"score_iou": 1, "box": "giou"},
        {"score_iou": 0.5, "class_weights": (2, 0, 1)},
    ],
    ids=str,
)
def test_terms_and_gradients_equal_the_reference(compare, options):
    """With an image without boxes, two equal boxes and one of a pixel, and ignored anchors."""
    rng = np.random.default_rng(1)
    boxes = random_boxes(rng, 6)
    some = np.concatenate([boxes, boxes[:1], [[40.3, 20.2, 41.3, 21.2]]]).astype(np.float32)
    targets = targets_of(some, NO_BOXES, random_boxes(rng, 2))
    targets["matches"][:, -500:][targets["matches"][:, -500:] < 0] = -2
    terms, _ = compare(random_heads(rng, 3), targets, SSDLoss(**options))
    assert terms["box"] > 0


def test_of_equal_losses_the_first_count(compare):
    outputs = [np.zeros_like(output) for output in random_heads(np.random.default_rng(0), 2)]
    outputs[1][:, :, 0] = np.arange(ANCHORS) % 7 // 3  # three anchors of 0, three of 1, one of 2, and so on
    targets = targets_of(random_boxes(np.random.default_rng(2), 3), random_boxes(np.random.default_rng(3), 5))
    _, (_, of_logits) = compare(outputs, targets)
    assert 0 < np.count_nonzero(of_logits[0, :, 0]) < 0.1 * ANCHORS


def test_two_and_a_half_negatives_of_each_positive_are_rounded_up(compare):
    outputs = [np.zeros_like(output) for output in random_heads(np.random.default_rng(0), 1)]
    targets = targets_of(GRID.boxes[[2000]])
    targets["matches"][targets["matches"] >= 0] = -1
    targets["matches"][0, 2000] = 0
    targets["num_positives"] = np.float32(1)
    _, (_, of_logits) = compare(outputs, targets, SSDLoss(negatives=2.5))
    assert np.nonzero(of_logits[0, :, 0])[0].tolist() == [0, 1, 2, 2000]


def test_images_without_boxes_teach_the_background_by_as_many_anchors_as_one_box_would(compare):
    outputs = random_heads(np.random.default_rng(2), 2)
    terms, (of_deltas, of_logits) = compare(outputs, targets_of(NO_BOXES, NO_BOXES))
    logits = outputs[1].astype(np.float64)
    entropy = np.log(np.exp(logits).sum(axis=2)) - logits[:, :, 0]
    assert terms["loss"] == terms["class"] == pytest.approx(np.sort(entropy, axis=1)[:, -3:].sum(), rel=1e-6)
    assert not of_deltas.any()
    assert np.count_nonzero(of_logits[:, :, 0], axis=1).tolist() == [3, 3]
    terms, _ = compare(outputs, targets_of(NO_BOXES, NO_BOXES), SSDLoss(negatives=0))
    assert terms["loss"] == 0


def test_boxes_without_area_leave_the_gradient_finite(compare):
    """Their anchors' deltas hold the log of next to nothing."""
    targets = targets_of(random_boxes(np.random.default_rng(4), 2))
    targets["boxes"][0, 0, 2:] = targets["boxes"][0, 0, :2]
    compare(random_heads(np.random.default_rng(4), 1), targets)


def test_everything_ignored_leaves_nothing(compare):
    targets = targets_of(random_boxes(np.random.default_rng(5), 2))
    targets["matches"][:] = -2
    terms, _ = compare(random_heads(np.random.default_rng(5), 1), targets)
    assert terms["loss"] == 0


def test_an_anchor_without_a_box_may_hold_any_deltas(compare, loss_and_gradients):
    outputs = random_heads(np.random.default_rng(6), 1)
    targets = targets_of(random_boxes(np.random.default_rng(6), 3))
    options = SSDLoss(score_iou=0.5)
    expected, (of_deltas, _) = compare(outputs, targets, options)
    without = targets["matches"][0] < 0
    outputs[0][0, without] = np.resize([np.nan, np.inf, -np.inf, 3e38], (without.sum(), 4))
    terms, gradients = loss_and_gradients(SPEC, options)(outputs, targets, SIZE)
    assert terms == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradients[0], of_deltas, atol=1e-4)


@pytest.mark.parametrize("enormous", [1e4, 1e30])
@pytest.mark.parametrize(
    "options",
    [{"box_beta": 0}, {}, {"focal_gamma": 0.5}, {"focal_gamma": 2}, {"score_iou": 1}],
    ids=str,
)
def test_enormous_raw_values_stay_finite(compare, enormous, options):
    outputs = random_heads(np.random.default_rng(7), 2)
    for output in outputs:
        output[:] = np.sign(output) * np.float32(enormous)
    boxes = random_boxes(np.random.default_rng(7), 3)
    terms, references = compare(outputs, targets_of(boxes, boxes), SSDLoss(**options))
    assert np.isfinite(terms["loss"])
    assert all(np.isfinite(reference).all() for reference in references)
