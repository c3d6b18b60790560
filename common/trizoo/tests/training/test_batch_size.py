"""The batch that memory has room for, and what is said where it had none, with a framework that is none."""

import pytest

from trizoo.ground.errors import UserError
from trizoo.ground.memory import TooLittleMemoryError
from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.batch_size import LOADER, SHARE, explain, fit_batch_size, undecided
from trizoo.training.memory import estimate
from trizoo.training.order import check_groups
from trizoo.training.specs import spec_of
from trizoo.training.world import World

RECIPE = Recipe(classes=("a", "b"), input_size=(64, 64), freeze={"batch_size": 32})
SHAPES = {"conv.weight": (4, 3, 3, 3)}
SIZES = [(100, 80)] * 40  # whose pixels are 3 * 100 * 80 * 40 = 960,000 bytes
OPTIONS = {"sizes": SIZES, "workers": 0, "world": World()}


def framework_for(batch, recipe=RECIPE, shares=1, workers=0):
    """A framework with just enough memory for a batch."""
    framework = FakeFramework()
    known = estimate(framework, spec_of(recipe), recipe, SHAPES, (64, 64), "d", shares)
    framework.memory = shares * (known.total(batch) / SHARE + 960_000 * max(1, workers) + workers * LOADER + 2)
    return framework


def fitted(framework, recipe=RECIPE, **options):
    told = []
    recipe = fit_batch_size(framework, recipe, SHAPES, "d", told.append, **{**OPTIONS, **options})
    return recipe, told


@pytest.mark.parametrize("workers", [0, 3])
def test_the_largest_batch_that_fits_is_taken_in_frozen_epochs_too_and_told(workers):
    recipe, told = fitted(framework_for(8, workers=workers), workers=workers)
    assert (recipe.schedule.batch_size, recipe.freeze.batch_size) == (8, None)
    assert len(told) == 1
    assert told[0].startswith("batch size: 8, whose training takes an estimated 0.5 GiB of the 0.5 GiB")


def test_a_batch_is_no_larger_than_the_images_are_many_and_has_equal_parts():
    assert fitted(framework_for(512))[0].schedule.batch_size == 32
    recipe = RECIPE.model_copy(update={"schedule": RECIPE.schedule.model_copy(update={"accumulate": 3})})
    assert fitted(framework_for(512, recipe), recipe)[0].schedule.batch_size == 24


def with_groups(per_class):
    return RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"per_class": per_class})})


@pytest.mark.parametrize(("per_class", "room", "expected"), [(3, 512, 24), (3, 8, 6), (6, 512, 24), (32, 512, 32)])
def test_a_batch_holds_whole_groups_of_a_class(per_class, room, expected):
    recipe = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"per_class": per_class})})
    check_groups(undecided(recipe))
    assert fitted(framework_for(room, recipe), recipe)[0].schedule.batch_size == expected
    with pytest.raises(UserError, match="a batch has at least 128 images, where there are 40"):
        fitted(
            framework_for(512), RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"per_class": 128})})
        )


def test_processes_of_a_machine_share_its_memory_and_each_batch():
    two = World(0, 2, 2)
    assert fitted(framework_for(8, shares=2), world=two)[0].schedule.batch_size == 8
    with pytest.raises(UserError, match=r"0\.5 GiB, where 0\.2 GiB can be had"):
        fitted(framework_for(8), world=two)


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (
            100 << 20,
            r"auto, and 1 images of 64x64 would take an estimated 0.5 GiB, where 0.1 GiB can be had; a smaller",
        ),
        (0, "where 0.0 GiB can be had"),
        (None, "auto, and Fake 1.0 doesn't say how much memory its device has; a number is needed"),
    ],
)
def test_where_nothing_fits_or_nothing_is_known_a_sentence_says_so(memory, message):
    framework = FakeFramework()
    framework.memory = memory
    with pytest.raises(UserError, match=message):
        fitted(framework)


def test_a_batch_of_more_parts_than_images_is_refused():
    with pytest.raises(UserError, match="a batch has at least 64 images, where there are 40"):
        fitted(framework_for(512), world=World(0, 64, 1))


@pytest.mark.parametrize(
    ("framework", "message"),
    [
        (
            framework_for(8),
            r"for 24 images of 64x64 at once; 8 would fit by the estimate: --batch-size 8, or auto, or "
            r"--set schedule.accumulate=3, which takes the batch of 24 in parts$",
        ),
        (framework_for(64), "; 8 would fit by the estimate"),  # the estimate was too low: no more than half of 24
        (FakeFramework(), "; 1 would fit perhaps: --batch-size 1, or auto, or --set schedule.accumulate=24, "),
    ],
)
def test_too_little_memory_names_a_batch_that_fits(framework, message):
    error = TooLittleMemoryError(24, (64, 64))
    with pytest.raises(UserError, match=message):
        raise explain(error, framework, RECIPE, SHAPES, "d", **OPTIONS)


def test_of_a_single_image_the_input_is_too_large():
    error = TooLittleMemoryError(1, (64, 64))
    with pytest.raises(UserError, match="for 1 images of 64x64 at once; a smaller --input-size or model would do"):
        raise explain(error, framework_for(8), RECIPE, SHAPES, "d", **OPTIONS)
