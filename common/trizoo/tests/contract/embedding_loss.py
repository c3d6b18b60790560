"""The losses of embeddings and their gradients against the NumPy reference; see yolo_loss.py."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.embedding.reference import embedding_loss, embedding_loss_gradients
from trizoo.families.embedding.spec import EmbeddingLoss

CLASSES, LABELS = 4, (0, 3, 1, 1, 0, 1, 2)  # images 1 and 6 are alone of their class


def drawn(seed, dimensions=6):
    """Vectors of length 1, and any cosines: float32 (7, D), (7, 4)."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(len(LABELS), dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [vectors.astype(np.float32), random.uniform(-0.99, 0.99, (len(LABELS), CLASSES)).astype(np.float32)]


class Labelled:
    """A sample of a class."""

    def __init__(self, label):
        self.label = label


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"margin": 0.3, "scale": 16.0},
        {"margin": 0.0},
        {"name": "triplet"},
        {"name": "triplet", "margin": 1.5},
        {"name": "circle"},
        {"name": "circle", "margin": 0.4, "scale": 8.0},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_every_loss_equals_the_reference(loss_and_gradients, options):
    section, spec = EmbeddingLoss(**options), model_spec("embed-resnet18", CLASSES)
    for seed in (1, 2):
        heads = drawn(seed)
        heads[1][0, LABELS[0]] = -0.97  # beyond pi with the margin
        targets = spec.targets([Labelled(label) for label in LABELS], (64, 64), section)
        terms, gradients = loss_and_gradients(spec, section)(heads, targets, (64, 64))
        expected = embedding_loss(heads, targets, section)
        assert terms.keys() == expected.keys()
        for name, value in expected.items():
            assert terms[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
        for gradient, reference in zip(gradients, embedding_loss_gradients(heads, targets, section), strict=True):
            assert np.abs(gradient - reference).max() <= 1e-5 * max(1, np.abs(reference).max())


@pytest.mark.parametrize("name", ["arcface", "triplet", "circle"])
def test_equal_vectors_have_a_finite_gradient(loss_and_gradients, name):
    section, spec = EmbeddingLoss(name=name), model_spec("embed-resnet18", CLASSES)
    heads = [np.tile(drawn(1)[0][:1], (4, 1)), np.ones((4, CLASSES), np.float32)]
    targets = spec.targets([Labelled(label) for label in (0, 0, 1, 1)], (64, 64), section)
    terms, gradients = loss_and_gradients(spec, section)(heads, targets, (64, 64))
    assert np.isfinite(list(terms.values())).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("name", ["triplet", "circle"])
def test_a_batch_without_pairs_costs_nothing(loss_and_gradients, name):
    section, spec = EmbeddingLoss(name=name), model_spec("embed-resnet18", CLASSES)
    for labels in ((0, 1, 2, 3), (2, 2, 2, 2)):
        targets = spec.targets([Labelled(label) for label in labels], (64, 64), section)
        heads = [array[:4] for array in drawn(1)]
        terms, gradients = loss_and_gradients(spec, section)(heads, targets, (64, 64))
        assert terms == {"loss": 0.0, "embedding": 0.0}
        assert not any(gradient.any() for gradient in gradients)
