from dataclasses import replace

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.yolo.grid import yolo_grid
from trizoo.families.yolo.targets import assign
from trizoo.ground.boxes import cxcywh_to_xyxy, iou_wh

TINY = model_spec("yolov3-tiny", 5)
SPEC = model_spec("yolov3", 5)
# as yolov4-tiny has it: both heads use the fourth anchor, 81x82
SHARED = replace(TINY, anchors=(TINY.anchors[0], (*TINY.anchors[1][1:], TINY.anchors[0][0])))


def boxes_of(*cxcywh):
    return cxcywh_to_xyxy(np.array(cxcywh, np.float32).reshape(-1, 4))


def positives_of(*cxcywh, spec=TINY, size=(416, 416), **matching):
    """The predictions that are assigned to each box of one image."""
    boxes = boxes_of(*cxcywh)
    targets = assign([boxes], [np.zeros(len(boxes), np.int64)], spec, size, **matching)
    return [[index for index, owner in pairs_of(targets, 0) if owner == slot] for slot in range(len(boxes))]


def pairs_of(targets, image):
    """(prediction, box) of an image's positives; nothing comes behind the padding."""
    positives, owners = targets["positives"][image], targets["owners"][image]
    count = (positives >= 0).sum()
    assert (positives[count:] == -1).all()
    assert not owners[count:].any()
    return list(zip(positives[:count].tolist(), owners[:count].tolist(), strict=True))


@pytest.mark.parametrize(
    ("box", "spec", "size", "index"),
    [
        # tiny's heads at 416: 13 x 13 and 26 x 26 cells; 81x82 is the first anchor of the first, in cell (4, 4)
        ((140.5, 141, 81, 82), TINY, (416, 416), (4 * 13 + 4) * 3 + 0),
        # 37x58 is the last of the second head, which begins at 13 * 13 * 3 = 507; 100 / 16 = 6.25, 200 / 16 = 12.5
        ((100, 200, 37, 58), TINY, (416, 416), 507 + (12 * 26 + 6) * 3 + 2),
        # 96 wide and 64 high: 3 columns and 2 rows, then 6 and 4; column 90 // 16 = 5, row 60 // 16 = 3
        ((90, 60, 10, 14), TINY, (96, 64), 3 * 2 * 3 + (3 * 6 + 5) * 3 + 0),
        # a centre on a line between cells belongs to the cell on its right and below
        ((64, 32, 81, 82), TINY, (416, 416), (1 * 13 + 2) * 3 + 0),
        # yolov3's third head begins at (169 + 676) * 3 = 2535; the last cell of 52 x 52
        ((415, 415, 10, 13), SPEC, (416, 416), 2535 + (51 * 52 + 51) * 3 + 0),
        ((416, 416, 10, 13), SPEC, (416, 416), 2535 + (51 * 52 + 51) * 3 + 0),  # on the border: the last cell
        ((0, 0, 373, 326), SPEC, (416, 416), 2),
        # 1 pixel: of all anchors the smallest fits best; cell (2, 1) of stride 8
        ((20, 10, 1, 1), SPEC, (416, 416), 2535 + (1 * 52 + 2) * 3 + 0),
    ],
)
def test_a_box_goes_to_the_cell_of_its_centre_and_the_anchor_that_fits(box, spec, size, index):
    assert positives_of(box, spec=spec, size=size) == [[index]]


def test_of_two_boxes_that_want_one_prediction_the_better_fitting_gets_it():
    exact, near = (140, 140, 81, 82), (141, 141, 80, 80)
    index = (4 * 13 + 4) * 3
    assert positives_of(exact, near) == [[index], []]
    assert positives_of(near, exact) == [[], [index]]
    assert positives_of(near, exact, near, (10, 10, 10, 14)) == [[], [index], [], [507]]


def test_of_two_boxes_that_fit_alike_the_first_gets_it():
    assert positives_of((140, 140, 80, 80), (150, 150, 80, 80)) == [[(4 * 13 + 4) * 3], []]


def test_every_anchor_that_fits_a_box_by_more_than_match_iou_answers_for_it_too():
    # 30x40: of 10x14 140 / 1200 = 0.12, 23x27 621 / 1200 = 0.52, 37x58 1200 / 2146 = 0.56, 81x82 1200 / 6642 = 0.18,
    # 135x169 1200 / 22815 = 0.05; in cell (3, 6) of stride 32 and (6, 12) of stride 16
    box, coarse, fine = (100, 200, 30, 40), (6 * 13 + 3) * 3, 507 + (12 * 26 + 6) * 3
    assert positives_of(box) == [[fine + 2]]
    assert positives_of(box, match_iou=0.55) == [[fine + 2]]
    assert positives_of(box, match_iou=0.213) == [[fine + 1, fine + 2]]
    assert positives_of(box, match_iou=0.15) == [[coarse, fine + 1, fine + 2]]
    assert positives_of(box, match_iou=0) == [[coarse, coarse + 1, coarse + 2, fine, fine + 1, fine + 2]]
    assert positives_of((100, 200, 5, 7), match_iou=0.25) == [[fine]]  # 35 / 140 is no more than 0.25


