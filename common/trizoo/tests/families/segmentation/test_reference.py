import math

import numpy as np
import pytest

from trizoo.families.segmentation.reference import segmentation_loss, segmentation_loss_gradients
from trizoo.families.segmentation.spec import SegmentationLoss
from trizoo.families.segmentation.targets import assign

SIZE = (3, 2)


def targets_of(*rows, num_classes=3, class_weights=None):
    """Targets of images of 3 x 2 pixels."""
    masks = [np.array(row, np.uint8).reshape(2, 3) for row in rows]
    return assign(masks, SIZE, num_classes, class_weights)


def logits_of(probabilities):
    """Logits (1, 2, 3, C) of these probabilities of each of six pixels."""
    return [np.log(np.array(probabilities, np.float64)).reshape(1, 2, 3, -1)]


SURE = [0.5, 0.25, 0.25]
HEADS = logits_of([SURE] * 6)


def random_case(seed):
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 3, (2, 2, 3)).astype(np.uint8)
    masks[0, 0, :2] = 255
    return [rng.normal(0, 2, (2, 2, 3, 3))], assign(list(masks), SIZE, 3, (0.5, 2.0, 1.0))


def test_cross_entropy_is_the_mean_over_pixels_that_count():
    # of class 0 one pixel, of class 1 two: log 2 and twice log 4, over three
    terms = segmentation_loss(HEADS, targets_of([0, 1, 1, 255, 255, 255]), SegmentationLoss())
    assert terms["cross_entropy"] == pytest.approx((math.log(2) + 2 * math.log(4)) / 3)
    assert terms["dice"] == 0
    assert terms["loss"] == terms["cross_entropy"]


def test_class_weights_count_in_what_it_is_divided_by_too():
    weights = (3.0, 1.0, 0.0)
    targets = targets_of([0, 1, 1, 2, 2, 255], class_weights=weights)
    terms = segmentation_loss(HEADS, targets, SegmentationLoss(class_weights=weights))
    assert terms["cross_entropy"] == pytest.approx((3 * math.log(2) + 2 * math.log(4)) / (3 + 2))


def test_focal_loss_weighs_by_how_wrong_a_pixel_is():
    targets = targets_of([0, 1, 1, 255, 255, 255])
    terms = segmentation_loss(HEADS, targets, SegmentationLoss(focal_gamma=2))
    assert terms["cross_entropy"] == pytest.approx((math.log(2) / 4 + 2 * math.log(4) * 9 / 16) / 3)
    assert segmentation_loss(HEADS, targets, SegmentationLoss(focal_gamma=0)) == segmentation_loss(
        HEADS, targets, SegmentationLoss()
    )


def test_dice_by_hand():
    # four pixels count, of class 0 one, of class 1 three, of class 2 none
    # class 0: P = 2, T = 1, I = 0.5; class 1: P = 1, T = 3, I = 0.75; class 2: P = 1, T = 0, I = 0
    terms = segmentation_loss(HEADS, targets_of([0, 1, 1, 1, 255, 255]), SegmentationLoss(dice_gain=2))
    assert terms["dice"] == pytest.approx(2 * (1 - (2 / 4 + 2.5 / 5 + 1 / 2) / 3))


def test_dice_is_the_mean_over_images():
    targets = targets_of([0, 1, 1, 1, 255, 255], [255] * 6)
    terms = segmentation_loss([np.repeat(HEADS[0], 2, axis=0)], targets, SegmentationLoss(dice_gain=1))
    assert terms["dice"] == pytest.approx((1 - (2 / 4 + 2.5 / 5 + 1 / 2) / 3) / 2)


def test_what_is_found_costs_nothing():
    targets = targets_of([0, 1, 1, 2, 255, 255])
    outputs = [100.0 * np.eye(3)[np.where(targets["masks"] == 255, 0, targets["masks"])]]
    loss = segmentation_loss(outputs, targets, SegmentationLoss(dice_gain=1, focal_gamma=0.5))
    assert loss["loss"] == pytest.approx(0, abs=1e-9)


def test_gains_multiply_their_terms():
    outputs, targets = random_case(0)
    plain = segmentation_loss(outputs, targets, SegmentationLoss(dice_gain=1))
    gained = segmentation_loss(outputs, targets, SegmentationLoss(dice_gain=3, cross_entropy_gain=0.5))
    assert gained["dice"] == pytest.approx(3 * plain["dice"])
    assert gained["cross_entropy"] == pytest.approx(plain["cross_entropy"] / 2)
    assert gained["loss"] == pytest.approx(gained["dice"] + gained["cross_entropy"])


def test_without_a_pixel_that_counts_there_is_neither_loss_nor_gradient():
    targets, options = targets_of([255] * 6), SegmentationLoss(focal_gamma=2, dice_gain=1)
    assert segmentation_loss(HEADS, targets, options)["loss"] == 0
    assert not segmentation_loss_gradients(HEADS, targets, options)[0].any()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"focal_gamma": 2.0},
        {"focal_gamma": 0.5, "class_weights": (0.5, 2.0, 1.0)},
        {"dice_gain": 1.0, "cross_entropy_gain": 0.0},
        {"dice_gain": 0.3, "cross_entropy_gain": 2.0, "focal_gamma": 1.0},
    ],
    ids=repr,
)
def test_gradients_are_those_of_finite_differences(options):
    (logits,), targets = random_case(3)
    options = SegmentationLoss(**options)
    (gradient,) = segmentation_loss_gradients([logits], targets, options)
    assert gradient.shape == logits.shape
    for place in np.ndindex(logits.shape):
        values = []
        for step in (1e-6, -1e-6):
            moved = logits.copy()
            moved[place] += step
            values.append(segmentation_loss([moved], targets, options)["loss"])
        assert gradient[place] == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-7)


def test_logits_that_do_not_answer_to_the_masks_are_refused():
    with pytest.raises(ValueError, match=r"logits have shape \(1, 3, 2, 3\); the masks need \(1, 2, 3\) and classes"):
        segmentation_loss([np.zeros((1, 3, 2, 3))], targets_of([0] * 6), SegmentationLoss())
