import colorsys

import cv2
import numpy as np
import pytest

from trizoo.augment.colour import brightness_contrast, clahe, hsv, scale_hsv, scale_levels
from trizoo.ground.sample import Sample


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_sample(image):
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    return Sample(image, boxes, np.array([7]), np.zeros(image.shape[:2], np.uint8))


def pixel(colour, *gains):
    return scale_hsv(np.array([[colour]], np.uint8), *gains)[0, 0].tolist()


def test_gains_by_hand():
    # (200, 100, 100): value 200, saturation 0.5
    assert pixel((200, 100, 100), 1, 1, 1.2) == [240, 120, 120]
    assert pixel((200, 100, 100), 1, 1.5, 1) == [200, 51, 51]  # saturation 0.75: 200 * 0.25 = 50; in bytes 128 * 1.5
    assert pixel((200, 100, 100), 1, 3, 1) == [200, 0, 0]  # saturation clips at 1
    assert pixel((200, 100, 100), 1, 1, 1.5) == [255, 128, 128]  # value clips at 255; 255 * 0.5 = 127.5
    assert pixel((200, 100, 50), 1, 0, 1) == [200, 200, 200]
    # (0, 200, 0) has hue 1/3; times 1.1 it is 2.2 sixths: blue gets 0.2 of 200, to half a step of 6 / 255
    assert pixel((0, 200, 0), 1.1, 1, 1) == pytest.approx([0, 200, 40], abs=200 * 3 / 255)


def test_hue_wraps_past_red():
    # (200, 0, 100) has hue 5.5 sixths; times 1.1 it is 6.05 -> 0.05: green gets 0.05 of 200
    assert pixel((200, 0, 100), 1.1, 1, 1) == pytest.approx([200, 10, 0], abs=200 * 6 / 255)


def test_gains_of_one_change_nothing():
    image = noise(40, 25)
    same = scale_hsv(image, 1.0, 1.0, 1.0)
    assert np.array_equal(same, image)
    assert not np.shares_memory(same, image)


@pytest.mark.parametrize(
    "gains", [(1.1, 1.7, 1.4), (0.9, 0.3, 0.6), (1.05, 1.2, 0.8), (0.0, 1.0, 1.0), (2.0, 2.0, 2.0)]
)
def test_agrees_with_the_standard_librarys_conversion(gains):
    image = noise(40, 25)
    image[0, :5] = [(0, 0, 0), (255, 255, 255), (9, 9, 9), (255, 0, 0), (255, 0, 255)]
    expected, below_red = [], []
    for colour in image.reshape(-1, 3) / 255:
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        below_red.append(hue > 255.5 / 256)  # in bytes that is red, 0, and no gain turns it
        hue, saturation, value = np.multiply((hue, saturation, value), gains)
        expected.append(colorsys.hsv_to_rgb(hue % 1, min(saturation, 1), min(value, 1)))
    expected = np.array(expected).reshape(image.shape) * 255
    # Hue and saturation are bytes before and after: each rounds by half a step, and its gain enlarges the first error.
    # A step of hue moves the middle channel by 6 levels, one of saturation the lowest by one.
    hue, saturation = (0.5 * gain + 0.5 for gain in gains[:2])
    off = np.abs(scale_hsv(image, *gains) - expected)[~np.reshape(below_red, image.shape[:2])]
    assert len(off) > 990
    assert off.max() <= 6 * hue + saturation + 1
    assert off.mean() <= 1.5


def test_grey_stays_grey():
    grey = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(16, 16, 3)
    assert np.array_equal(scale_hsv(grey, 1.1, 1.7, 1.0), grey)
    brighter = scale_hsv(grey, 1.1, 1.7, 1.3)
    assert np.ptp(brighter, axis=2).max() == 0
    assert brighter[6, 4].tolist() == [130] * 3  # 100 * 1.3


def test_an_image_in_reversed_memory_is_read_rightly():
    image = noise(40, 30)
    changed = scale_hsv(image[:, ::-1], 1.05, 1.3, 0.9)
    assert np.array_equal(changed[:, ::-1], scale_hsv(image, 1.05, 1.3, 0.9))
    assert changed.flags.c_contiguous


