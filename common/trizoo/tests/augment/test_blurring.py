import numpy as np
import pytest

from trizoo.augment.blurring import blur
from trizoo.ground.sample import Sample


def line(width=61, height=9):
    """A white column in the middle of black."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2] = 255
    boxes = np.array([[1, 2, 30, 8]], np.float32)
    return Sample(image, boxes, np.array([7]), np.full((height, width), 3, np.uint8))


@pytest.mark.parametrize("sigma", [0.8, 1.1, 2.0, 4.0])
def test_a_line_spreads_with_the_standard_deviation_asked_for(sigma):
    result = blur(line(), np.random.default_rng(0), 1, sigma=(sigma, sigma)).image[4, :, 0].astype(float)
    places = np.arange(61) - 30
    assert result.sum() == pytest.approx(255, rel=0.05)  # nothing is lost but by rounding
    assert (places * result).sum() == pytest.approx(0, abs=1)
    assert np.sqrt((places**2 * result).sum() / result.sum()) == pytest.approx(sigma, rel=0.1)


def test_both_directions_are_blurred_alike():
    image = np.zeros((21, 21, 3), np.uint8)
    image[8:13, 8:13] = 250
    result = blur(line().replace(image=image), np.random.default_rng(0), 1).image.astype(int)
    assert np.abs(result - result.swapaxes(0, 1)).max() <= 1  # each direction rounds
    assert 0 < result[7, 10, 0] < 250


def test_an_even_image_stays_even_up_to_its_border():
    image = np.full((9, 12, 3), (10, 120, 250), np.uint8)
    result = blur(line().replace(image=image), np.random.default_rng(0), 1, sigma=(3, 3)).image
    np.testing.assert_array_equal(result, image)


def test_boxes_labels_and_mask_stay_and_the_input_is_untouched():
    sample = line()
    result = blur(sample, np.random.default_rng(0), 1)
    assert result.boxes is sample.boxes
    assert result.labels is sample.labels
    assert result.mask is sample.mask
    np.testing.assert_array_equal(sample.image, line().image)
    assert not np.array_equal(result.image, sample.image)


def test_the_strength_is_drawn_between_the_limits():
    peaks = np.array([blur(line(), np.random.default_rng(seed), 1).image[4, 30, 0] for seed in range(200)])
    weakest, strongest = (
        blur(line(), np.random.default_rng(0), 1, sigma=(sigma, sigma)).image[4, 30, 0] for sigma in (0.5, 1.5)
    )
    assert strongest <= peaks.min() < strongest + 5
    assert weakest - 10 < peaks.max() <= weakest


@pytest.mark.parametrize("probability", [0, 1])
def test_two_draws_are_taken_whether_it_happens_or_not(probability):
    rng, expected = np.random.default_rng(3), np.random.default_rng(3)
    blur(line(), rng, probability)
    expected.random(2)
    assert rng.random() == expected.random()


def test_it_happens_as_often_as_asked():
    sample = line()
    happened = [blur(sample, np.random.default_rng(seed), 0.25) is not sample for seed in range(400)]
    assert abs(np.mean(happened) - 0.25) < 0.09  # 4 standard errors of 0.433 / sqrt(400)


@pytest.mark.parametrize("sigma", [(0, 1), (2, 1), (-1, 1)])
def test_a_bad_sigma_is_refused(sigma):
    with pytest.raises(ValueError, match="a pair with 0 < low <= high is needed"):
        blur(line(), np.random.default_rng(0), sigma=sigma)
