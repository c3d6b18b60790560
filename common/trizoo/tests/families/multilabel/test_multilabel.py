"""Targets and the reference loss of multi-label classification, and what a spec says."""

import math

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.multilabel.reference import multilabel_loss, multilabel_loss_gradients
from trizoo.families.multilabel.spec import MultilabelLoss
from trizoo.families.multilabel.targets import assign
from trizoo.ground.errors import UserError

LABELS = ({0: 1.0, 2: 1.0}, {})


def test_targets_have_a_share_of_each_label_and_count_images():
    targets = assign([{2: 1.0, 0: 0.25}, {}], 3)
    assert targets["shares"].tolist() == [[0.25, 0, 1], [0, 0, 0]]
    assert (targets["shares"].dtype, targets["normaliser"]) == (np.float32, 2)
    with pytest.raises(ValueError, match="1 of 2 images have no class"):
        assign([{0: 1.0}, None], 2)
    with pytest.raises(ValueError, match="an image's class is 2; 0 to 1 are the classes"):
        assign([{2: 1.0}], 2)


def test_the_loss_by_hand():
    # sigmoid(log(p / (1 - p))) = p: probabilities 0.8, 0.5, 0.6 and 0.2, 0.5, 0.1
    logits = [np.log([[4, 1, 1.5], [0.25, 1, 1 / 9]])]
    first = -math.log(0.8) - math.log(0.5) - math.log(0.6)
    second = -math.log(0.8) - math.log(0.5) - math.log(0.9)
    assert multilabel_loss(logits, assign(LABELS, 3), MultilabelLoss())["loss"] == pytest.approx((first + second) / 2)
    # a class of the weight 2 counts twice
    weighted = multilabel_loss(logits, assign(LABELS, 3), MultilabelLoss(class_weights=(1.0, 1.0, 2.0)))["loss"]
    assert weighted == pytest.approx((first + second - math.log(0.6) - math.log(0.9)) / 2)
    # 0.9 instead of 1 and 0.1 instead of 0
    smoothed = multilabel_loss([np.log([[4.0]])], assign([{0: 1.0}], 1), MultilabelLoss(label_smoothing=0.2))["loss"]
    assert smoothed == pytest.approx(-0.9 * math.log(0.8) - 0.1 * math.log(0.2))


def test_gradients_are_those_of_small_differences():
    step = 1e-6
    options = MultilabelLoss(label_smoothing=0.1, class_weights=(1.0, 0.5, 2.0, 1.0))
    logits = np.random.default_rng(0).normal(0, 2, (3, 4))
    targets = assign([{3: 1.0, 0: 1.0}, {}, {1: 0.3}], 4)
    (gradient,) = multilabel_loss_gradients([logits], targets, options)
    for place in np.ndindex(logits.shape):
        here = np.zeros_like(logits)
        here[place] = step
        above, below = (
            multilabel_loss([values], targets, options)["loss"] for values in (logits + here, logits - here)
        )
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-7)
    with pytest.raises(ValueError, match=r"logits have shape \(2, 4\); \(3, 4\) is needed"):
        multilabel_loss([logits[:2]], targets, options)


def test_classes_are_not_exclusive_and_weights_need_every_one():
    spec = model_spec("multilabel-resnet18", 2, backbone="mobilenetv2")
    assert (spec.exclusive, spec.backbone, spec.output_names) == (False, "mobilenetv2", ("logits",))
    assert spec.probabilities(np.log([[3.0, 1.0]])) == pytest.approx(np.array([[0.75, 0.5]]))
    assert model_spec("classify-resnet18", 2).probabilities(np.log([[3.0, 1.0]])) == pytest.approx(
        np.array([[0.75, 0.25]])
    )
    with pytest.raises(UserError, match=r"loss.class_weights holds 1 number"):
        spec.check_loss(MultilabelLoss(class_weights=(1.0,)))
    with pytest.raises(UserError, match="multilabel-resnet18 gives labels of whole images"):
        spec.heat(None, (64, 64))
