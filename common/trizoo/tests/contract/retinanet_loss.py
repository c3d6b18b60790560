"""RetinaNet's loss and its gradient against the NumPy reference.

`loss_and_gradients(spec, options)` comes from each zoo's conftest.py: a function of outputs (arrays), targets and
size that gives the terms {name: float} and the gradient of "loss" by each output.
"""

import numpy as np
import pytest

from trizoo.families.retinanet.reference import retinanet_loss, retinanet_loss_gradients
from trizoo.families.retinanet.spec import RETINANET_ARCHITECTURES, RetinaNetLoss
from trizoo.families.retinanet.targets import assign

SIZE = (96, 64)
ARCHITECTURE = RETINANET_ARCHITECTURES["retinanet-resnet18"]
SPEC = ARCHITECTURE.spec("retinanet-resnet18", 3)
BY_CORNERS = ARCHITECTURE.spec("retinanet-resnet18", 3, anchor_preset="keras-retinanet")
SPECS = pytest.mark.parametrize("spec", [SPEC, BY_CORNERS], ids=["centres", "corners"])
BOX_TERMS = pytest.mark.parametrize("box", ["l1", "giou"])
NO_BOXES = np.zeros((0, 4), np.float32)


def random_heads(rng, batch, spread=1.5):
    anchors = len(SPEC.grid(SIZE).boxes)
    return [rng.normal(0, spread, (batch, anchors, width)).astype(np.float32) for width in (4, SPEC.num_classes)]


def random_boxes(rng, count):
    corner = rng.uniform(0, 50, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 45, (count, 2))], axis=1).astype(np.float32).clip(0, 64)


def targets_of(*images, spec=SPEC):
    return assign(images, [np.arange(len(boxes)) % 3 for boxes in images], spec.grid(SIZE), spec.num_classes)


@pytest.fixture
def compare(loss_and_gradients):
    """A function that compares loss and gradients of outputs with the reference's, and gives the latter's."""

    def compared(outputs, targets, options=None, spec=SPEC):
        options = options or RetinaNetLoss()
        terms, gradients = loss_and_gradients(spec, options)(outputs, targets, SIZE)
        numbers = options.model_dump(exclude={"kind", "assigner", "positive_iou", "negative_iou", "low_quality"})
        expected = retinanet_loss(outputs, targets, spec.grid(SIZE), spec.coding, **numbers)
        references = retinanet_loss_gradients(outputs, targets, spec.grid(SIZE), spec.coding, **numbers)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        for ours, reference in zip(gradients, references, strict=True):
            assert np.abs(ours - reference).max() < max(2e-5 * np.abs(reference).max(), 1e-6)
        return expected, references

    return compared


@SPECS
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gamma": 0, "alpha": None, "box_beta": 1 / 9, "box_gain": 1.5, "class_gain": 0.3},
        {"gamma": 0.5, "alpha": 0.75},
        {"gamma": 2, "alpha": None, "box_beta": 1.0},
        {"box": "giou", "gamma": 0, "box_gain": 1.5, "class_gain": 0.3},
        {"box": "diou"},
        {"class_weights": (0.2, 3, 1), "class_gain": 0.3},
        {"score_iou": 1, "box": "giou"},
        {"score_iou": 0.5, "gamma": 1.5, "class_weights": (0.2, 3, 1)},
        {"score_iou": 1, "gamma": 0, "alpha": None},
    ],
    ids=str,
)
def test_terms_and_gradients_equal_the_reference(compare, options, spec):
    """With an image without boxes, two equal boxes, one of a pixel, and ignored anchors."""
    rng = np.random.default_rng(1)
    boxes = random_boxes(rng, 6)
    some = np.concatenate([boxes, boxes[:1], [[40.3, 20.2, 41.3, 21.2]]]).astype(np.float32)
    targets = targets_of(some, NO_BOXES, random_boxes(rng, 2), spec=spec)
    assert (targets["matches"] == -2).any()
    terms, _ = compare(random_heads(rng, 3, spread=0.7), targets, RetinaNetLoss(**options), spec)
    assert terms["box"] > 0


@BOX_TERMS
def test_images_without_boxes_have_background_only(compare, box):
    outputs = random_heads(np.random.default_rng(2), 2)
    terms, (of_deltas, of_logits) = compare(outputs, targets_of(NO_BOXES, NO_BOXES), RetinaNetLoss(box=box))
    assert terms["box"] == 0
    assert terms["class"] > 0
    assert not of_deltas.any()
    assert of_logits.all()


@BOX_TERMS
def test_everything_ignored_leaves_nothing(compare, box):
    targets = targets_of(random_boxes(np.random.default_rng(3), 2))
    targets["matches"][:] = -2
    terms, _ = compare(random_heads(np.random.default_rng(3), 1), targets, RetinaNetLoss(box=box))
    assert terms["loss"] == 0


@pytest.mark.parametrize(("box", "spec"), [("l1", SPEC), ("giou", BY_CORNERS)], ids=["l1", "giou of corners"])
def test_boxes_without_area_leave_the_gradient_finite(compare, box, spec):
    """The deltas of their anchors hold the log of next to nothing."""
    targets = targets_of(random_boxes(np.random.default_rng(4), 2), spec=spec)
    targets["boxes"][0, 0, 2:] = targets["boxes"][0, 0, :2]
    compare(random_heads(np.random.default_rng(4), 1, spread=0.7), targets, RetinaNetLoss(box=box), spec)


@pytest.mark.parametrize(("box", "spec"), [("l1", BY_CORNERS), ("giou", SPEC)], ids=["l1 of corners", "giou"])
def test_anchors_without_a_box_may_hold_any_deltas(compare, loss_and_gradients, box, spec):
    outputs = random_heads(np.random.default_rng(5), 1, spread=0.5)
    targets = targets_of(random_boxes(np.random.default_rng(5), 3), spec=spec)
    options = RetinaNetLoss(box=box, score_iou=1)
    expected, (of_deltas, _) = compare(outputs, targets, options, spec)
    without = targets["matches"][0] < 0
    outputs[0][0, without] = np.resize([np.nan, np.inf, -np.inf, 3e38], (without.sum(), 4))
    terms, gradients = loss_and_gradients(spec, options)(outputs, targets, SIZE)
    assert terms == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradients[0], of_deltas, atol=1e-5)


@pytest.mark.parametrize("enormous", [1e4, 1e20])
@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ({"gamma": 0}, SPEC),
        ({"gamma": 0.5, "box": "giou"}, SPEC),
        ({"box_beta": 1 / 9}, BY_CORNERS),
        ({"box": "giou"}, BY_CORNERS),
        ({"score_iou": 1}, SPEC),
        ({"score_iou": 0.5, "gamma": 0.5}, BY_CORNERS),
    ],
    ids=["cross-entropy", "giou", "corners", "giou of corners", "IoU", "IoU of corners"],
)
def test_enormous_raw_values_stay_finite(compare, options, spec, enormous):
    outputs = random_heads(np.random.default_rng(6), 2)
    for output in outputs:
        output[:] = np.sign(output) * np.float32(enormous)
    boxes = random_boxes(np.random.default_rng(6), 3)
    terms, references = compare(outputs, targets_of(boxes, boxes, spec=spec), RetinaNetLoss(**options), spec)
    assert np.isfinite(terms["loss"])
    assert all(np.isfinite(reference).all() for reference in references)
