"""Targets and the reference losses of embeddings, and what a spec says."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from trizoo.families import architecture, model_spec
from trizoo.families.embedding.reference import embedding_loss, embedding_loss_gradients
from trizoo.families.embedding.spec import EmbeddingLoss, EmbeddingOptions
from trizoo.families.embedding.targets import assign, paired
from trizoo.ground.errors import UserError

LABELS = [0, 1, 0, 2, 1, 0]  # class 2 has one image


def drawn(seed=0):
    """Vectors (6, 5) of length 1, and cosines (6, 3)."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(6, 5))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), random.uniform(-0.9, 0.9, (6, 3))


def test_images_count_that_have_one_of_their_class_and_one_of_another():
    assert paired(np.array(LABELS)).tolist() == [True, True, True, False, True, True]
    assert assign(LABELS, 3)["normaliser"] == 5
    assert assign(LABELS, 3, pairs=False)["normaliser"] == 6
    assert assign([1, 1], 3)["normaliser"] == 1  # none counts, and it isn't 0
    with pytest.raises(ValueError, match="an image's class is 3; 0 to 2 are the classes"):
        assign([3], 3)


def test_arcface_by_hand():
    cosines = np.array([[math.cos(0.3), 0.2], [0.1, -0.99]])
    section = EmbeddingLoss(margin=0.5, scale=2.0)
    loss = embedding_loss([np.zeros((2, 1)), cosines], assign([0, 1], 2, pairs=False), section)["loss"]
    # of the second the angle plus the margin is beyond pi
    right = (math.cos(0.8), -0.99 - 0.5 * math.sin(0.5))
    assert loss == pytest.approx(
        sum(math.log1p(math.exp(2 * (other - own))) for own, other in zip(right, (0.2, 0.1), strict=True)) / 2
    )


def test_triplets_by_hand():
    angles = np.radians([0, 60, 180, 90])  # distances 1 from 0 to 60 degrees, 2 to 180, the root of 2 to 90
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    section = EmbeddingLoss(name="triplet", margin=0.5)
    loss = embedding_loss([vectors, np.zeros((4, 2))], assign([0, 0, 1, 1], 2), section)["loss"]
    near = 2 * math.sin(math.radians(15))  # from 60 to 90 degrees
    far = 2 * math.sin(math.radians(60))  # from 60 to 180
    root = math.sqrt(2)
    costs = (1 - root + 0.5, 1 - near + 0.5, root - far + 0.5, root - near + 0.5)
    assert loss == pytest.approx(sum(max(0, cost) for cost in costs) / 4)


def circle(vectors, frozen, labels, margin, scale):
    """Sum over images by the paper's formula, pair by pair, with the weights of `frozen`."""
    total = 0.0
    for i, label in enumerate(labels):
        same, other = 0.0, 0.0
        for j, another in enumerate(labels):
            s, still = vectors[i] @ vectors[j], frozen[i] @ frozen[j]
            if another != label:
                other += math.exp(scale * max(0, still + margin) * (s - margin))
            elif i != j:
                same += math.exp(-scale * max(0, 1 + margin - still) * (s - 1 + margin))
        if same and other:
            total += math.log1p(same * other)
    return total


def test_circle_loss_equals_the_formula_pair_by_pair():
    vectors, cosines = drawn()
    found = embedding_loss([vectors, cosines], assign(LABELS, 3), EmbeddingLoss(name="circle", margin=0.3, scale=4.0))
    assert found["loss"] == pytest.approx(circle(vectors, vectors, LABELS, 0.3, 4.0) / 5)


@pytest.mark.parametrize("name", ["arcface", "triplet", "circle"])
def test_gradients_are_those_of_small_differences(name):
    step, outputs = 1e-6, drawn(1)
    section = EmbeddingLoss(name=name, scale=4.0)
    targets = assign(LABELS, 3, name != "arcface")

    def loss(heads):
        if name == "circle":  # its weights have no gradient
            return circle(heads[0], outputs[0], LABELS, 0.25, 4.0) / 5
        return embedding_loss(heads, targets, section)["loss"]

    for which, gradient in enumerate(embedding_loss_gradients(outputs, targets, section)):
        for place in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                heads = [output.copy() for output in outputs]
                heads[which][place] += sign * step
                sides.append(loss(heads))
            assert gradient[place] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-7)


def test_a_spec_has_its_dimensions_and_losses_their_usual_margins():
    assert model_spec("embed-resnet18", 3).embedding == 128
    spec = model_spec("embed-mobilenetv2", 3, embedding=32, backbone="darknet53")
    assert (spec.embedding, spec.backbone, spec.family) == (32, "darknet53", "embedding")
    assert spec.settings(architecture("embed-mobilenetv2"))["embedding"] == 32
    assert EmbeddingLoss().margin_and_scale == (0.5, 30)
    assert EmbeddingLoss(name="circle", scale=8).margin_and_scale == (0.25, 8)
    with pytest.raises(UserError, match="gives a vector of the whole image, so it has no heat map"):
        spec.heat([], (32, 32))
    with pytest.raises(UserError, match=r"model.embedding is 9, which classify-resnet18 doesn't have"):
        model_spec("classify-resnet18", 3, embedding=9)


@pytest.mark.parametrize("numbers", [0, 8193, 99_999_999])
def test_a_vector_has_one_to_8192_numbers(numbers):
    with pytest.raises(ValidationError, match=r"8192|greater than"):
        EmbeddingOptions(embedding=numbers)
