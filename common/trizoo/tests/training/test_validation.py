"""The loss on images that aren't trained on: which images, in what form, and what becomes of it."""

from typing import ClassVar

import numpy as np
import pytest

from trizoo.data.boxes.find import find_boxes
from trizoo.families import model_spec
from trizoo.ground.conventions import GREY
from trizoo.recipes.schema import Recipe
from trizoo.tests.voc_files import add, thing
from trizoo.training.validation import ValidationLoss
from trizoo.training.world import World


@pytest.fixture
def source(synthetic_data):
    return find_boxes(synthetic_data).open()


def validation_loss(source, members=range(10), **sections):
    recipe = Recipe(classes=source.classes, input_size=(64, 64), **sections)
    return ValidationLoss(source, members, recipe, model_spec("yolov3-tiny", len(source.classes)))


def sizes_of(loss):
    """The batches that are measured: their sizes."""
    seen = []
    loss.measure(lambda images: seen.append(len(images)) or [images], lambda *arguments: {"loss": 1.0})
    return seen


def test_it_is_the_mean_over_batches_of_images_as_they_are(source):
    shown = []

    def predict(images):
        shown.extend(images)
        return [images]

    losses = iter([4.0, 2.0])
    loss = validation_loss(source)
    assert loss.measure(predict, lambda outputs, targets, size: {"loss": next(losses), "box": 9.0}) == 3.0
    assert np.array_equal(np.stack(shown), np.stack([source.sample(number).image for number in range(10)]))


class Recorded(World):
    """Of two processes one whose losses are kept, and then the first, which has the other's."""

    kept: ClassVar = []

    def gather(self, arrays):
        if self.is_first:
            return [arrays, *self.kept]
        self.kept.append(arrays)
        return []


def test_processes_take_batches_in_turn_and_the_first_adds_in_the_order_of_one(source):
    losses, seen = [0.1, 0.7, 0.3], []
    loss = validation_loss(source, members=[*range(10), *range(10)], evaluate={"loss_images": 20})

    def measured(outputs, targets, size):
        return {"loss": losses[seen[-1]]}

    def measure(order, world):
        order = iter(order)
        return loss.measure(lambda images: seen.append(next(order)) or [images], measured, world)

    whole = measure([0, 1, 2], World())
    assert whole == sum(losses) / 3 != sum(reversed(losses)) / 3
    assert (measure([1], Recorded(1, 2)), measure([0, 2], Recorded(0, 2))) == (None, whole)
    assert seen == [0, 1, 2, 1, 0, 2]


def test_as_many_images_as_the_recipe_says_are_taken_evenly_spread(source):
    assert sizes_of(validation_loss(source)) == [8, 2]
    assert sizes_of(validation_loss(source, members=[*range(10)] * 2, evaluate={"loss_images": 10})) == [8]
    few = validation_loss(source, evaluate={"loss_images": 3})
    assert few.images.members == [0, 4, 8]
    none = validation_loss(source, evaluate={"loss_images": 0})
    assert none.measure(None, None) is None
    assert validation_loss(source, members=[]).measure(None, None) is None


def test_images_as_they_are_get_the_canvas_that_the_model_takes(tmp_path):
    """With `resize: none` those of validation may have sizes that no model takes; an evaluation pads them, too."""
    add(tmp_path, "high", thing("a", 10, 10, 50, 90), (64, 96))
    add(tmp_path, "wide", thing("a", 10, 10, 60, 50), (100, 61))
    source = find_boxes(tmp_path).open()
    recipe = Recipe(classes=["a"], input_size=(64, 96), resize="none")
    seen = []
    loss = ValidationLoss(source, [0, 1], recipe, model_spec("yolov3-tiny", 1))

    def predict(images):
        seen.append(images)
        return [images]

    assert loss.measure(predict, lambda outputs, targets, size: {"loss": sum(size)}) == 128 + 96
    assert seen[0].shape == (2, 96, 128, 3)
    assert (seen[0][0, :, 64:] == GREY).all()
