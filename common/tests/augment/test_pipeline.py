import numpy as np
import pytest

from common.augment.pipeline import OPERATIONS, PARAMETERS, augment, check_operations, generator
from common.data.sample import Sample

BOXES = [(10, 20, 60, 50), (70, 5, 110, 40), (20, 60, 100, 85)]  # in 120 x 90
TRAINING = [{"op": "random_placement"}, {"op": "flip"}, {"op": "hsv"}]


def noise_sample(width, height):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, width, height]], np.float32)
    return Sample(image, boxes, np.array([2]), rng.integers(0, 21, (height, width), dtype=np.uint8))


def assert_equal(a, b):
    for name in ("image", "boxes", "labels", "mask"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_generator_gives_these_numbers_on_every_machine():
    # Recorded with NumPy 2.4. A change breaks every run that is resumed: it belongs in the changelog.
    expected = [0.6002748007110185, 0.5492796314869205, 0.17813541512148]
    assert generator(7, 2, 5).random(3).tolist() == pytest.approx(expected, abs=1e-15)
    expected = [0.20054960142203693, 0.09855926297384099]
    assert generator(7, 2, 5).uniform(-1, 1, 2).tolist() == pytest.approx(expected, abs=1e-15)


def test_generator_differs_in_each_of_its_numbers():
    streams = {generator(seed, epoch, index).random() for seed in range(6) for epoch in range(6) for index in range(6)}
    assert len(streams) == 6**3


def test_generator_takes_numpy_integers_and_large_seeds():
    assert generator(np.int64(7), np.int32(2), np.uint8(5)).random() == generator(7, 2, 5).random()
    assert 0 <= generator(2**63, 0, 0).random() < 1


def test_generator_refuses_a_negative_number():
    with pytest.raises(ValueError, match="non-negative"):
        generator(0, -1, 0)


def test_neighbouring_streams_are_not_related():
    first = np.array([generator(0, 0, index).random(2) for index in range(2000)])
    assert abs(first.mean() - 0.5) < 0.02  # 0.289 / sqrt(4000) = 0.0046
    assert abs(np.corrcoef(first[:-1, 0], first[1:, 0])[0, 1]) < 0.1  # 1 / sqrt(2000) = 0.022


def test_the_training_pipeline_keeps_boxes_pixels_and_mask_together(paint, assert_in_step):
    sample = paint((120, 90), BOXES)
    operations = [*TRAINING, {"op": "vertical_flip"}]
    found = [
        assert_in_step(augment(sample, operations, size, generator(0, 0, index)), 3)
        for size in [(96, 96), (64, 128)]
        for index in range(100)
    ]
    assert sum(found) > 350  # of 600: the test isn't satisfied by dropping boxes


def test_operations_before_and_after_the_placement_keep_step(paint, assert_in_step):
    operations = [
        {"op": "flip"},
        {"op": "hsv"},
        {"op": "vertical_flip"},
        {"op": "place", "policy": "stretch"},
        {"op": "flip"},
    ]
    for index in range(30):
        assert assert_in_step(augment(paint((120, 90), BOXES), operations, (80, 100), generator(1, 0, index)), 3) == 3


def test_the_same_generator_gives_the_same_sample():
    sample = noise_sample(64, 48)
    first, again, other = (augment(sample, TRAINING, (40, 40), generator(0, epoch, 3)) for epoch in (1, 1, 2))
    assert_equal(first, again)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("policy", ["letterbox", "stretch"])
def test_without_operations_the_policy_places_the_sample(policy):
    sample = noise_sample(64, 48)
    plain = augment(sample, [], (40, 40), generator(0, 0, 0), policy)
    operation = {"op": "place", "policy": policy}
    assert_equal(plain, augment(sample, [operation], (40, 40), generator(0, 0, 0)))
    expected = {"letterbox": [0, 5, 40, 35], "stretch": [0, 0, 40, 40]}  # 48 * 40 / 64 = 30; (40 - 30) / 2 = 5
    assert plain.boxes.tolist() == [expected[policy]]
    assert (plain.mask == 255).sum() == {"letterbox": 400, "stretch": 0}[policy]


def test_a_sample_of_the_right_size_stays_as_it_is():
    sample = noise_sample(40, 40)
    assert_equal(augment(sample, [], (40, 40), generator(0, 0, 0)), sample)


@pytest.mark.parametrize("operations", [[], TRAINING, TRAINING[1:], [{"op": "vertical_flip", "probability": 1}]])
@pytest.mark.parametrize("original", [(1, 1), (1, 900), (900, 1), (64, 48)])
def test_every_sample_has_the_size_and_canonical_arrays(operations, original):
    for index in range(5):
        sample = augment(noise_sample(*original), operations, [48, 32], generator(0, 0, index))
        assert sample.image.shape == (32, 48, 3)
        assert sample.mask.shape == (32, 48)
        assert sample.boxes.shape == (len(sample.labels), 4)
        assert [a.dtype for a in (sample.image, sample.boxes, sample.labels, sample.mask)] == ["u1", "f4", "i8", "u1"]
        assert all(a.flags.c_contiguous for a in (sample.image, sample.boxes, sample.labels, sample.mask))


def test_dtypes_and_memory_order_are_put_right():
    image = np.zeros((8, 8, 3), np.uint8)[:, ::-1]
    sample = Sample(image, np.array([[1, 1, 5, 5]], np.float64), np.array([1], np.int32), np.zeros((8, 8), np.uint8).T)
    result = augment(sample, [], (8, 8), generator(0, 0, 0))
    assert (result.boxes.dtype, result.labels.dtype) == (np.float32, np.int64)
    assert result.image.flags.c_contiguous
    assert result.mask.flags.c_contiguous


def test_boxes_are_clipped_and_slivers_go():
    boxes = np.array([[-5, 2, 5, 6], [0, 0, 1, 8], [7.5, 0, 20, 8]], np.float32)
    sample = Sample(np.zeros((8, 8, 3), np.uint8), boxes, np.array([4, 5, 6]))
    result = augment(sample, [], (8, 8), generator(0, 0, 0))
    assert result.boxes.tolist() == [[0, 2, 5, 6]]
    assert result.labels.tolist() == [4]


def test_a_sample_without_boxes_and_mask():
    sample = Sample(np.zeros((9, 7, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    result = augment(sample, TRAINING, (16, 16), generator(0, 0, 0))
    assert result.boxes.shape == (0, 4)
    assert result.labels.shape == (0,)
    assert result.mask is None


def test_the_input_is_untouched():
    sample, reference = noise_sample(64, 48), noise_sample(64, 48)
    for index in range(5):
        augment(sample, [*TRAINING, {"op": "vertical_flip"}], (40, 40), generator(0, 0, index))
    assert_equal(sample, reference)


def test_padding_of_the_mask_is_255_and_of_the_image_grey():
    operations = [{"op": "random_placement", "scale": [0.3, 0.5]}, {"op": "flip"}]
    sample = noise_sample(64, 48)
    result = augment(sample.replace(image=np.zeros_like(sample.image)), operations, (40, 40), generator(0, 0, 0))
    padding = result.mask == 255
    assert 0.5 < padding.mean() < 1
    assert (result.image[padding] == 128).all()
    assert (result.image[~padding] == 0).all()


def test_one_operations_outcome_leaves_the_others_draws_alone():
    sample = noise_sample(64, 48)
    outcomes = set()
    for probability in (0, 0.5, 1):
        chances = [{"op": name, "probability": probability} for name in ("flip", "vertical_flip", "hsv")]
        rng = generator(0, 0, 1)
        augment(sample, [*chances, {"op": "random_placement"}], (40, 40), rng)
        outcomes.add(rng.random())  # the next draw: each operation took as many, whether it happened or not
    assert len(outcomes) == 1


def test_an_unknown_operation_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match="'mosaik'; one of random_placement, place, flip, vertical_flip, hsv"):
        augment(noise_sample(4, 4), [{"op": "flip"}, {"op": "mosaik"}], (8, 8), generator(0, 0, 0))
    with pytest.raises(ValueError, match="unknown operation None"):
        check_operations([{"probability": 1}])


def test_an_unknown_parameter_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match="flip has no parameter 'probabilty'; it has probability"):
        check_operations([{"op": "flip", "probabilty": 0.5}])
    with pytest.raises(ValueError, match="place has no parameter 'rng'"):
        check_operations([{"op": "place", "rng": 1}])


def test_a_bad_size_or_policy_is_an_error():
    with pytest.raises(ValueError, match="size is 416"):
        augment(noise_sample(4, 4), [], 416, generator(0, 0, 0))
    with pytest.raises(ValueError, match="unknown resize policy 'crop'"):
        augment(noise_sample(4, 4), [], (8, 8), generator(0, 0, 0), "crop")


def test_the_parameters_of_every_operation_are_known():
    assert {name: set(PARAMETERS[name]) for name in OPERATIONS} == {
        "random_placement": {"jitter", "scale", "fill", "min_visible"},
        "place": {"policy", "fill"},
        "flip": {"probability"},
        "vertical_flip": {"probability"},
        "hsv": {"hue", "saturation", "value", "probability"},
    }
    assert all(check_operations([{"op": name, key: 0}]) is None for name in OPERATIONS for key in PARAMETERS[name])
