import numpy as np
import pytest

from trizoo.augment import policy
from trizoo.augment.pipeline import augment, generator
from trizoo.augment.policy import GEOMETRIC, PHOTOMETRIC, rand_augment
from trizoo.ground.sample import Sample

BOXES = [(10, 20, 60, 50), (70, 5, 110, 40), (20, 60, 100, 85)]  # in 120 x 90


def photograph():
    """Something with colours, edges and a range of levels, and a box and a mask."""
    columns, rows = np.meshgrid(np.arange(60), np.arange(40))
    image = np.stack([40 + 3 * columns, 60 + 2 * rows, 90 + columns + rows], axis=-1).astype(np.uint8)
    image[10:30, 20:40] = (200, 60, 90)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 1
    return Sample(image, np.array([[20, 10, 40, 30]], np.float32), np.array([1]), mask)


@pytest.mark.parametrize("name", [*PHOTOMETRIC, *GEOMETRIC])
def test_an_operation_does_more_at_a_greater_strength_and_nothing_at_none(name):
    operation, sample = (PHOTOMETRIC | GEOMETRIC)[name], photograph()
    means = []
    for strength in (0, 0.3, 1):
        changed = [operation(sample, np.random.default_rng(seed), strength).image for seed in range(40)]
        means.append(np.mean([np.abs(image.astype(int) - sample.image).mean() for image in changed]))
    assert means[0] == 0
    assert 0.1 < means[1] < means[2]


@pytest.mark.parametrize("name", PHOTOMETRIC)
def test_photometric_operations_leave_boxes_and_mask(name):
    sample = photograph()
    changed = PHOTOMETRIC[name](sample, np.random.default_rng(1), 1)
    assert (changed.boxes is sample.boxes, changed.mask is sample.mask) == (True, True)


def test_the_policy_keeps_boxes_pixels_and_mask_together(paint, assert_in_step):
    sample, found = paint((120, 90), BOXES), 0
    for index in range(60):
        moved = GEOMETRIC["zoom"](sample, np.random.default_rng(index), 1)
        assert moved.size == (120, 90)
        found += assert_in_step(moved, 3)
    assert found > 100  # of 180


def test_geometric_operations_are_drawn_only_where_asked_for(monkeypatch):
    seen = []
    for table in (PHOTOMETRIC, GEOMETRIC):
        for name in table:
            monkeypatch.setitem(table, name, lambda sample, rng, strength, name=name: (seen.append(name), sample)[1])
    for geometric, count in ((False, len(PHOTOMETRIC)), (True, len(PHOTOMETRIC) + len(GEOMETRIC))):
        seen.clear()
        rng = np.random.default_rng(0)
        for _ in range(300):
            rand_augment(photograph(), rng, operations=3, geometric=geometric)
        assert len(seen) == 900
        counts = [seen.count(name) for name in set(seen)]
        assert len(counts) == count
        assert min(counts) > 0.7 * 900 / count  # each as often: 900 / 9 = 100 +- 9.4


def test_the_magnitude_is_the_strength(monkeypatch):
    strengths = set()

    def seen(sample, rng, strength):
        strengths.add(strength)
        return sample

    monkeypatch.setattr(policy, "PHOTOMETRIC", {"any": seen})
    for magnitude in (0, 2.5, 10):
        rand_augment(photograph(), np.random.default_rng(0), magnitude=magnitude)
    assert strengths == {0, 0.25, 1}


def test_the_same_generator_gives_the_same_sample_and_others_others():
    operations = [{"op": "rand_augment", "operations": 3, "magnitude": 8, "geometric": True}]

    def once(seed, epoch, index):
        return augment(photograph(), operations, (60, 40), generator(seed, epoch, index))

    first, again = once(3, 1, 7), once(3, 1, 7)
    for name in ("image", "boxes", "labels", "mask"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    for other in (once(4, 1, 7), once(3, 2, 7), once(3, 1, 8)):
        assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("probability", [0, 0.5, 1])
@pytest.mark.parametrize("operations", [1, 5])
def test_the_policy_always_takes_one_draw(operations, probability):
    for seed in range(4):
        rng, reference = np.random.default_rng(seed), np.random.default_rng(seed)
        rand_augment(photograph(), rng, operations, 10, True, probability)
        reference.random()
        assert rng.random() == reference.random()


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (70, 2)])
def test_the_policy_takes_any_size(size):
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    sample = Sample(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    rng = np.random.default_rng(0)
    assert all(rand_augment(sample, rng, 4, 10, True).size == size for _ in range(20))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"operations": 0}, "operations is 0"),
        ({"magnitude": 10.5}, "magnitude is 10.5; a number from 0 to 10"),
        ({"magnitude": -1}, "magnitude is -1"),
        ({"probability": 2}, "probability is 2"),
    ],
)
def test_the_policy_names_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        rand_augment(photograph(), np.random.default_rng(0), **parameters)
