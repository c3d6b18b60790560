import math
from dataclasses import replace

import numpy as np
import pytest

from trizoo.families.retinanet.anchors import (
    RETINANET_ANCHORS,
    PyramidAnchors,
    pyramid_cells,
    retinanet_grid,
    same_shifts,
)
from trizoo.families.ssd.anchors import SSD_ANCHORS, DefaultBoxes, ssd_grid

SSD300 = SSD_ANCHORS["ssd300"]
KERAS = RETINANET_ANCHORS["keras-retinanet"]


SIDES = [32 * 2 ** (number / 3) for number in range(3)]


def box_about(x, y, width, height):
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


@pytest.mark.parametrize(
    ("name", "per_cell", "per_level", "count"),
    [
        # 38 * 38 * 4, 19 * 19 * 6, 10 * 10 * 6, 5 * 5 * 6, 3 * 3 * 4, 1 * 1 * 4
        ("ssd300", (4, 6, 6, 6, 4, 4), [5776, 2166, 600, 150, 36, 4], 8732),
        ("ssd300-caffe", (4, 6, 6, 6, 4, 4), [5776, 2166, 600, 150, 36, 4], 8732),
        ("ssd300-bubbliiiing", (4, 6, 6, 6, 4, 4), [5776, 2166, 600, 150, 36, 4], 8732),
        # 64 * 64 * 4, 32 * 32 * 6, 16 * 16 * 6, 8 * 8 * 6, 4 * 4 * 6, 2 * 2 * 4, 1 * 1 * 4
        ("ssd512", (4, 6, 6, 6, 6, 4, 4), [16384, 6144, 1536, 384, 96, 16, 4], 24564),
        # 19 * 19, 10 * 10, 5 * 5, 3 * 3, 2 * 2 and 1 cells of 6
        ("ssd300-mobilenetv2", (6, 6, 6, 6, 6, 6), [2166, 600, 150, 54, 24, 6], 3000),
    ],
)
def test_the_number_of_default_boxes_is_that_of_the_paper(name, per_cell, per_level, count):
    grid = ssd_grid(SSD_ANCHORS[name])
    assert SSD_ANCHORS[name].anchors_per_cell == per_cell
    assert grid.boxes.shape == (count, 4)
    assert np.bincount(grid.levels).tolist() == per_level
    assert (np.diff(grid.levels) >= 0).all()
    assert (grid.boxes.dtype, grid.levels.dtype) == (np.float32, np.int64)


def test_default_boxes_of_a_cell_by_hand():
    boxes = ssd_grid(SSD300).boxes
    # the first level's sizes are 0.07 and 0.15 of 300: 21 and 45; its first centre lies at 8 / 2
    wide = (21 * math.sqrt(2), 21 / math.sqrt(2))
    root = math.sqrt(21 * 45)
    wanted = [box_about(4, 4, *wh) for wh in [(21, 21), (root, root), wide, wide[::-1]]]
    np.testing.assert_allclose(boxes[:4], wanted, rtol=1e-6)
    # row 2, column 1 of the second level, of sizes 45 and 99: centre (1.5 * 16, 2.5 * 16), after 2 * 19 + 1 cells
    pairs = [(45 * math.sqrt(r), 45 / math.sqrt(r)) for r in (2, 1 / 2, 3, 1 / 3)]
    root = math.sqrt(45 * 99)
    wanted = [box_about(24, 40, *wh) for wh in [(45, 45), (root, root), *pairs]]
    start = 5776 + (2 * 19 + 1) * 6
    np.testing.assert_allclose(boxes[start : start + 6], wanted, rtol=1e-6)


def test_torchvision_clips_the_sides_of_default_boxes_and_caffe_does_not():
    # the last level: one cell, centre 150, sizes 261 and 315; 261 * sqrt(2) = 369 is wider than the input
    wide, root = (300, 261 / math.sqrt(2)), math.sqrt(261 * 315)
    wanted = [box_about(150, 150, *wh) for wh in [(261, 261), (root, root), wide, wide[::-1]]]
    np.testing.assert_allclose(ssd_grid(SSD300).boxes[-4:], wanted, rtol=1e-6)
    caffe = ssd_grid(SSD_ANCHORS["ssd300-caffe"]).boxes
    np.testing.assert_allclose(caffe[-2], box_about(150, 150, 264 * math.sqrt(2), 264 / math.sqrt(2)), rtol=1e-6)
    np.testing.assert_allclose(caffe[0], box_about(4, 4, 30, 30))


