"""The loss of segmentation and its gradient against the NumPy reference; see yolo_loss.py for `loss_and_gradients`."""

import numpy as np
import pytest

from trizoo.families.segmentation.reference import segmentation_loss, segmentation_loss_gradients
from trizoo.families.segmentation.spec import SEGMENTATION_ARCHITECTURES, SegmentationLoss
from trizoo.families.segmentation.targets import assign
from trizoo.ground.conventions import IGNORE

SIZE = (23, 17)
WEIGHTS = (0.5, 2.0, 0.0, 1.25)


def spec_of(num_classes):
    """A segmentation model's spec; the loss needs nothing of it but the classes."""
    return SEGMENTATION_ARCHITECTURES["deeplabv3plus-mobilenetv2"].spec("deeplabv3plus-mobilenetv2", num_classes)


def random_case(seed, num_classes=4, count=3, scale=2.0, class_weights=None):
    """Logits, and targets of masks with borders of 255 in which the last class is missing."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, max(num_classes - 1, 1), (count, SIZE[1], SIZE[0])).astype(np.uint8)
    masks[:, :2] = masks[rng.random(masks.shape) < 0.1] = IGNORE
    logits = rng.normal(0, scale, (*masks.shape, num_classes)).astype(np.float32)
    return [logits], assign(list(masks), SIZE, num_classes, class_weights)


@pytest.fixture
def compare(loss_and_gradients):
    """A function that compares loss and gradient of logits with the reference's, and gives the latter's terms."""

    def compared(outputs, targets, options):
        terms, gradients = loss_and_gradients(spec_of(outputs[0].shape[-1]), options)(outputs, targets, SIZE)
        expected = segmentation_loss(outputs, targets, options)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        (ours,), (reference,) = gradients, segmentation_loss_gradients(outputs, targets, options)
        assert np.abs(ours - reference).max() < 1e-5 * max(np.abs(reference).max(), 1e-6)
        return expected

    return compared


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weights": WEIGHTS},
        {"focal_gamma": 2},
        {"focal_gamma": 0.5, "class_weights": WEIGHTS},
        {"dice_gain": 1},
        {"dice_gain": 0.7, "cross_entropy_gain": 0},
        {"dice_gain": 0.5, "cross_entropy_gain": 2, "focal_gamma": 1.5, "class_weights": WEIGHTS},
    ],
    ids=lambda options: ", ".join(f"{name} {value}" for name, value in options.items()) or "default",
)
def test_every_option_equals_the_reference(compare, options):
    outputs, targets = random_case(1, class_weights=options.get("class_weights"))
    terms = compare(outputs, targets, SegmentationLoss(**options))
    assert (terms["dice"] > 0) == (options.get("dice_gain", 0) > 0)
    assert (terms["cross_entropy"] > 0) == (options.get("cross_entropy_gain", 1) > 0)


@pytest.mark.parametrize("num_classes", [1, 2, 255])
def test_one_class_two_and_as_many_as_masks_can_hold(compare, num_classes):
    outputs, targets = random_case(2, num_classes, count=2)
    for options in ({}, {"focal_gamma": 2, "dice_gain": 1}):
        terms = compare(outputs, targets, SegmentationLoss(**options))
        assert num_classes > 1 or terms["cross_entropy"] == 0


def test_a_class_alone_in_its_image(compare):
    outputs, _ = random_case(3)
    masks = [np.full(SIZE[::-1], label, np.uint8) for label in (0, 3, 2)]
    compare(outputs, assign(masks, SIZE, 4), SegmentationLoss(focal_gamma=1, dice_gain=1))


def test_pixels_of_255_have_neither_loss_nor_gradient(compare, loss_and_gradients):
    outputs, targets = random_case(4)
    options = SegmentationLoss(focal_gamma=0.5, dice_gain=1)
    before = compare(outputs, targets, options)
    ignored = targets["masks"] == IGNORE
    outputs[0][ignored] = outputs[0][ignored][:, ::-1] * 7 + 3
    terms, (gradient,) = loss_and_gradients(spec_of(4), options)(outputs, targets, SIZE)
    assert terms == pytest.approx(before, rel=1e-5)
    assert not gradient[ignored].any()
    assert gradient[~ignored].any(axis=-1).all()


def test_where_everything_is_ignored_there_is_no_loss(compare):
    outputs, _ = random_case(5)
    targets = assign([np.full(SIZE[::-1], IGNORE, np.uint8)] * 3, SIZE, 4)
    terms = compare(outputs, targets, SegmentationLoss(focal_gamma=2))
    assert terms["loss"] == 0
    # what is neither there nor found is right
    dice = SegmentationLoss(dice_gain=1)
    assert compare(outputs, targets, dice)["dice"] == 0


def test_an_image_without_a_pixel_that_counts_beside_others(compare):
    outputs, targets = random_case(6)
    targets["masks"][1] = IGNORE
    compare(outputs, targets, SegmentationLoss(focal_gamma=2, dice_gain=1))


def test_focal_loss_of_gamma_0_is_cross_entropy_and_weights_of_1_are_none(loss_and_gradients):
    outputs, targets = random_case(7)
    found = [
        loss_and_gradients(spec_of(4), SegmentationLoss(**options))(outputs, targets, SIZE)
        for options in ({}, {"focal_gamma": 0}, {"class_weights": (1, 1, 1, 1)}, {"focal_gamma": 1e-7})
    ]
    for terms, (gradient,) in found[1:]:
        assert terms == pytest.approx(found[0][0], rel=1e-5)
        np.testing.assert_allclose(gradient, found[0][1][0], atol=1e-7)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
@pytest.mark.parametrize("scale", [1e3, 1e6])
def test_enormous_logits_stay_finite(loss_and_gradients, gamma, scale):
    outputs, targets = random_case(8, scale=scale)
    outputs[0][0, 5] = [scale, 0, 0, 0]  # whether right or wrong, beyond doubt
    outputs[0][0, 6] = 0
    options = SegmentationLoss(focal_gamma=gamma, dice_gain=1)
    terms, (gradient,) = loss_and_gradients(spec_of(4), options)(outputs, targets, SIZE)
    assert terms == pytest.approx(segmentation_loss(outputs, targets, options), rel=1e-5)
    assert np.isfinite(gradient).all()
    reference = segmentation_loss_gradients(outputs, targets, options)[0]
    assert np.abs(gradient - reference).max() < 1e-5 * np.abs(reference).max()
