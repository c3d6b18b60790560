"""What a data set holds, counted; numbers worked by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.find import find_masks
from trizoo.data.statistics import GRID, evenly, of_boxes, of_masks
from trizoo.ground.sample import Record


def record(boxes=(), labels=(), size=(100, 50)):
    return Record("a", Path("a.jpg"), size, np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64))


def test_boxes_are_counted_by_class_image_size_and_shape():
    counts = of_boxes(
        [
            record([[0, 0, 40, 10], [10, 10, 20, 20]], [1, 1]),
            record([[90, 40, 100, 50]], [0]),
            record(size=(30, 30)),
        ],
        3,
    )
    assert counts.objects.tolist() == [1, 2, 0]
    assert counts.holders.tolist() == [1, 1, 0]
    assert counts.per_image.tolist() == [2, 1, 0]
    assert counts.without == 1
    np.testing.assert_allclose(counts.sides, [20, 10, 10])  # sqrt(40 * 10), sqrt(10 * 10)
    np.testing.assert_allclose(counts.ratios, [4, 1, 1])  # 40 / 10
    assert counts.sizes == {(100, 50): 2, (30, 30): 1}


def test_centres_lie_in_their_cell_from_the_upper_left_corner():
    # (20, 5) of 100 x 50 is column 32 * 0.2 = 6.4 and row 32 * 0.1 = 3.2; (99, 49.5) is 31.7 in both
    counts = of_boxes([record([[0, 0, 40, 10], [98, 49, 100, 50]], [0, 0])], 1)
    assert counts.centres.sum() == 2
    assert counts.centres[3, 6] == 1
    assert counts.centres[GRID - 1, GRID - 1] == 1


def test_records_may_come_one_by_one_and_without_boxes():
    counts = of_boxes(iter([record(), record()]), 2)
    assert counts.objects.tolist() == [0, 0]
    assert len(counts.sides) == 0
    assert counts.centres.shape == (GRID, GRID)
    assert counts.without == 2


@pytest.fixture
def masks(tmp_path):
    """Three images of 64 x 64: class 1 on the left half; class 1 everywhere; a row of class 0, the rest ignored."""
    drawn = np.zeros((3, 64, 64), np.uint8)
    drawn[0, :, :32] = 1
    drawn[1] = 1
    drawn[2, 1:] = 255
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for name, mask in zip("abc", drawn, strict=True):
            Image.fromarray(mask).save(tmp_path / folder / f"{name}.png")
    return find_masks(tmp_path).open()


def test_masks_are_counted_by_pixels_and_images(masks):
    counts = of_masks(masks)
    assert counts.looked_at == 3
    assert counts.pixels.tolist() == [32 * 64 + 64, 32 * 64 + 64 * 64]
    assert counts.holders.tolist() == [2, 2]
    assert counts.ignoring == 1
    assert counts.ignored == pytest.approx(63 * 64 / (3 * 64 * 64))
    assert counts.sizes == {(64, 64): 3}


def test_coverage_is_the_share_of_the_masks_that_have_the_class_there(masks):
    coverage = of_masks(masks).coverage
    np.testing.assert_allclose(coverage[1, :, : GRID // 2], 2 / 3)  # the first and the second
    np.testing.assert_allclose(coverage[1, :, GRID // 2 :], 1 / 3)
    np.testing.assert_allclose(coverage[0, 5, GRID // 2 :], 1 / 3)
    np.testing.assert_allclose(coverage[0, 0, 0], 1 / 6)  # one of two rows of pixels, of one mask of three


def test_of_many_masks_some_are_looked_at(masks, monkeypatch):
    monkeypatch.setattr("trizoo.data.statistics.MOST_MASKS", 2)
    counts = of_masks(masks)
    assert counts.looked_at == 2  # the first and the last
    assert counts.holders.tolist() == [2, 1]
    assert counts.pixels.sum() == 3 * 64 * 64 - 63 * 64  # of all


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [(3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (10, 1, [0]), (0, 4, []), (101, 3, [0, 50, 100])],
)
def test_evenly_chosen_numbers(count, most, chosen):
    assert evenly(count, most) == chosen
