import numpy as np
import pytest

from trizoo.families.anchored import matching
from trizoo.families.anchored.grid import AnchorGrid
from trizoo.families.retinanet import targets as retinanet
from trizoo.families.ssd import targets as ssd
from trizoo.families.ssd.anchors import SSD_ANCHORS, ssd_grid
from trizoo.ground.boxes import iou

GRID = AnchorGrid(np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32), np.zeros(2, np.int64))
NOTHING = np.zeros((0, 4), np.float32)
ASSIGNS = pytest.mark.parametrize("assign", [ssd.assign, retinanet.assign], ids=["ssd", "retinanet"])


@ASSIGNS
def test_a_batch_is_padded_and_its_positives_counted_over_all_images(assign):
    images = [GRID.boxes, NOTHING, GRID.boxes[1:]]
    targets = assign(images, [np.array([2, 0]), np.zeros(0, np.int64), np.array([1])], GRID, 3)
    assert targets["boxes"].shape == (3, 16, 4)
    np.testing.assert_array_equal(targets["boxes"][0, :2], GRID.boxes)
    assert not targets["boxes"][0, 2:].any()
    assert not targets["boxes"][1].any()
    assert targets["labels"][:, :2].tolist() == [[2, 0], [0, 0], [1, 0]]
    assert targets["matches"].tolist() == [[0, 1], [-1, -1], [-1, 0]]
    assert targets["num_positives"] == 3
    dtypes = {name: array.dtype for name, array in targets.items()}
    assert dtypes == {"boxes": np.float32, "labels": np.int32, "matches": np.int32, "num_positives": np.float32}


@ASSIGNS
def test_boxes_are_padded_to_a_power_of_two(assign):
    boxes = np.repeat(GRID.boxes, 10, axis=0)
    assert assign([boxes[:17]], [np.zeros(17, np.int64)], GRID, 1)["boxes"].shape == (1, 32, 4)


@ASSIGNS
def test_a_batch_without_boxes_is_divided_by_one(assign):
    targets = assign([NOTHING, NOTHING], [np.zeros(0, np.int64)] * 2, GRID, 1)
    assert (targets["matches"] == -1).all()
    assert targets["num_positives"] == 1
    assert targets["boxes"].shape == (2, 16, 4)


@ASSIGNS
def test_labels_that_answer_to_no_box_or_class_are_refused(assign):
    with pytest.raises(ValueError, match=r"images have \[2\] boxes and \[1\] labels; as many of each are needed"):
        assign([GRID.boxes], [np.zeros(1, np.int64)], GRID, 1)
    with pytest.raises(ValueError, match="labels reach from 0 to 3; 0 to 2 are the classes"):
        assign([GRID.boxes], [np.array([0, 3])], GRID, 3)
    with pytest.raises(ValueError, match="labels reach from -1 to 0; 0 to 2 are the classes"):
        assign([GRID.boxes], [np.array([-1, 0])], GRID, 3)


@ASSIGNS
def test_a_box_without_area_or_away_from_every_anchor_gets_none(assign):
    boxes = np.array([[5, 5, 5, 9], [5, 5, 3, 2], [100, 100, 110, 110]], np.float32)
    targets = assign([boxes], [np.zeros(3, np.int64)], GRID, 1)
    assert targets["matches"].tolist() == [[-1, -1]]


@ASSIGNS
def test_of_identical_boxes_the_first_gets_the_anchor(assign):
    targets = assign([GRID.boxes[[1, 1]]], [np.array([0, 1])], GRID, 2)
    assert targets["matches"].tolist() == [[-1, 0]]


@ASSIGNS
def test_a_tiny_box_gets_its_best_anchor(assign):
    box = np.array([[21, 3, 21.5, 3.25]], np.float32)  # IoU 0.125 / 100
    assert assign([box], [np.zeros(1, np.int64)], GRID, 1)["matches"].tolist() == [[-1, 0]]


@ASSIGNS
@pytest.mark.parametrize(
    "box",
    [[290, 290, 291, 291], [0, 30, 300, 31], [0, 0, 300, 300], [-400, -500, 800, 700]],
    ids=["a pixel", "a line", "the image", "larger than the image"],
)
def test_a_box_of_any_size_gets_the_anchor_that_overlaps_it_most(assign, box):
    grid, boxes = ssd_grid(SSD_ANCHORS["ssd300"]), np.array([box], np.float32)
    matches = assign([boxes], [np.zeros(1, np.int64)], grid, 1)["matches"][0]
    assert matches[iou(boxes, grid.boxes)[0].argmax()] == 0


def test_overlaps_are_those_of_boxes_iou():
    rng = np.random.default_rng(3)
    low = rng.uniform(-20, 300, (30, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 200, (30, 2))], axis=1).astype(np.float32)
    grid = ssd_grid(SSD_ANCHORS["ssd300"])
    np.testing.assert_allclose(
        matching.iou_with_anchors(boxes, grid.boxes), iou(boxes, grid.boxes), rtol=1e-6, atol=1e-7
    )
