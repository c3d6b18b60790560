"""Groups of images of one class, and what they refuse."""

from types import SimpleNamespace

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.training.order import Groups, check_groups, epoch_order, order_of


def test_a_batch_has_several_images_of_each_of_its_classes():
    labels = np.repeat([0, 1, 2, 3], [40, 8, 3, 1])
    groups = Groups(labels, 4)
    order = epoch_order(52, 0, 0, groups)
    assert len(order) == 52
    rows = labels[order].reshape(-1, 4)
    assert (rows == rows[:, :1]).all()
    assert len(rows) == 13  # of 10, 2, 1 and 1 groups
    assert not np.array_equal(order, epoch_order(52, 0, 1, groups))
    epoch_order.cache_clear()
    assert np.array_equal(order, epoch_order(52, 0, 0, Groups(labels, 4)))


def test_classes_are_spread_over_the_epoch():
    labels = np.repeat(np.arange(8), 40)
    for epoch in range(20):
        of_batches = labels[epoch_order(320, 3, epoch, Groups(labels, 4))].reshape(-1, 32)
        assert min(len(set(batch.tolist())) for batch in of_batches) >= 3  # of 8 groups


def test_an_order_is_as_the_recipe_asks():
    source = SimpleNamespace(
        labels_in=lambda place: {place % 2}, records=[SimpleNamespace(id=str(i)) for i in range(6)]
    )
    assert order_of(source, range(6), Recipe().data) is None
    assert order_of(source, [1, 2, 4], Recipe(data={"per_class": 2}).data).labels.tolist() == [1, 0, 0]
    source.labels_in = lambda place: {0, 1}
    with pytest.raises(UserError, match=r"data.per_class is 2, and 3 is of 2 classes"):
        order_of(source, [3], Recipe(data={"per_class": 2}).data)
    with pytest.raises(ValueError, match=r"per_class is 2 and rare_below 0.1"):
        Recipe(data={"per_class": 2, "rare_below": 0.1})


def test_batches_hold_whole_groups():
    for size, accumulate in ((8, 1), (16, 2)):
        check_groups(Recipe(data={"per_class": 4}, schedule={"batch_size": size, "accumulate": accumulate}))
    with pytest.raises(UserError, match=r"schedule.batch_size is 10, which .* a multiple of 4 would do"):
        check_groups(Recipe(data={"per_class": 4}, schedule={"batch_size": 10}))
    small = Recipe(
        data={"per_class": 4},
        schedule={"batch_size": 16, "accumulate": 4},
        freeze={"epochs": 1, "batch_size": 8},
    )
    with pytest.raises(UserError, match=r"freeze.batch_size is 8 in 4 parts, .* a multiple of 16 would do"):
        check_groups(small)


def test_groups_of_one_image_are_refused_where_images_of_a_class_are_compared():
    for name in ("triplet", "circle"):
        with pytest.raises(UserError, match=f"data.per_class is 1, and loss.name={name} compares images of a class"):
            check_groups(Recipe(data={"per_class": 1}, loss={"kind": "embedding", "name": name}))
        check_groups(Recipe(data={"per_class": 2}, loss={"kind": "embedding", "name": name}))
    check_groups(Recipe(data={"per_class": 1}, loss={"kind": "embedding", "name": "arcface"}))
