"""The loss of multi-label classification and its gradient against the NumPy reference; see yolo_loss.py."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.multilabel.reference import multilabel_loss, multilabel_loss_gradients
from trizoo.families.multilabel.spec import MultilabelLoss
from trizoo.families.multilabel.targets import assign

CLASSES = 4
SHARES = ({0: 1.0, 3: 1.0}, {}, {1: 1.0}, {0: 1.0, 1: 0.4, 2: 0.6}, {2: 1.0, 0: 1.0, 1: 1.0, 3: 1.0})


@pytest.mark.parametrize(
    "options",
    [{}, {"label_smoothing": 0.1}, {"label_smoothing": 0.2, "class_weights": (0.5, 2.0, 0.0, 1.0)}],
    ids=["default", "smoothed", "weighted"],
)
def test_every_option_equals_the_reference(loss_and_gradients, options):
    section, targets = MultilabelLoss(**options), assign(SHARES, CLASSES)
    for scale in (2.0, 1e4):
        logits = np.random.default_rng(1).normal(0, scale, (5, CLASSES)).astype(np.float32)
        spec = model_spec("multilabel-resnet18", CLASSES)
        terms, (gradient,) = loss_and_gradients(spec, section)([logits], targets, (64, 64))
        expected = multilabel_loss([logits], targets, section)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        (reference,) = multilabel_loss_gradients([logits], targets, section)
        assert np.abs(gradient - reference).max() < 1e-5 * np.abs(reference).max()
