"""The loss of classification and its gradient against the NumPy reference; see yolo_loss.py."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.classification.reference import classification_loss, classification_loss_gradients
from trizoo.families.classification.spec import ClassificationLoss
from trizoo.families.classification.targets import assign

CLASSES = 4
PLAIN = tuple({label: 1.0} for label in (0, 3, 1, 1, 2))
BLENDED = ({0: 0.3, 2: 0.7}, {3: 1.0}, {1: 0.5, 3: 0.5}, {1: 0.9, 2: 0.06, 0: 0.04}, {2: 0.0, 3: 1.0})


@pytest.mark.parametrize(
    "options",
    [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.2, "class_weights": (0.5, 2.0, 0.0, 1.0)}],
    ids=["default", "smoothed", "weighted"],
)
@pytest.mark.parametrize("shares", [PLAIN, BLENDED], ids=["plain", "blended"])
def test_every_option_equals_the_reference(loss_and_gradients, options, shares):
    section = ClassificationLoss(**options)
    for scale in (2.0, 1e4):
        logits = np.random.default_rng(1).normal(0, scale, (5, CLASSES)).astype(np.float32)
        targets = assign(shares, CLASSES, section.class_weights)
        spec = model_spec("classify-resnet18", CLASSES)
        terms, (gradient,) = loss_and_gradients(spec, section)([logits], targets, (64, 64))
        expected = classification_loss([logits], targets, section)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        (reference,) = classification_loss_gradients([logits], targets, section)
        assert np.abs(gradient - reference).max() < 1e-5 * np.abs(reference).max()
