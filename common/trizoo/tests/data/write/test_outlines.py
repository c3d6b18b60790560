import cv2
import numpy as np
import pytest

from trizoo.data.masks.polygons import paint
from trizoo.data.write.outlines import outlines


def filled(polygons, shape):
    """The pixels inside, by the zoo's own filling and by OpenCV's of whole numbers."""
    ours, theirs = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for polygon in polygons:
        paint(ours, polygon, 1)
        cv2.fillPoly(theirs, [polygon.astype(np.int32)], 1)
    return ours, theirs


def test_one_pixel_is_a_square_a_quarter_inside_it():
    pixels = np.zeros((3, 4), bool)
    pixels[1, 2] = True
    (polygon,) = outlines(pixels)
    assert sorted(polygon.tolist()) == [[2.25, 1.25], [2.25, 1.75], [2.75, 1.25], [2.75, 1.75]]


def test_nothing_has_no_outline():
    assert outlines(np.zeros((3, 4), bool)) == []


def test_a_ring_is_one_polygon_with_its_hole_cut_in():
    pixels = np.ones((5, 5), bool)
    pixels[2, 2] = False
    polygons = outlines(pixels)
    assert len(polygons) == 1
    for found in filled(polygons, pixels.shape):
        np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.5, 0.6, 0.9])
def test_any_pixels_come_back_whatever_fills_them(share):
    random = np.random.default_rng(round(10 * share))
    for _ in range(60):
        pixels = random.random(random.integers(1, 16, 2)) < share
        for found in filled(outlines(pixels), pixels.shape):
            np.testing.assert_array_equal(found, pixels)


def test_many_holes_in_one_region_come_back():
    pixels = cv2.GaussianBlur(np.random.default_rng(1).random((80, 90)), (0, 0), 1.2) < 0.55
    for found in filled(outlines(pixels), pixels.shape):
        np.testing.assert_array_equal(found, pixels)