def test_hsv_changes_the_image_alone_and_in_a_new_array():
    image = noise(20, 10)
    sample = as_sample(image.copy())
    changed = hsv(sample, np.random.default_rng(0))
    assert not np.array_equal(changed.image, image)
    assert np.array_equal(sample.image, image)
    assert changed.image.dtype == np.uint8
    assert changed.boxes is sample.boxes
    assert changed.labels is sample.labels
    assert changed.mask is sample.mask


def test_hsv_of_strength_zero_changes_nothing():
    sample = as_sample(noise(20, 10))
    changed = hsv(sample, np.random.default_rng(0), hue=0, saturation=0, value=0)
    assert np.array_equal(changed.image, sample.image)


def test_hsv_draws_its_gains_uniformly():
    sample, rng = as_sample(np.full((1, 1, 3), (100, 100, 50), np.uint8)), np.random.default_rng(0)
    changed = np.array([hsv(sample, rng, hue=0).image[0, 0] for _ in range(1000)]) / 100
    value = changed.max(axis=1)
    saturation = 1 - changed[:, 2] / value  # 0.5 times its gain
    assert 0.59 < value.min() < 0.62
    assert 1.38 < value.max() < 1.41
    assert abs(value.mean() - 1) < 0.04  # 0.8 / sqrt(12) / sqrt(1000) = 0.007
    assert 0.13 < saturation.min() < 0.17  # 0.5 * 0.3
    assert 0.83 < saturation.max() < 0.87  # 0.5 * 1.7
    assert abs(np.corrcoef(value, saturation)[0, 1]) < 0.15  # drawn apart


def test_hsv_turns_the_hue_both_ways_by_its_strength():
    # Green is 2 sixths; times 0.9 ... 1.1 it is 1.8 ... 2.2: red gets up to 0.2 of 200 below, blue above
    sample, rng = as_sample(np.full((1, 1, 3), (0, 200, 0), np.uint8)), np.random.default_rng(0)
    red, _, blue = np.array([hsv(sample, rng, saturation=0, value=0).image[0, 0] for _ in range(300)]).T
    assert red.max() in range(36, 45)  # 40, to half a step of hue: 200 * 3 / 255
    assert blue.max() in range(36, 45)
    assert (np.minimum(red, blue) == 0).all()


@pytest.mark.parametrize("probability", [0, 0.5, 1])
def test_hsv_always_takes_four_draws(probability):
    rng, reference = np.random.default_rng(3), np.random.default_rng(3)
    hsv(as_sample(noise(2, 2)), rng, probability=probability)
    reference.random(4)
    assert rng.random() == reference.random()


def test_hsv_happens_as_often_as_asked():
    sample, rng = as_sample(noise(2, 2)), np.random.default_rng(0)
    assert all(hsv(sample, rng, probability=0) is sample for _ in range(50))
    happened = sum(hsv(sample, rng, probability=0.25) is not sample for _ in range(800))
    assert 150 < happened < 250  # 200 +- 4 standard deviations, sqrt(800 * 0.25 * 0.75) = 12.2


@pytest.mark.parametrize("name", ["hue", "saturation", "value", "probability"])
@pytest.mark.parametrize("number", [-0.1, 1.1])
def test_hsv_names_a_bad_strength(name, number):
    with pytest.raises(ValueError, match=f"{name} is {number}"):
        hsv(as_sample(noise(2, 2)), np.random.default_rng(0), **{name: number})


def test_levels_are_spread_about_the_mean_and_moved_by_hand():
    image = np.array([[[60, 80, 100], [100, 120, 140]]], np.uint8)  # mean (80 + 120) / 2 = 100
    assert scale_levels(image, 1, 0).tolist() == image.tolist()
    assert scale_levels(image, 1.5, 0).tolist() == [[[40, 70, 100], [100, 130, 160]]]
    assert scale_levels(image, 0, 0).tolist() == [[[100] * 3, [100] * 3]]
    assert scale_levels(image, 1, 0.2).tolist() == (image + 51).tolist()  # 255 * 0.2
    assert scale_levels(image, 1, -0.4).tolist() == [[[0, 0, 0], [0, 18, 38]]]  # less 102, clipped
    assert scale_levels(image, 2, 0.5)[0, 1].tolist() == [228, 255, 255]  # 100 + 127.5 rounds to 228


