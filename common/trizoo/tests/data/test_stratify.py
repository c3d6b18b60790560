from types import SimpleNamespace

import numpy as np
import pytest

from trizoo.data.stratify import choose, choose_images, stratify


def images(number=1000, seed=0):
    """Sets of labels of which 0 is in most, 1 in a third, and 2 in one of fifty; some are empty."""
    random = np.random.default_rng(seed)
    return [{label for label, share in enumerate((0.9, 0.33, 0.02)) if random.random() < share} for _ in range(number)]


def test_every_class_is_shared_out_in_the_ratios():
    label_sets = images()
    where = stratify(label_sets, (0.8, 0.1, 0.1))
    for label in range(3):
        held = np.array([label in labels for labels in label_sets])
        shares = np.bincount(where[held], minlength=3) / held.sum()
        # within two images: the ratios of all classes can't be met by whole images at once
        np.testing.assert_allclose(shares, (0.8, 0.1, 0.1), atol=2 / held.sum())
    np.testing.assert_allclose(np.bincount(where) / 1000, (0.8, 0.1, 0.1), atol=0.01)


def test_the_same_seed_shares_out_alike_and_another_one_differently():
    label_sets = images(200)
    first = stratify(label_sets, (0.7, 0.3), seed=4)
    np.testing.assert_array_equal(first, stratify(label_sets, (0.7, 0.3), seed=4))
    assert (first != stratify(label_sets, (0.7, 0.3), seed=5)).any()


def test_images_that_belong_together_stay_together():
    label_sets = images(300)
    together = [number // 3 for number in range(300)]
    where = stratify(label_sets, (0.5, 0.5), together=together).reshape(-1, 3)
    assert (where == where[:, :1]).all()
    assert np.bincount(where[:, 0]).tolist() == [50, 50]


@pytest.mark.parametrize("number", [3, 4, 5, 9])
@pytest.mark.parametrize("labels", [set(), {0}, {0, 1}])
def test_every_split_gets_an_image_where_there_are_enough(number, labels):
    where = stratify([labels] * number, (0.8, 0.1, 0.1))
    assert set(where.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(8))
def test_an_empty_split_gets_an_image_that_takes_no_class_away(seed):
    where = stratify([{0}, set(), set(), {1}, {1}], (0.8, 0.1, 0.1), seed)
    assert where[0] == 0
    assert set(where.tolist()) == {0, 1, 2}


def test_fewer_images_than_splits_are_shared_out_all_the_same():
    assert len(stratify([{0}, {1}], (0.8, 0.1, 0.1))) == 2
    assert stratify([], (0.8, 0.2)).tolist() == []


def test_a_rare_class_is_chosen_as_often_as_a_frequent_one():
    label_sets = [{0}] * 900 + [{1}] * 90 + [{2}] * 10
    chosen = choose(label_sets, 30)
    assert len(chosen) == 30
    assert chosen == sorted(set(chosen))
    assert np.bincount([next(iter(label_sets[place])) for place in chosen]).tolist() == [10, 10, 10]


def test_images_without_a_class_get_their_share():
    label_sets = [set()] * 50 + [{0}] * 50
    assert sum(not label_sets[place] for place in choose(label_sets, 10)) == 5
    assert len(choose([set()] * 50, 10)) == 10


def test_as_many_as_there_are_is_all_of_them_and_a_seed_decides():
    label_sets = images(60)
    assert choose(label_sets, 60) == choose(label_sets, 99) == list(range(60))
    assert choose(label_sets, 20, seed=1) == choose(label_sets, 20, seed=1)
    assert choose(label_sets, 20, seed=1) != choose(label_sets, 20, seed=2)
    for most in range(1, 60):
        assert len(choose(label_sets, most)) == most


def test_of_labels_that_have_to_be_read_a_part_is_looked_at():
    read = []

    def labels_in(place):
        read.append(place)
        return {place % 2}

    source = SimpleNamespace(labels_in=labels_in, labels_are_read=True)
    chosen = choose_images(source, range(0, 1000, 2), 5)
    assert len(chosen) == 5
    assert len(read) == 40
    assert set(chosen) <= set(read) <= set(range(0, 1000, 2))
    source.labels_are_read = False
    read.clear()
    assert len(choose_images(source, list(range(100)), 5)) == 5
    assert len(read) == 100
    assert choose_images(source, [7, 3], 5) == [7, 3]
