import numpy as np
import pytest

from trizoo.augment.pipeline import generator
from trizoo.families import architecture
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import BatchPlan, InputSizes, batch_plan
from trizoo.training.order import Repeats, epoch_order
from trizoo.training.specs import spec_of


def test_an_epochs_order_is_a_permutation_of_its_seed_and_number():
    order = epoch_order(50, 3, 1)
    assert sorted(order) == list(range(50))
    epoch_order.cache_clear()
    np.testing.assert_array_equal(order, epoch_order(50, 3, 1))
    assert order.tolist() != epoch_order(50, 3, 2).tolist()
    assert order.tolist() != epoch_order(50, 4, 1).tolist()


def test_the_order_of_a_seed_stays_what_it_was():
    # a run resumed with another version of NumPy, or of ours, must have the same batches
    assert epoch_order(8, 0, 0).tolist() == [6, 3, 4, 7, 2, 0, 1, 5]
    assert epoch_order(8, 1, 5).tolist() == [3, 5, 4, 2, 6, 7, 1, 0]


def test_the_order_shares_no_random_stream_with_an_image():
    # NumPy pads seeds with zeros, so that (seed, epoch) alone is also (seed, epoch, 0)
    assert epoch_order(50, 3, 1).tolist() != generator(3, 1, 0).permutation(50).tolist()


def test_the_shared_order_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        epoch_order(5, 0, 0)[0] = 1


def test_a_plan_takes_the_next_places_of_the_order():
    order = epoch_order(10, 0, 2).tolist()
    assert batch_plan(7, 2, 3, 4, 10, 0) == BatchPlan(7, 2, tuple(order[3:7]), (3, 4, 5, 6))


def test_where_images_are_too_few_the_order_repeats_but_places_do_not():
    order = epoch_order(3, 0, 0).tolist()
    plan = batch_plan(0, 0, 0, 8, 3, 0)
    assert plan.indices == (*order, *order, *order[:2])
    assert plan.positions == tuple(range(8))


def test_a_plan_carries_progress_and_size():
    plan = batch_plan(7, 2, 3, 4, 10, 0, progress=0.25, size=(64, 32))
    assert (plan.progress, plan.size) == (0.25, (64, 32))


def test_sizes_are_multiples_between_the_ends_and_change_every_few_steps():
    sizes = InputSizes((416, 416), 32, seed=3, low=0.75, high=1.45, every=10)
    found = [sizes.at(step) for step in range(2000)]
    assert all(width == height and width % 32 == 0 for width, height in found)
    assert {width for width, _ in found} == set(range(320, 609, 32))  # from 312 to 603
    assert (sizes.smallest, sizes.largest) == (min(found), max(found))
    assert all(len(set(found[step : step + 10])) == 1 for step in range(0, 2000, 10))
    changes = sum(found[step] != found[step + 10] for step in range(0, 1990, 10))
    assert changes > 150  # of 199: one of ten sizes stays with a chance of about 0.1


def test_sizes_keep_the_shape_as_far_as_the_multiple_allows():
    sizes = InputSizes((640, 320), 32, seed=0, low=0.01, high=2)
    for step in range(200):
        width, height = sizes.at(step)
        assert abs(width - 2 * height) <= 32
    assert sizes.smallest == (32, 32)  # a cell at least
    assert sizes.largest == (1280, 640)


def test_sizes_depend_on_seed_and_step_alone():
    sizes = InputSizes((416, 416), 32, seed=3, low=0.5, high=1.5, every=4)
    backwards = [InputSizes((416, 416), 32, 3, 0.5, 1.5, 4).at(step) for step in reversed(range(100))]
    assert [sizes.at(step) for step in range(100)] == backwards[::-1]
    # a run resumed with another version of NumPy, or of ours, must have the same sizes
    assert [sizes.at(step)[0] for step in range(0, 24, 4)] == [224, 352, 288, 256, 384, 544]
    other = InputSizes((416, 416), 32, seed=4, low=0.5, high=1.5, every=4)
    assert [sizes.at(step) for step in range(100)] != [other.at(step) for step in range(100)]


def test_without_multi_scale_the_size_is_the_recipes():
    sizes = InputSizes.of(Recipe(input_size=(96, 64)), architecture("yolov3-tiny"))
    assert {sizes.at(step) for step in range(50)} == {sizes.smallest, sizes.largest} == {(96, 64)}
    recipe = Recipe(input_size=(96, 64), seed=5, multi_scale={"low": 0.5, "high": 2, "every": 3})
    changing = InputSizes.of(recipe, architecture("yolov3-tiny"))
    assert changing == InputSizes((96, 64), 32, seed=5, low=0.5, high=2, every=3)


def test_images_come_as_often_as_their_factors_say_and_an_epoch_stays_as_long():
    repeats = Repeats(np.array([3.5] + [1.0] * 9))
    orders = [epoch_order(10, 0, epoch, repeats).tolist() for epoch in range(3000)]
    assert {len(order) for order in orders} == {10}
    share = np.mean([order.count(0) for order in orders])
    # 10 of 12 or 13 places, 3 or 4 of which are its own
    assert share == pytest.approx((10 * 3 / 12 + 10 * 4 / 13) / 2, rel=0.03)
    epoch_order.cache_clear()
    assert epoch_order(10, 0, 7, Repeats(repeats.factors.copy())).tolist() == orders[7]
    assert epoch_order(10, 0, 7).tolist() != orders[7]


def test_factors_of_1_leave_every_image_once_an_epoch():
    assert sorted(epoch_order(20, 1, 2, Repeats(np.ones(20))).tolist()) == list(range(20))


def test_a_step_has_one_of_a_list_of_sizes_turned_as_the_input_is():
    listed = ((640, 1333), (800, 1333), (480, 800))
    sizes = InputSizes((1333, 800), 1, seed=3, every=4, sizes=listed)
    found = [sizes.at(step) for step in range(200)]
    assert set(found) == {(1333, 640), (1333, 800), (800, 480)}
    assert all(len(set(found[first : first + 4])) == 1 for first in range(0, 200, 4))
    assert (sizes.smallest, sizes.largest) == ((800, 480), (1333, 800))
    assert InputSizes((600, 1000), 1, seed=3, sizes=listed).largest == (800, 1333)


def test_a_list_of_sizes_is_of_sizes_that_the_model_takes_and_in_place_of_factors():
    sizes = [[64, 96], [96, 96]]
    assert spec_of(Recipe(classes=("a",), multi_scale={"sizes": sizes})).name == "yolov3-tiny"
    with pytest.raises(UserError, match="input size 100x64 doesn't fit yolov3-tiny"):
        spec_of(Recipe(classes=("a",), multi_scale={"sizes": [[64, 100]]}))
    with pytest.raises(ValueError, match=r"sizes has \[96, 64\]; the shorter side comes first"):
        Recipe(multi_scale={"sizes": [[96, 64]]})
    with pytest.raises(ValueError, match="sizes or factors are needed, not both"):
        Recipe(multi_scale={"sizes": sizes, "low": 0.5})
    with pytest.raises(ValueError, match=r"multi_scale is \[\[64, 96\], \[96, 96\]\], and resize none takes images"):
        Recipe(multi_scale={"sizes": sizes}, resize="none")
    model = Recipe(model={"name": "ssd300-vgg16"}, multi_scale={"sizes": sizes})
    with pytest.raises(UserError, match=r"multi_scale is .* and ssd300-vgg16 takes one size alone"):
        InputSizes.of(model, architecture("ssd300-vgg16"))
