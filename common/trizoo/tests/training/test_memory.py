"""The estimate of a training's memory, by hand."""

from dataclasses import replace

import pytest

from trizoo.recipes.schema import Recipe
from trizoo.tests.testing import FakeFramework
from trizoo.training.memory import Estimate, TeacherRoom, estimate
from trizoo.training.specs import spec_of

KNOWN = Estimate(
    parameters=10,
    gradients=9,
    slots=18,
    average=0,
    held=3,
    held_by_image=20,
    image=5,
    framework=100,
    factor=2.0,
)


def test_a_total_is_the_frameworks_own_and_a_factor_times_all_else():
    # 10 + 9 + 18 = 37; activations 3 + 4 * 20 = 83; images 4 * 5 = 20
    assert KNOWN.activations(4) == 83
    assert KNOWN.total(4) == 100 + 2 * (37 + 83 + 20)


def test_parts_of_a_batch_hold_activations_of_one_part_alone():
    assert replace(KNOWN, parts=2).total(4) == 100 + 2 * (37 + 43 + 20)


def test_a_teacher_takes_its_parameters_and_what_is_learned_or_its_pass_where_that_holds_more():
    taught = replace(KNOWN, teacher=TeacherRoom(parameters=1000, kept_by_image=7, held_by_image=27))
    assert taught.activations(4) == 83 + 4 * 7
    assert taught.total(4) == KNOWN.total(4) + 2 * (1000 + 4 * 7)
    wide = replace(taught, teacher=TeacherRoom(parameters=1000, kept_by_image=7, held_by_image=200))
    assert wide.activations(4) == 800


@pytest.mark.parametrize(
    ("room", "most", "batch"),
    [
        (KNOWN.total(8), 64, 8),
        (KNOWN.total(8) - 1, 64, 4),
        (KNOWN.total(64), 12, 8),  # of 12 images
        (KNOWN.total(1) - 1, 64, 0),
        (KNOWN.total(1), 0, 0),
    ],
)
def test_the_largest_batch_is_a_power_of_two_whose_total_fits(room, most, batch):
    assert KNOWN.largest(room, most) == batch


def test_the_largest_batch_has_equal_parts():
    assert replace(KNOWN, parts=3).largest(10**6, 64) == 48


def test_an_estimate_counts_arrays_of_four_bytes_and_what_an_image_adds():
    recipe = Recipe(classes=("a", "b"), ema={"decay": 0.9}, optimizer={"name": "adam"})
    shapes = {"conv.weight": (4, 3, 3, 3), "bn.weight": (4,), "bn.bias": (4,), "bn.running_mean": (4,)}
    known = estimate(FakeFramework(), spec_of(recipe), recipe, shapes, (64, 32), "d")
    # 4 * 27 = 108 numbers of the kernel, 8 that are trained and 4 statistics of the batch norm
    assert (known.parameters, known.gradients, known.slots, known.average) == (480, 464, 928, 480)
    image = 64 * 32 * 3
    assert (known.held, known.held_by_image, known.image) == (1_000_000, 2 * image, image)