def test_brightness_reaches_black_which_a_gain_of_value_does_not():
    black, rng = as_sample(np.zeros((4, 4, 3), np.uint8)), np.random.default_rng(0)
    assert all((hsv(black, rng).image == 0).all() for _ in range(20))
    levels = [brightness_contrast(black, rng, 0.2, 0, 1).image.max() for _ in range(400)]
    assert 0.4 < np.mean(np.array(levels) > 0) < 0.6  # half of the offsets are above 0
    assert 48 <= max(levels) <= 51  # 0.2 * 255


def test_contrast_is_drawn_uniformly_and_keeps_the_mean():
    image = np.array([[[100, 100, 100], [140, 140, 140]]], np.uint8)
    rng = np.random.default_rng(0)
    found = np.array([brightness_contrast(as_sample(image), rng, 0, 0.5, 1).image[0, :, 0] for _ in range(500)])
    spread = (found[:, 1].astype(int) - found[:, 0]) / 40
    assert np.abs(found.mean(axis=1) - 120).max() <= 0.5
    assert 0.5 <= spread.min() < 0.53
    assert 1.47 < spread.max() <= 1.5
    assert abs(spread.mean() - 1) < 0.05  # 1 / sqrt(12) / sqrt(500) = 0.013


def test_clahe_raises_contrast_where_there_is_little():
    ramp = np.linspace(100, 130, 128).astype(np.uint8)
    image = np.broadcast_to(ramp[None, :, None], (128, 128, 3)).copy()
    ranges = []
    for limit in (1.0, 2.0, 8.0):
        result = clahe(as_sample(image), np.random.default_rng(0), 1, (limit, limit), tiles=1).image
        assert (np.diff(result[0, :, 0].astype(int)) >= 0).all()  # what was darker stays darker
        assert np.ptp(result, axis=2).max() <= 2  # grey stays grey, to rounding in CIELAB
        ranges.append(int(np.ptp(result)))
    assert 30 < ranges[0] < ranges[1] < ranges[2]


def test_clahe_keeps_the_colours():
    rng = np.random.default_rng(1)
    image = rng.integers(90, 160, (64, 64, 3), np.uint8)
    result = clahe(as_sample(image), rng, 1, (2.0, 2.0)).image
    before, after = (cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 1:].astype(int) for pixels in (image, result))
    assert np.abs(after - before).mean() < 1.5
    assert not np.array_equal(result, image)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (9, 7)])
def test_clahe_of_images_smaller_than_its_tiles(size):
    image = noise(*size)
    assert clahe(as_sample(image), np.random.default_rng(0), 1).image.shape == image.shape


@pytest.mark.parametrize(("operation", "count"), [(brightness_contrast, 3), (clahe, 2)])
def test_levels_change_in_the_image_alone_and_draws_do_not_depend_on_it(operation, count):
    image = noise(20, 10)
    sample = as_sample(image.copy())
    for probability in (0, 0.5, 1):
        rng, reference = np.random.default_rng(3), np.random.default_rng(3)
        operation(sample, rng, probability=probability)
        reference.random(count)
        assert rng.random() == reference.random()
    changed = operation(sample, np.random.default_rng(0), probability=1)
    assert np.array_equal(sample.image, image)
    assert not np.array_equal(changed.image, image)
    assert changed.image.dtype == np.uint8
    assert (changed.boxes is sample.boxes, changed.labels is sample.labels, changed.mask is sample.mask) == (True,) * 3
    rng = np.random.default_rng(0)
    happened = sum(operation(sample, rng, probability=0.25) is not sample for _ in range(800))
    assert 150 < happened < 250  # 200 +- 4 standard deviations, sqrt(800 * 0.25 * 0.75) = 12.2


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (brightness_contrast, {"brightness": 1.1}, "brightness is 1.1"),
        (brightness_contrast, {"contrast": -0.1}, "contrast is -0.1"),
        (brightness_contrast, {"probability": 2}, "probability is 2"),
        (clahe, {"clip": (2, 1)}, r"clip is \(2, 1\)"),
        (clahe, {"clip": (0, 1)}, r"clip is \(0, 1\)"),
        (clahe, {"tiles": 0}, "tiles is 0"),
        (clahe, {"probability": -1}, "probability is -1"),
    ],
)
def test_levels_name_bad_parameters(operation, parameters, message):
    with pytest.raises(ValueError, match=message):
        operation(as_sample(noise(2, 2)), np.random.default_rng(0), **parameters)