def test_default_boxes_of_bubbliiiing_share_the_side_and_end_at_the_borders():
    boxes = ssd_grid(SSD_ANCHORS["ssd300-bubbliiiing"]).boxes
    assert (boxes.min(), boxes.max()) == (0, 300)
    # the first centre lies at half of 300 / 38 = 7.894..: 3.947.., and 30 pixels about it begin before the input
    np.testing.assert_allclose(boxes[0], [0, 0, 150 / 38 + 15, 150 / 38 + 15], rtol=1e-6)
    # row 5, column 5 of the second level, of 19 cells a side: centre 5.5 * 300 / 19, sizes 60 and 111
    start, centre = 5776 + (5 * 19 + 5) * 6, 5.5 * 300 / 19
    np.testing.assert_allclose(boxes[start], box_about(centre, centre, 60, 60), rtol=1e-6)
    wide = (60 * math.sqrt(3), 60 / math.sqrt(3))
    np.testing.assert_allclose(boxes[start + 4], box_about(centre, centre, *wide), rtol=1e-6)
    # the last level's one cell, of size 264, is 373 wide but for the borders
    np.testing.assert_allclose(boxes[-2, [0, 2]], [0, 300])


def test_default_boxes_of_512():
    boxes = ssd_grid(SSD_ANCHORS["ssd512"]).boxes
    np.testing.assert_allclose(boxes[0], box_about(4, 4, 0.07 * 512, 0.07 * 512), rtol=1e-6)
    # the fifth level begins behind 16384 + 6144 + 1536 + 384; its last cell's last anchor is three times as high
    last = 16384 + 6144 + 1536 + 384 + 96 - 1
    size = 0.6 * 512
    np.testing.assert_allclose(boxes[last], box_about(448, 448, size / math.sqrt(3), size * math.sqrt(3)), rtol=1e-6)
    root = math.sqrt(0.9 * 1.05) * 512
    np.testing.assert_allclose(boxes[-3], box_about(256, 256, root, root), rtol=1e-6)


def test_default_boxes_of_mobilenetv2():
    boxes = ssd_grid(SSD_ANCHORS["ssd300-mobilenetv2"]).boxes
    # the first centre lies at 16 / 2; the last of a cell's six anchors is three times as high as wide
    np.testing.assert_allclose(boxes[0], box_about(8, 8, 21, 21))
    np.testing.assert_allclose(boxes[1], box_about(8, 8, math.sqrt(21 * 45), math.sqrt(21 * 45)), rtol=1e-6)
    np.testing.assert_allclose(boxes[5], box_about(8, 8, 21 / math.sqrt(3), 21 * math.sqrt(3)), rtol=1e-6)
    # row 1, column 0 of the fifth level, of two cells a side: centre (75, 225), behind 2166 + 600 + 150 + 54 anchors
    np.testing.assert_allclose(boxes[2166 + 600 + 150 + 54 + 2 * 6], box_about(75, 225, 207, 207), rtol=1e-6)


def test_default_boxes_that_do_not_answer_to_their_levels_are_refused():
    with pytest.raises(ValueError, match="cells, steps, sizes and ratios have lengths 6, 6, 6 and 6; one each a level"):
        replace(SSD300, sizes=SSD300.sizes[:-1])
    with pytest.raises(ValueError, match="have lengths 1, 2, 2 and 1"):
        DefaultBoxes(300, (38,), (8, 16), (30, 60), ((2,),))


