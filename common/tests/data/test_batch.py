import numpy as np
import pytest

from common.augment.pipeline import generator
from common.data.batch import BatchPlan, batch_plan, epoch_order


def test_an_epochs_order_is_a_permutation_of_its_seed_and_number():
    order = epoch_order(50, 3, 1)
    assert sorted(order) == list(range(50))
    epoch_order.cache_clear()
    np.testing.assert_array_equal(order, epoch_order(50, 3, 1))
    assert order.tolist() != epoch_order(50, 3, 2).tolist()
    assert order.tolist() != epoch_order(50, 4, 1).tolist()


def test_the_order_of_a_seed_stays_what_it_was():
    # a run resumed with another version of NumPy, or of ours, must go on with the same batches
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
