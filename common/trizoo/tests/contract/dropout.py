"""Dropout: what it leaves, off outside of training, and a classifier that trains with it as in the other frameworks.

Beside `zoo` it needs two fixtures: `kept_of`, a function of uint8 (B, H, W, 3), how many channels, and a share -> bool
(B, channels); and `drop`, a function of a share, float32 (B, C), images and whether it trains -> (B, C).
"""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.classification.dropout import PRIME, kept, weighed
from trizoo.parity.golden import TOLERANCE
from trizoo.parity.probe import drawn_batch
from trizoo.parity.pseudo import calm, pseudo_images
from trizoo.recipes.schema import Recipe
from trizoo.weights.initial import initial_arrays

LOSSES = (4.384725570678711, 3.4893274307250977)  # of the first steps, in PyTorch


def expected(images, channels, share):
    """By NumPy in int64."""
    sums = images.reshape(len(images), -1).sum(axis=1, dtype=np.int64)[:, None] % PRIME
    places = np.arange(len(images))[:, None]
    whole = weighed(sums, places).sum() % PRIME
    return kept(sums, whole, places, np.arange(channels)[None], share)


@pytest.mark.parametrize(("share", "size"), [(0.2, (96, 64)), (0.5, (33, 50)), (0.9, (32, 32))])
def test_the_same_features_stay_in_every_framework(kept_of, share, size):
    images = pseudo_images(5, size)
    assert np.array_equal(kept_of(images, 600, share), expected(images, 600, share))


def test_in_training_others_grow_by_what_is_lost_and_else_nothing_changes(drop):
    images, x = pseudo_images(4, (40, 32)), np.random.default_rng(0).normal(size=(4, 320)).astype(np.float32)
    stays = expected(images, 320, 0.25)
    np.testing.assert_allclose(drop(0.25, x, images, True), np.where(stays, x / 0.75, 0), rtol=1e-6)
    assert 0.1 < 1 - stays.mean() < 0.4
    assert np.array_equal(drop(0.25, x, images, False), x)
    assert np.array_equal(drop(0.0, x, images, True), x)


@pytest.mark.usefixtures("seldom")
def test_a_classifier_learns_with_dropout_as_in_the_other_frameworks(zoo):
    np.testing.assert_allclose(losses_of_steps(zoo, 0.5), LOSSES, rtol=TOLERANCE)


def losses_of_steps(zoo, share):
    """The losses of the first steps of a classifier."""
    spec, device = model_spec("classify-resnet18", 80, dropout=share), zoo.device("cpu")
    network = zoo.build(spec, device, seed=None)
    zoo.assign(network, calm(initial_arrays(zoo.shapes(network), 0, spec)))
    recipe = Recipe(loss={"kind": "classification"}, optimizer={"clip_norm": 10.0})
    learner = zoo.learner(network, spec, recipe, device)
    batch = drawn_batch("classify-resnet18", 0, (64, 64))
    return [float(learner.step(batch, 0.001)["loss"]) for _ in range(2)]
