"""What is shown of training is what is trained on."""

import numpy as np
import pytest

from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tasks import task_of
from trizoo.training.preview import Preview


def preview(root, *overrides):
    """A Preview of the training images of a recipe with mosaics, two images a batch, at 64x64."""
    short = [
        ("data.root", root, "test"),
        ("input_size", [64, 64], "test"),
        ("schedule.batch_size", 2, "test"),
        ("schedule.epochs", 3, "test"),
    ]
    recipe = load(Recipe, file="yolov4", overrides=[*short, *((*pair, "test") for pair in overrides)]).recipe
    task = task_of(recipe.model.name)
    source = task.open(task.find(recipe.data), recipe.data, "train", ())
    return Preview(source, recipe.model_copy(update={"classes": source.classes}))


def test_batches_are_those_of_the_training_set(synthetic_data):
    made = preview(synthetic_data)
    shown = list(made.batches(6))
    assert [plan.step for plan, _ in shown] == [0, 1, 2]
    for plan, samples in shown:
        batch = made.training_set(plan)
        np.testing.assert_array_equal(batch.images, [sample.image for sample in samples])
        targets = made.training_set.spec.targets(samples, (64, 64), made.training_set.loss)
        for name, array in batch.targets.items():
            np.testing.assert_array_equal(targets[name], array)


def test_the_last_batch_is_cut_and_a_run_may_be_shorter(synthetic_data):
    made = preview(synthetic_data)
    assert [len(samples) for _, samples in made.batches(3)] == [2, 1]
    assert len(list(made.batches(10**6))) == made.plan.total_steps == 9  # 7 images are 3 batches of 2, in 3 epochs


def test_batches_change_their_size_as_the_run_does(synthetic_data):
    sizes = ("multi_scale.low", 0.5), ("multi_scale.high", 2.0), ("multi_scale.every", 1)
    made = preview(synthetic_data, *sizes)
    shown = [(plan, {sample.size for sample in samples}) for plan, samples in made.batches(12)]
    assert all(found == {made.plan.sizes.at(plan.step)} for plan, found in shown)
    assert len({size for _, found in shown for size in found}) > 1


def test_one_image_is_shown_in_the_batches_that_hold_it(synthetic_data):
    made = preview(synthetic_data)
    shown = list(made.epochs(4, 10))
    assert shown
    assert all(4 in plan.indices for plan, _ in shown)
    missing = {plan.step for plan in made.plan.batch_plans()} - {plan.step for plan, _ in shown}
    assert all(4 not in made.plan.batch_plan(step).indices for step in missing)
    plan, sample = shown[-1]
    np.testing.assert_array_equal(made.training_set(plan).images[plan.indices.index(4)], sample.image)
    assert len(list(made.epochs(4, 1))) == 1


@pytest.mark.parametrize(("index", "there"), [(1, True), (2, False)])
def test_an_overfitting_run_shows_its_few_images(synthetic_data, index, there):
    made = preview(synthetic_data, ("data.overfit", 2))
    assert made.plan.count == 2
    assert bool(list(made.epochs(index, 3))) == there
