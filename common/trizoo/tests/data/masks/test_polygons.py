import numpy as np
import pytest

from trizoo.data.masks import polygons
from trizoo.data.masks.polygons import Ink, paint

pycocotools = pytest.importorskip("pycocotools.mask")


def painted(outline, size=(6, 5)):
    canvas = np.zeros(size[::-1], np.uint8)
    paint(canvas, outline, 7)
    return canvas


def test_a_rectangle_covers_the_pixels_between_its_corners():
    canvas = painted([(1, 2), (4, 2), (4, 4), (1, 4)])
    assert canvas.sum() == 7 * 6  # 3 x 2 pixels
    assert (canvas[2:4, 1:4] == 7).all()


def test_direction_and_repeated_points_change_nothing():
    outline = [(1, 2), (4, 2), (4, 2), (4, 4), (1, 4), (1, 2)]
    assert np.array_equal(painted(outline), painted(outline[::-1]))
    assert painted(outline).sum() == 42


def test_what_sticks_out_is_cut_off():
    assert (painted([(-10, -10), (100, -10), (100, 100), (-10, 100)]) == 7).all()
    assert painted([(-3, 1), (2, 1), (2, 3), (-3, 3)]).sum() == 7 * 4
    assert not painted([(10, 10), (20, 10), (20, 20)]).any()
    assert not painted([(-9, 1), (-2, 1), (-2, 3), (-9, 3)]).any()


def test_outlines_that_cover_no_centre_say_so():
    canvas = np.zeros((4, 4), np.uint8)
    assert not paint(canvas, [(1, 1), (1.2, 1), (1.2, 1.2)], 1)
    assert not paint(canvas, [(1, 1), (3, 1)], 1)
    assert not paint(canvas, np.zeros((0, 2)), 1)
    assert not canvas.any()


def test_neighbours_that_share_an_edge_share_no_pixel_and_leave_none():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b, c, d = rng.uniform(0, 1, (4, 2)) * [20, 16] + [[0, 0], [20, 0], [20, 16], [0, 16]]
        first, second, both = (np.zeros((40, 50), np.uint8) for _ in range(3))
        paint(first, [a, b, c], 1)
        paint(second, [a, c, d], 1)
        paint(both, [a, b, c, d], 1)
        assert np.array_equal(first ^ second, both)


def test_a_hole_by_the_even_odd_rule():
    canvas = painted([(0, 0), (6, 0), (6, 5), (0, 5), (0, 0), (2, 1), (4, 1), (4, 3), (2, 3), (2, 1)])
    assert (canvas[1:3, 2:4] == 0).all()
    assert canvas.sum() == 7 * (30 - 4)


def test_every_pixel_is_as_a_slow_test_of_its_centre_says():
    rng = np.random.default_rng(1)
    for _ in range(20):
        outline = rng.uniform(-3, 15, (rng.integers(3, 9), 2))
        slow = np.zeros((10, 12), np.uint8)
        for row in range(10):
            for column in range(12):
                x, y = column + 0.5, row + 0.5
                for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
                    if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
                        slow[row, column] ^= 1
        fast = np.zeros_like(slow)
        paint(fast, outline, 1)
        assert np.array_equal(fast, slow)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools with NumPy 2
def test_outlines_are_nearly_what_coco_draws():
    rng = np.random.default_rng(3)
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for _ in range(10):
        radii = rng.uniform(15, 40, 12)
        outline = np.stack([50 + radii * np.cos(angles), 48 + radii * np.sin(angles)], axis=1)
        canvas = np.zeros((96, 100), np.uint8)
        paint(canvas, outline, 1)
        theirs = pycocotools.decode(pycocotools.frPyObjects([outline.ravel().tolist()], 96, 100))[..., 0]
        assert (canvas & theirs).sum() / (canvas | theirs).sum() > 0.95


def test_bands_and_the_whole_are_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    outline = rng.uniform(-5, 60, (40, 2))
    whole, bands = np.zeros((50, 55), np.uint8), np.zeros((50, 55), np.uint8)
    assert paint(whole, outline, 7)
    monkeypatch.setattr(polygons, "_BAND", 100)
    assert paint(bands, outline, 7)
    assert np.array_equal(whole, bands)


def test_what_covers_an_image_again_and_again_runs_out_of_ink(monkeypatch):
    """Of 20 x 10 pixels four times: 800. The rectangle has 200, with a column more on the right that is cut off."""
    monkeypatch.setattr(polygons, "MOST_PAINTED", 0)
    canvas = np.zeros((10, 20), np.uint8)
    ink = Ink(canvas.size)
    for _ in range(4):
        paint(canvas, [(0, 0), (20, 0), (20, 10), (0, 10)], 1, ink)
    with pytest.raises(ValueError, match="cover more than 800 pixels"):
        paint(canvas, [(0, 0), (20, 0), (20, 10), (0, 10)], 1, ink)


def test_edges_that_cross_an_image_again_and_again_are_refused():
    """10,000 edges over 1000 rows are ten million; at most 8,388,608 are drawn."""
    with pytest.raises(ValueError, match="which no picture needs"):
        paint(np.zeros((1000, 10), np.uint8), [(1, 0), (5, 1000)] * 5000, 1)