@pytest.mark.parametrize(
    ("size", "cells", "count"),
    [
        # 75^2 + 38^2 + 19^2 + 10^2 + 5^2 = 5625 + 1444 + 361 + 100 + 25 = 7555 cells of 9
        ((600, 600), [(75, 75), (38, 38), (19, 19), (10, 10), (5, 5)], 67995),
        # 76^2 + 38^2 + 19^2 + 10^2 + 5^2 = 5776 + 1930 = 7706
        ((608, 608), [(76, 76), (38, 38), (19, 19), (10, 10), (5, 5)], 69354),
        # 800 x 1344: 16800 + 4200 + 1050 + 13 * 21 + 7 * 11
        ((1344, 800), [(168, 100), (84, 50), (42, 25), (21, 13), (11, 7)], 22400 * 9),
        ((1, 9), [(1, 2), (1, 1), (1, 1), (1, 1), (1, 1)], 6 * 9),
    ],
)
def test_the_number_of_pyramid_anchors(size, cells, count):
    np.testing.assert_array_equal(pyramid_cells(size), cells)
    for anchors in RETINANET_ANCHORS.values():
        grid = retinanet_grid(size, anchors)
        assert grid.boxes.shape == (count, 4)
        assert np.bincount(grid.levels).tolist() == [columns * rows * 9 for columns, rows in cells]
        assert (grid.boxes.dtype, grid.levels.dtype) == (np.float32, np.int64)


def test_pyramid_anchors_of_bubbliiiing_by_hand():
    boxes = retinanet_grid((96, 64), RETINANET_ANCHORS["retinanet-bubbliiiing"]).boxes
    # row 1, column 2 of P3, of 12 columns: centre (2.5 * 8, 1.5 * 8), less the two pixels; sizes 32, 40.3, 50.8
    of_cell = boxes[(12 + 2) * 9 :][:9]
    shapes = [(wide * side, high * side) for wide, high in ((1, 1), (1.4, 0.7), (0.7, 1.4)) for side in SIDES]
    np.testing.assert_allclose(of_cell, [box_about(18, 10, *shape) for shape in shapes], rtol=1e-5)


def test_anchors_of_networks_that_pad_as_same_move_with_what_these_see():
    # 300 cells before the pool, an even number: 2 pixels. 19 before P6, odd: none. 10 before P7: 64 more
    np.testing.assert_array_equal(same_shifts((600, 600)), [[2, 2], [2, 2], [2, 2], [2, 2], [66, 66]])
    # 65, 5 and 3 along, all odd; 48, 3 and 2 down: the pool and P7
    np.testing.assert_array_equal(same_shifts((129, 96)), [[0, 2], [0, 2], [0, 2], [0, 2], [0, 66]])
    plain = retinanet_grid((129, 96), KERAS).boxes
    moved = retinanet_grid((129, 96), RETINANET_ANCHORS["keras-retinanet-same"]).boxes
    np.testing.assert_allclose(plain[0] - moved[0], [0, 2, 0, 2], atol=1e-5)
    np.testing.assert_allclose(plain[-1] - moved[-1], [0, 66, 0, 66], atol=1e-4)


