import numpy as np

from trizoo.families.anchored.grid import AnchorGrid
from trizoo.families.ssd.anchors import SSD_ANCHORS, ssd_grid
from trizoo.families.ssd.targets import assign
from trizoo.ground.boxes import iou

SQUARE = [0, 0, 10, 10]


def matches_of(boxes, anchors, **options):
    """Which box each anchor of one image is assigned to."""
    grid = AnchorGrid(np.array(anchors, np.float32), np.zeros(len(anchors), np.int64))
    targets = assign([np.array(boxes, np.float32)], [np.zeros(len(boxes), np.int64)], grid, 1, **options)
    return targets["matches"][0].tolist()


def test_an_overlap_of_exactly_the_threshold_is_enough():
    # IoU of a square and half of it is 50 / 100; of it and a bit less 49.9 / 100. The first anchor is the best
    assert matches_of([SQUARE], [SQUARE, [0, 0, 10, 5], [0, 0, 10, 4.99]]) == [0, 0, -1]
    assert matches_of([SQUARE], [SQUARE, [0, 0, 10, 5], [0, 0, 10, 4.99]], positive_iou=0.6) == [0, -1, -1]


def test_an_anchor_goes_to_the_box_that_it_overlaps_most_and_of_equals_to_the_first():
    other = [0, 0, 10, 8]
    # the middle anchor overlaps the second box 80 / 90, the first 90 / 100: the first
    assert matches_of([SQUARE, other], [SQUARE, [0, 0, 10, 9], other]) == [0, 0, 1]
    # 5 x 10 each, left and right of the anchor in the middle: IoU 25 / 75 with both
    left, right = [0, 0, 5, 10], [5, 0, 10, 10]
    assert matches_of([left, right], [left, right, [2.5, 0, 7.5, 10]], positive_iou=0.3) == [0, 1, 0]


def test_each_box_gets_its_best_anchor_however_little_they_overlap():
    small = [2, 2, 3, 3]  # IoU 1 / 100
    assert matches_of([small], [SQUARE, [0, 0, 20, 20]]) == [0, -1]
    assert matches_of([small], [SQUARE, SQUARE]) == [0, -1]  # the first of equals


def test_a_forced_anchor_leaves_the_box_that_it_overlaps_more():
    # the second anchor overlaps the first box 60 / 100, but it is the second box's best, 20 / 60 to 20 / 100
    assert matches_of([SQUARE, [0, 4, 10, 6]], [SQUARE, [0, 0, 10, 6]]) == [0, 1]


def test_where_two_boxes_want_one_anchor_the_higher_iou_gets_it():
    boxes = [[0, 0, 10, 2], [0, 0, 10, 4], [0, 6, 10, 9]]  # IoU 0.2, 0.4 and 0.3
    assert matches_of(boxes, [SQUARE]) == [1]
    assert matches_of(boxes[::-1], [SQUARE]) == [1]
    assert matches_of([boxes[0], [0, 8, 10, 10]], [SQUARE]) == [0]  # 0.2 both: the first


def test_matches_equal_a_slow_reading_of_the_rules():
    rng = np.random.default_rng(1)
    grid = ssd_grid(SSD_ANCHORS["ssd300"])
    centres, sides = rng.uniform(0, 300, (12, 2)), np.exp(rng.uniform(1, 5.5, (12, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).astype(np.float32)
    boxes = np.concatenate([boxes, boxes[:2] + 0.5])
    overlaps = iou(boxes, grid.boxes)
    wanted = np.full(len(grid.boxes), -1)
    for anchor in range(len(grid.boxes)):
        if overlaps[:, anchor].max() >= 0.5:
            wanted[anchor] = overlaps[:, anchor].argmax()
    claims = {}
    for box in range(len(boxes)):
        anchor = overlaps[box].argmax()
        if anchor not in claims or overlaps[box, anchor] > overlaps[claims[anchor], anchor]:
            claims[anchor] = box
    for anchor, box in claims.items():
        wanted[anchor] = box
    targets = assign([boxes], [np.zeros(len(boxes), np.int64)], grid, 1)
    np.testing.assert_array_equal(targets["matches"][0], wanted)
    assert targets["num_positives"] == (wanted >= 0).sum()
