import numpy as np
import pytest

from trizoo.families.anchored.grid import AnchorGrid
from trizoo.families.retinanet.anchors import retinanet_grid
from trizoo.families.retinanet.targets import assign
from trizoo.ground.boxes import iou

SQUARE = [0, 0, 10, 10]


def matches_of(boxes, anchors, **options):
    """Which box each anchor of one image is assigned to."""
    grid = AnchorGrid(np.array(anchors, np.float32), np.zeros(len(anchors), np.int64))
    targets = assign([np.array(boxes, np.float32)], [np.zeros(len(boxes), np.int64)], grid, 1, **options)
    return targets["matches"][0].tolist()


def test_overlaps_of_exactly_a_threshold_belong_to_what_lies_above_it():
    # the IoU of a square with a part of it is the part's share
    parts = [SQUARE, [0, 0, 10, 5], [0, 0, 10, 4.99], [0, 0, 10, 4], [0, 0, 10, 3.99]]
    assert matches_of([SQUARE], parts) == [0, 0, -2, -2, -1]
    assert matches_of([SQUARE], parts, positive_iou=0.4) == [0, 0, 0, 0, -1]
    assert matches_of([SQUARE], parts, positive_iou=0.6, negative_iou=0.5) == [0, -2, -1, -1, -1]


def test_the_best_anchors_of_a_box_answer_however_little_they_overlap_all_of_equals():
    small = [2, 2, 3, 3]  # IoU 1 / 100, and 1 / 400
    anchors = [SQUARE, [0, 0, 20, 20], SQUARE]
    assert matches_of([small], anchors) == [0, -1, 0]
    assert matches_of([small], anchors, low_quality=False) == [-1, -1, -1]


def test_a_low_quality_anchor_answers_for_the_box_that_it_overlaps_most():
    # the second box's best anchor overlaps the first one more: 45 / 100 to 20 / 45
    boxes = [SQUARE, [0, 2.5, 10, 4.5]]
    assert matches_of(boxes, [SQUARE, [0, 0, 10, 4.5]]) == [0, 0]
    # by itself the first box leaves it ignored
    assert matches_of(boxes[:1], [SQUARE, [0, 0, 10, 4.5]]) == [0, -2]


def test_thresholds_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match=r"negative_iou is 0.6, above positive_iou, 0.5; at most that is needed"):
        matches_of([SQUARE], [SQUARE], negative_iou=0.6)


def test_a_box_larger_than_the_image_is_matched():
    grid = retinanet_grid((320, 256))
    box = np.array([[-100, -100, 420, 356]], np.float32)  # 520 x 456: those of P6, to 406, and of P7, from 512
    matches = assign([box], [np.zeros(1, np.int64)], grid, 1)["matches"][0]
    assert set(grid.levels[matches == 0]) == {3, 4}
    assert (matches[grid.levels < 3] == -1).all()


def test_matches_equal_a_slow_reading_of_the_rules():
    rng = np.random.default_rng(2)
    grid = retinanet_grid((160, 128))
    centres, sides = rng.uniform(0, 140, (9, 2)), np.exp(rng.uniform(0, 5, (9, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).astype(np.float32)
    overlaps = iou(boxes, grid.boxes)
    wanted = []
    for column in overlaps.T:
        best = column.max()
        highest = [value == row.max() for value, row in zip(column, overlaps, strict=True)]
        if best >= 0.5 or any(highest):
            wanted.append(column.argmax())
        else:
            wanted.append(-1 if best < 0.4 else -2)
    matches = assign([boxes], [np.zeros(9, np.int64)], grid, 1)["matches"][0]
    np.testing.assert_array_equal(matches, wanted)
    assert {-2, -1} < set(wanted)
