"""Targets and the reference loss of classification, and what a spec says."""

import math

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.classification.reference import classification_loss, classification_loss_gradients
from trizoo.families.classification.spec import ClassificationLoss
from trizoo.families.classification.targets import assign
from trizoo.ground.errors import UserError


def of(*labels):
    """Shares of images of one class each."""
    return [{label: 1.0} for label in labels]


def test_targets_are_shares_of_classes_and_the_sum_of_their_weights():
    targets = assign(of(2, 0, 2), 3, (0.5, 1.0, 2.0))
    assert targets["shares"].tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert targets["shares"].dtype == np.float32
    assert targets["normaliser"] == 4.5
    assert assign(of(1), 2, (1.0, 0.0))["normaliser"] == 1  # not 0
    with pytest.raises(ValueError, match="1 of 2 images have no class"):
        assign([{0: 1.0}, None], 2)
    with pytest.raises(ValueError, match="an image's class is 2; 0 to 1 are the classes"):
        assign(of(0, 2), 2)


def test_a_blended_image_has_a_share_of_each_of_its_classes():
    targets = assign([{2: 0.75, 0: 0.25}, {1: 1.0}], 3, (0.5, 1.0, 2.0))
    assert targets["shares"].tolist() == [[0.25, 0, 0.75], [0, 1, 0]]
    assert targets["normaliser"] == 2.625  # 0.25 * 0.5 + 0.75 * 2 + 1


def test_the_loss_by_hand():
    logits = [np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])]
    plain = classification_loss(logits, assign(of(0, 2), 3), ClassificationLoss())
    assert plain["loss"] == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)
    # 0.7 of the class and 0.1 of each of the three
    smoothed = classification_loss(logits, assign(of(0, 2), 3), ClassificationLoss(label_smoothing=0.3))
    first = -0.8 * math.log(0.5) - 0.2 * math.log(0.25)
    second = -0.8 * math.log(0.8) - 0.2 * math.log(0.1)
    assert smoothed["loss"] == pytest.approx((first + second) / 2)


def test_a_blended_image_costs_what_its_classes_cost_by_their_shares():
    logits = [np.log([[0.5, 0.3, 0.2]])]
    blended = classification_loss(logits, assign([{0: 0.25, 2: 0.75}], 3), ClassificationLoss())
    assert blended["loss"] == pytest.approx(-0.25 * math.log(0.5) - 0.75 * math.log(0.2))
    options = ClassificationLoss(label_smoothing=0.3, class_weights=(2.0, 1.0, 0.5))
    alone = [classification_loss(logits, assign(of(label), 3), options)["loss"] for label in (0, 2)]
    targets = assign([{0: 0.25, 2: 0.75}], 3, options.class_weights)
    # the weights of both are in `alone`, and 0.25 * 2 + 0.75 * 0.5 = 0.875 is divided by
    assert classification_loss(logits, targets, options)["loss"] == pytest.approx(
        (0.25 * alone[0] + 0.75 * alone[1]) / 0.875
    )


def test_gradients_are_those_of_small_differences():
    step = 1e-6
    options = ClassificationLoss(label_smoothing=0.1, class_weights=(1.0, 0.5, 2.0, 1.0))
    logits = np.random.default_rng(0).normal(0, 2, (3, 4))
    targets = assign([{3: 1.0}, {1: 0.3, 0: 0.7}, {2: 1.0}], 4, options.class_weights)
    (gradient,) = classification_loss_gradients([logits], targets, options)
    for place in np.ndindex(logits.shape):
        here = np.zeros_like(logits)
        here[place] = step
        moved = (logits + here, logits - here)
        above, below = (classification_loss([values], targets, options)["loss"] for values in moved)
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-7)
    with pytest.raises(ValueError, match=r"logits have shape \(2, 4\); \(3, 4\) is needed"):
        classification_loss([logits[:2]], targets, options)


def test_any_backbone_can_be_asked_for_and_weights_need_every_class():
    spec = model_spec("classify-resnet18", 3, backbone="mobilenetv2")
    assert (spec.backbone, spec.last_channels, spec.least_values((64, 96))) == ("mobilenetv2", 1280, 6)
    assert model_spec("classify-vgg16", 3).least_values((64, 64)) is None  # no batch norm
    with pytest.raises(UserError, match=r"model.backbone is 'alexnet', which the zoo .*; classify-resnet18 can"):
        model_spec("classify-resnet18", 3, backbone="alexnet")
    with pytest.raises(UserError, match=r"loss.class_weights holds 2 numbers"):
        spec.check_loss(ClassificationLoss(class_weights=(1.0, 2.0)))