@pytest.mark.parametrize("cells", range(1, 40))
def test_windows_of_same_padding_lie_further_on_where_cells_are_even(cells):
    """As TensorFlow pads: what is missing in all, less on the left."""
    out = -(-cells // 2)
    left = max(2 * (out - 1) + 3 - cells, 0) // 2
    shift = same_shifts((2 * cells, 2 * cells))[0, 0]  # of the pool, whose cells are two pixels apart
    assert shift == 2 * (1 - left)


def test_anchors_of_retinanet_keras_end_at_the_borders_before_they_move():
    boxes = retinanet_grid((96, 96), RETINANET_ANCHORS["retinanet-keras"]).boxes
    # the first cell's square of 32 about (4, 4) is cut to 0 .. 20, then moves by the pool's 2 pixels
    np.testing.assert_allclose(boxes[3], [-2, -2, 18, 18], atol=1e-5)
    assert boxes.max() <= 96


def test_default_boxes_of_ssd_pytorchs_mobilenetv2_share_the_side_and_end_at_borders():
    boxes = ssd_grid(SSD_ANCHORS["ssd300-mobilenetv2-bubbliiiing"]).boxes
    assert len(boxes) == 6 * (361 + 100 + 25 + 9 + 4 + 1)
    # the first centre is at 300 / 19 / 2 = 7.89; a square of 30 is cut to 0 .. 22.89
    np.testing.assert_allclose(boxes[0], [0, 0, 22.8947, 22.8947], rtol=1e-5)
    # the last cell, about 150: 264 x 264, then sqrt(264 * 315) = 288.37, and 3 times as wide as high is cut
    np.testing.assert_allclose(boxes[-6], [18, 18, 282, 282], rtol=1e-5)
    np.testing.assert_allclose(boxes[-2], [0, 73.79, 300, 226.21], atol=1e-2)


@pytest.mark.parametrize("size", [(0, 600), (64, -1)])
def test_a_pyramid_without_pixels_is_refused(size):
    with pytest.raises(ValueError, match="both sides must be at least 1"):
        retinanet_grid(size)


def test_each_halving_rounds_up_as_convolutions_of_stride_two_do():
    for side in range(1, 300):
        level = side
        for _ in range(3):
            level = (level + 1) // 2
        for columns, _ in pyramid_cells((side, 64)):
            assert columns == level
            level = (level + 1) // 2


def test_pyramid_anchors_of_a_cell_by_hand():
    # sizes of P3: 32, 32 * 1.26 = 40.3, 32 * 1.587 = 50.8, cut off: 32, 40, 50. Ratio 0.5 (height by width): half the
    # width is size / sqrt(0.5) / 2 = 0.7071 size: 22.6, 28.3, 35.4; half the height 0.3536 size: 11.3, 14.1, 17.7
    half = [(23, 11), (28, 14), (35, 18), (16, 16), (20, 20), (25, 25), (11, 23), (14, 28), (18, 35)]
    boxes = retinanet_grid((608, 608)).boxes
    np.testing.assert_array_equal(boxes[:9], [[-x, -y, x, y] for x, y in half])
    # row 3, column 5: 40 pixels to the right and 24 down
    start = (3 * 76 + 5) * 9
    np.testing.assert_array_equal(boxes[start : start + 9], [[40 - x, 24 - y, 40 + x, 24 + y] for x, y in half])


def test_halves_of_a_pixel_are_rounded_to_even():
    # the second size of P5 is 128 * 1.26 = 161.3, cut off 161: half of it 80.5, which becomes 80; the third 203: 102
    boxes = retinanet_grid((608, 608)).boxes[(76 * 76 + 38 * 38) * 9 :]
    np.testing.assert_array_equal(boxes[4:6], [[-80, -80, 80, 80], [-102, -102, 102, 102]])


def test_cells_are_as_far_apart_as_the_input_has_room_for_whole_pixels():
    boxes = retinanet_grid((608, 480)).boxes[:, :2] + retinanet_grid((608, 480)).boxes[:, 2:]
    centres = {level: boxes[retinanet_grid((608, 480)).levels == level][::9] / 2 for level in range(5)}
    # P6: 10 columns and 8 rows of 608 // 10 = 60 and 480 // 8 = 60; P7: 5 and 4, of 121 and 120
    assert centres[3][-1].tolist() == [9 * 60, 7 * 60]
    assert centres[4].tolist() == [[x * 121, y * 120] for y in range(4) for x in range(5)]


def test_pyramid_anchors_equal_a_slow_closed_form():
    size, wanted = (100, 70), []
    for level, (columns, rows) in zip(range(3, 8), pyramid_cells(size).tolist(), strict=True):
        for row in range(rows):
            for column in range(columns):
                for ratio in (0.5, 1, 2):
                    for power in range(3):
                        side = 2 ** (level + 2) * 2 ** (power / 3)
                        centre = ((column + 0.5) * 2**level, (row + 0.5) * 2**level)
                        wanted.append(box_about(*centre, side / math.sqrt(ratio), side * math.sqrt(ratio)))
    np.testing.assert_allclose(retinanet_grid(size, KERAS).boxes, wanted, rtol=1e-5, atol=1e-4)


def test_a_pyramid_of_other_than_five_levels_is_refused():
    with pytest.raises(ValueError, match="sizes has 1 levels; 5, of P3 to P7, are needed"):
        retinanet_grid((64, 64), PyramidAnchors(((32,),)))


def test_grids_are_made_once_and_cannot_be_written_to():
    assert ssd_grid(replace(SSD300)) is ssd_grid(SSD300)
    assert retinanet_grid((64, 64)) is retinanet_grid((64, 64))
    with pytest.raises(ValueError, match="read-only"):
        ssd_grid(SSD300).boxes[0] = 1
