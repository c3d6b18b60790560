"""Targets and the reference loss of classification, and what a spec says."""

import math

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.classification.reference import classification_loss, classification_loss_gradients
from trizoo.families.classification.spec import ClassificationLoss
from trizoo.families.classification.targets import assign
from trizoo.ground.errors import UserError


def test_targets_are_classes_and_the_sum_of_their_weights():
    targets = assign([2, 0, 2], 3, (0.5, 1.0, 2.0))
    assert targets["classes"].tolist() == [2, 0, 2]
    assert targets["normaliser"] == 4.5
    assert assign([1], 2, (1.0, 0.0))["normaliser"] == 1  # not 0
    with pytest.raises(ValueError, match="1 of 2 images have no class"):
        assign([0, None], 2)
    with pytest.raises(ValueError, match="an image's class is 2; 0 to 1 are the classes"):
        assign([0, 2], 2)


def test_the_loss_by_hand():
    logits = [np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])]
    plain = classification_loss(logits, assign([0, 2], 3), ClassificationLoss())
    assert plain["loss"] == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)
    # 0.7 of the class and 0.1 of each of the three
    smoothed = classification_loss(logits, assign([0, 2], 3), ClassificationLoss(label_smoothing=0.3))
    first = -0.8 * math.log(0.5) - 0.2 * math.log(0.25)
    second = -0.8 * math.log(0.8) - 0.2 * math.log(0.1)
    assert smoothed["loss"] == pytest.approx((first + second) / 2)


def test_gradients_are_those_of_small_differences():
    step = 1e-6
    options = ClassificationLoss(label_smoothing=0.1, class_weights=(1.0, 0.5, 2.0, 1.0))
    logits, targets = np.random.default_rng(0).normal(0, 2, (3, 4)), assign([3, 1, 2], 4, options.class_weights)
    (gradient,) = classification_loss_gradients([logits], targets, options)
    for place in np.ndindex(logits.shape):
        here = np.zeros_like(logits)
        here[place] = step
        moved = (logits + here, logits - here)
        above, below = (classification_loss([values], targets, options)["loss"] for values in moved)
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-7)
    with pytest.raises(ValueError, match=r"logits have shape \(2, 4\); \(3, classes\) is needed"):
        classification_loss([logits[:2]], targets, options)


def test_any_backbone_can_be_asked_for_and_weights_need_every_class():
    spec = model_spec("classify-resnet18", 3, backbone="mobilenetv2")
    assert (spec.backbone, spec.last_channels, spec.least_values((64, 96))) == ("mobilenetv2", 1280, 6)
    assert model_spec("classify-vgg16", 3).least_values((64, 64)) is None  # no batch norm
    with pytest.raises(UserError, match=r"model.backbone is 'alexnet', which the zoo .*; classify-resnet18 can"):
        model_spec("classify-resnet18", 3, backbone="alexnet")
    with pytest.raises(UserError, match=r"loss.class_weights holds 2 numbers"):
        spec.check_loss(ClassificationLoss(class_weights=(1.0, 2.0)))