def test_every_anchor_whose_sides_are_within_a_ratio_answers_too():
    # 30x40 in widths and heights of the anchors: 10x14 3.0 and 2.9, 23x27 1.3 and 1.5, 37x58 0.81 and 0.69 (1.23 and
    # 1.45 the other way round), 81x82 0.37 and 0.49 (2.7 and 2.05), 135x169 0.22 (4.5), 344x319 0.087 (11.5)
    box, coarse, fine = (100, 200, 30, 40), (6 * 13 + 3) * 3, 507 + (12 * 26 + 6) * 3
    assert positives_of(box, match_ratio=1.4) == [[fine + 2]]  # none within, but the best fits
    assert positives_of(box, match_ratio=1.5) == [[fine + 1, fine + 2]]
    assert positives_of(box, match_ratio=2.8) == [[coarse, fine + 1, fine + 2]]
    assert positives_of(box, match_ratio=4) == [[coarse, fine, fine + 1, fine + 2]]
    assert positives_of((100, 200, 5, 60), match_ratio=4) == [[fine]]  # 60 / 14 is too much; it fits by IoU anyway
    assert positives_of((100, 200, 10, 0), match_ratio=4) == [[]]


def test_the_nearer_cells_answer_too_where_the_centre_is_within_their_reach():
    wide = replace(TINY, scale_xy=(1.0, 2.0))
    start, row = 507, 26 * 3  # stride 16; 37x58 is the third anchor

    def cells(*centre, **changes):
        ((*found,),) = positives_of((*centre, 37, 58), spec=replace(wide, **changes), cells=3)
        assert {(index - start) % 3 for index in found} == {2}
        return {((index - start) % row // 3, (index - start) // row) for index in found}

    assert cells(100, 200) == {(6, 12), (5, 12)}  # 6.25 and 12.5: the middle of a row is within no other's reach
    assert cells(108, 196) == {(6, 12), (7, 12), (6, 11)}  # 6.75, 12.25
    assert cells(3, 414) == {(0, 25)}  # 0.19 and 25.875: nothing is left of it or below
    assert cells(108, 196, scale_xy=(1.0, 1.4)) == {(6, 12)}  # 0.2 of a cell is the reach, 0.25 would be needed
    assert cells(108, 196, scale_xy=(1.0, 1.6)) == {(6, 12), (7, 12), (6, 11)}
    assert cells(108, 196, scale_xy=(1.0, 1.0)) == {(6, 12)}


def test_a_centre_in_the_cell_comes_before_a_better_fit_beside_it():
    spec, index = replace(TINY, scale_xy=(2.0, 2.0)), 507 + (12 * 26 + 6) * 3 + 2
    exact, near = (95, 200, 37, 58), (100, 200, 36, 56)  # 5.94 lies in cell 5 and reaches 6, where the other lies
    found = positives_of(exact, near, spec=spec, cells=3)
    assert index in found[1]
    assert index not in found[0]
    assert index in positives_of(exact, spec=spec, cells=3)[0]


def test_an_anchor_that_two_heads_share_answers_in_both():
    # 81x82 is the first of the first head, cell (4, 4), and the last of the second, cell (8, 8)
    assert positives_of((140, 140, 80, 80), spec=SHARED) == [[(4 * 13 + 4) * 3, 507 + (8 * 26 + 8) * 3 + 2]]
    assert positives_of((140, 140, 37, 58), spec=SHARED) == [[507 + (8 * 26 + 8) * 3 + 1]]


def test_a_better_fit_takes_a_prediction_from_a_box_that_may_keep_others():
    # with match_iou 0.5 the 30x40 asks for 23x27 and 37x58; the second box fits 37x58 better, 0.36 fits 23x27 worse
    first, second, index = (100, 200, 30, 40), (101, 201, 37, 58), 507 + (12 * 26 + 6) * 3
    assert positives_of(first, second, match_iou=0.5) == [[index + 1], [index + 2]]
    assert positives_of(second, first, match_iou=0.5) == [[index + 2], [index + 1]]


def test_equal_boxes_of_different_images_both_get_their_prediction():
    boxes = boxes_of((140, 140, 81, 82))
    targets = assign([boxes, boxes], [np.array([1]), np.array([2])], TINY, (416, 416))
    assert targets["positives"][:, 0].tolist() == [168, 168]
    assert targets["owners"][:, 0].tolist() == [0, 0]
    assert targets["labels"][:, 0].tolist() == [1, 2]
    assert targets["num_positives"] == 2


def test_a_box_without_area_is_no_positive():
    assert positives_of((100, 100, 0, 0), (100, 100, 10, 0), (140, 140, 81, 82)) == [[], [], [168]]
    assert positives_of((100, 100, 0, 0), (100, 100, 10, 0), match_iou=0) == [[], []]


def test_shapes_types_and_padding():
    boxes = [boxes_of((140, 140, 81, 82), (20, 20, 10, 14)), np.zeros((0, 4), np.float32)]
    targets = assign(boxes, [np.array([3, 4]), np.zeros(0, np.int64)], TINY, (416, 416))
    assert {name: (array.shape, array.dtype) for name, array in targets.items()} == {
        "boxes": ((2, 16, 4), np.float32),
        "labels": ((2, 16), np.int32),
        "positives": ((2, 16), np.int32),
        "owners": ((2, 16), np.int32),
        "num_positives": ((), np.float32),
    }
    np.testing.assert_array_equal(targets["boxes"][0, :2], boxes[0])
    assert not targets["boxes"][0, 2:].any()
    assert pairs_of(targets, 0) == [(168, 0), (507 + (1 * 26 + 1) * 3, 1)]
    assert pairs_of(targets, 1) == []


def test_boxes_and_positives_are_padded_apart():
    boxes = boxes_of(*((32 * i + 16, 16, 37, 58) for i in range(13)))
    targets = assign([boxes], [np.zeros(13, np.int64)], TINY, (416, 416), match_iou=0.0)
    assert targets["boxes"].shape == (1, 16, 4)
    assert targets["positives"].shape == targets["owners"].shape == (1, 128)  # 13 * 6 = 78
    assert targets["num_positives"] == 78


def test_a_batch_without_boxes_is_divided_by_one():
    targets = assign([np.zeros((0, 4), np.float32)] * 2, [np.zeros(0, np.int64)] * 2, TINY, (416, 416))
    assert targets["num_positives"] == 1
    assert targets["boxes"].shape == (2, 16, 4)


def test_labels_that_answer_to_no_box_or_class_are_refused():
    boxes = boxes_of((140, 140, 81, 82))
    with pytest.raises(ValueError, match=r"images have \[1\] boxes and \[2\] labels"):
        assign([boxes], [np.array([0, 1])], TINY, (416, 416))
    for label in (5, -1):
        with pytest.raises(ValueError, match="0 to 4 are the classes"):
            assign([boxes], [np.array([label])], TINY, (416, 416))
    with pytest.raises(ValueError, match="multiples of the strides"):
        assign([boxes], [np.array([0])], TINY, (416, 400))


def random_batch(rng, images, size, most):
    boxes = []
    for count in rng.integers(0, most + 1, images):
        centre, sides = rng.random((count, 2)) * size, np.exp(rng.uniform(0.5, 6, (count, 2)))
        boxes.append(cxcywh_to_xyxy(np.concatenate([centre, sides], axis=1).astype(np.float32)))
    return boxes, [rng.integers(0, 5, len(b)) for b in boxes]


@pytest.mark.parametrize("spec", [TINY, SPEC, SHARED], ids=["yolov3-tiny", "yolov3", "shared"])
@pytest.mark.parametrize("size", [(64, 64), (96, 160)])
@pytest.mark.parametrize(
    ("match_iou", "match_ratio", "cells"), [(1.0, None, 1), (0.5, None, 1), (0.213, 1.5, 1), (1.0, 4, 3)]
)
def test_assignment_is_its_slow_definition(spec, size, match_iou, match_ratio, cells):
    spec = replace(spec, scale_xy=(1.7, 1.2, 2.0)[: len(spec.strides)])
    boxes, labels = random_batch(np.random.default_rng(7), 12, size, 30)
    targets = assign(boxes, labels, spec, size, match_iou, match_ratio, cells)
    grid = yolo_grid(spec, size)
    total = asked = 0
    for image, of_image in enumerate(boxes):
        owners = {}
        for slot, (xmin, ymin, xmax, ymax) in enumerate(of_image):
            fits = iou_wh(np.array([[xmax - xmin, ymax - ymin]]), grid.anchors.astype(np.float64))[0]
            centre = np.array([(xmin + xmax) / 2, (ymin + ymax) / 2]) / grid.strides[:, None]
            here = (centre // 1 == grid.cells).all(axis=1)
            fitting = (fits == fits[here].max()) | (fits > match_iou)
            if match_ratio is not None:
                ratios = np.array([xmax - xmin, ymax - ymin]) / grid.anchors
                fitting |= ((ratios < match_ratio) & (1 / ratios < match_ratio)).all(axis=1)
            reach = grid.scales / 2
            offset = np.abs(centre - grid.cells - 0.5)
            beside = ((offset < reach[:, None]).all(axis=1) & ((offset > 0.5).sum(axis=1) == 1)) & (cells == 3)
            for index in np.flatnonzero((here | beside) & fitting):
                asked += 1
                rank = (bool(here[index]), fits[index])
                if index not in owners or rank > owners[index][0]:
                    owners[index] = (rank, slot)
        expected = sorted((slot, index) for index, (_, slot) in owners.items())
        assert pairs_of(targets, image) == [(index, slot) for slot, index in expected]
        np.testing.assert_array_equal(targets["boxes"][image, : len(of_image)], of_image)
        np.testing.assert_array_equal(targets["labels"][image, : len(of_image)], labels[image])
        total += len(owners)
    assert targets["num_positives"] == total
    assert total < asked  # there were collisions
