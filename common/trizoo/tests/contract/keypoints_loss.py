"""The loss of key points and its gradient against the NumPy reference; see yolo_loss.py for `loss_and_gradients`."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.keypoints.reference import keypoint_loss, keypoint_loss_gradients
from trizoo.families.keypoints.spec import KeypointLoss
from trizoo.families.keypoints.targets import assign

SIZE, CLASSES = (160, 96), 3


def random_case(seed, count=3, scale=2.0):
    """A map of random values, and targets of marks, of which the last image has none."""
    rng = np.random.default_rng(seed)
    marks = [rng.uniform(0, SIZE, (number, 2)).astype(np.float32) for number in (5, 1, 0)[:count]]
    labels = [rng.integers(0, CLASSES, len(of_image)) for of_image in marks]
    targets = assign([np.concatenate([m - 15, m + 15], axis=1) for m in marks], labels, CLASSES, SIZE, 32)
    return [rng.normal(0, scale, (count, 3, 5, 3 + CLASSES)).astype(np.float32)], targets


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"negatives": 3.0},
        {"negatives": 0.0},
        {"offset_gain": 2.5, "class_gain": 0.5},
        {"class_weights": (0.5, 2.0, 0.0)},
        {"negatives": 1.5, "class_weights": (0.5, 2.0, 1.0)},
    ],
    ids=lambda options: ", ".join(f"{name} {value}" for name, value in options.items()) or "default",
)
def test_every_option_equals_the_reference(loss_and_gradients, options):
    for scale in (2.0, 1e4):
        outputs, targets = random_case(1, scale=scale)
        spec = model_spec("keypoints-stride32", CLASSES)
        terms, (gradient,) = loss_and_gradients(spec, KeypointLoss(**options))(outputs, targets, SIZE)
        expected = keypoint_loss(outputs, targets, **options)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        reference = keypoint_loss_gradients(outputs, targets, **options)
        assert np.abs(gradient - reference).max() < 1e-5 * np.abs(reference).max()
