import numpy as np
import pytest

from trizoo.data.shapes import SHAPES, covered, fill, ground

PI = 3.14159


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("circle", PI),
        ("square", 2),  # half diagonal 1: 1.414 * 1.414
        ("triangle", 1.299),  # 3 * sqrt(3) / 4
        ("star", 1.1226),  # pentagram of the unit circle: 10 triangles of 1 * 0.38197 * sin(36 degrees) / 2
        ("cross", 1.92),  # two bars of 1.9 x 0.6 less their common 0.6 x 0.6
        ("ring", PI * 0.75),
        ("bar", 1.14),
        ("half", PI / 2),
    ],
)
@pytest.mark.parametrize("degrees", [0, 37])
def test_area_of_each_shape_is_that_of_geometry(shape, area, degrees):
    _, inside, count = covered(shape, 100, (150, 150), degrees, (300, 300))
    assert count == inside.sum()
    assert abs(count / 100**2 - area) < 0.01 * area


def test_shape_turns():
    _, flat, _ = covered("bar", 20, (50, 50), 0, (100, 100))
    _, upright, _ = covered("bar", 20, (50, 50), 90, (100, 100))
    np.testing.assert_array_equal(flat, upright.T)


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_of_the_image_cut_a_shape_off(shape):
    (top, left), inside, count = covered(shape, 10, (2.5, 95.25), 12, (100, 100))
    (far_top, far_left), whole, full = covered(shape, 10, (22.5, 35.25), 12, (100, 100))
    assert (top, left) == (85, 0)
    assert count == full
    # the same shape moved by (20, -60): the whole one's window begins at (25, 12), so 20 - 12 = 8 columns are cut off
    assert (far_top, far_left) == (25, 12)
    np.testing.assert_array_equal(inside, whole[: 100 - 85, 8:])


def test_ground_has_texture_and_fill_stands_out():
    pixels = ground(np.random.RandomState(0), (40, 30))
    assert pixels.shape == (30, 40, 3)
    assert pixels.std() > 3
    behind = pixels.mean((0, 1))
    colours = fill(np.random.RandomState(1), 50, behind)
    assert colours.shape == (50, 3)
    assert np.abs(colours.mean(0) - behind).sum() > 100
    assert colours.std(0).min() > 0


def test_fill_keeps_to_the_hues_it_is_given():
    for seed in range(20):
        red, green, blue = fill(np.random.RandomState(seed), 50, np.zeros(3), hues=(0.3, 0.36)).mean(0)
        assert green > max(red, blue)  # a third of the circle is green
