"""Adaptive assignment against a slow reading of its rules, box by box, and by hand."""

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.anchored.adaptive import NEAREST, assign_adaptively
from trizoo.families.anchored.grid import AnchorGrid
from trizoo.ground.boxes import iou
from trizoo.ground.sample import Sample
from trizoo.recipes.schema import Recipe

NAMES = {"ssd300-vgg16": ("ssd", (300, 300)), "retinanet-resnet18": ("retinanet", (160, 96))}


def matches_of(boxes, grid, anchors_per_cell):
    """Which box each anchor of one image is assigned to."""
    boxes = np.array(boxes, np.float32)
    targets = assign_adaptively([boxes], [np.zeros(len(boxes), np.int64)], grid, 1, anchors_per_cell)
    return targets["matches"][0].tolist()


def in_a_row(count, side):
    """Anchors of one level whose centres lie 10 pixels apart: an AnchorGrid."""
    middle = np.arange(count) * 10 + 5
    boxes = np.stack([middle - side / 2, np.full(count, -side / 2), middle + side / 2, np.full(count, side / 2)], 1)
    return AnchorGrid(boxes.astype(np.float32), np.zeros(count, np.int64))


def slowly(boxes, grid, anchors_per_cell):
    """The rules, one box and one anchor after the other."""
    centres = (grid.boxes[:, :2] + grid.boxes[:, 2:]) / 2
    overlaps, wanted = iou(boxes, grid.boxes), {}
    for number, box in enumerate(boxes):
        away = ((centres - (box[:2] + box[2:]) / 2) ** 2).sum(axis=1)
        candidates = []
        for level, anchors in enumerate(anchors_per_cell):
            own = np.flatnonzero(grid.levels == level)
            farthest = sorted(away[own])[: NEAREST * anchors][-1]
            candidates += [anchor for anchor in own if away[anchor] <= farthest]
        ious = overlaps[number, candidates]
        threshold = ious.mean() + ious.std(ddof=1)
        for anchor, value in zip(candidates, ious, strict=True):
            x, y = centres[anchor]
            if value >= threshold and box[0] < x < box[2] and box[1] < y < box[3]:
                wanted.setdefault(anchor, []).append((-value, number))
    matches = np.full(len(grid.boxes), -1)
    for anchor, by in wanted.items():
        matches[anchor] = min(by)[1]
    for number in range(len(boxes)):
        if number not in matches:
            free = [anchor for anchor in range(len(matches)) if matches[anchor] < 0 and overlaps[number, anchor] > 0]
            if free:
                matches[max(free, key=lambda anchor: (overlaps[number, anchor], -anchor))] = number
    return matches.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_matches_equal_a_slow_reading_of_the_rules(name):
    size = NAMES[name][1]
    spec, rng = model_spec(name, 2), np.random.default_rng(1)
    centres, sides = rng.uniform(0, size, (14, 2)), np.exp(rng.uniform(1, 5, (14, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1).clip(0, np.tile(size, 2))
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > 1).all(axis=1)].astype(np.float32)
    boxes = np.concatenate([boxes, boxes[:2] + 0.5])
    expected = slowly(boxes, spec.grid(size), spec.anchors_per_cell)
    assert len(set(expected)) > 10
    assert matches_of(boxes, spec.grid(size), spec.anchors_per_cell) == expected


def test_the_threshold_is_the_mean_and_a_deviation_of_the_nearest_nine():
    # anchors of 20 x 20 about 5, 15, ..., 145, a box as large about 75: nine are nearest, of an IoU of 1, 1 / 3 twice,
    # and 0 six times. Mean 0.185 and deviation 0.338 are 0.52: one
    box = [[65, -10, 85, 10]]
    grid = in_a_row(15, 20)
    assert [place for place, match in enumerate(matches_of(box, grid, (1,))) if match == 0] == [7]
    # about 70 it is as near to two of them, by 0.6 each; the next have 1 / 7. 0.165 + 0.256 are 0.42: both
    box = [[60, -10, 80, 10]]
    assert [place for place, match in enumerate(matches_of(box, grid, (1,))) if match == 0] == [6, 7]


def test_anchors_whose_centre_lies_outside_of_a_box_are_none_of_its():
    # the box ends before the centre at 15: its IoU of 0.48 would do among those of 0
    boxes = [[0, -10, 14, 10]]
    assert [place for place, match in enumerate(matches_of(boxes, in_a_row(15, 20), (1,))) if match == 0] == [0]


def test_a_box_between_the_centres_gets_the_free_anchor_that_it_overlaps_most():
    small = [8.6, -1, 9.9, 1]  # between the centres at 5 and 15, nearer to 5; both anchors hold all of it
    assert matches_of([small], in_a_row(4, 20), (1,)) == [0, -1, -1, -1]
    assert matches_of([small, small], in_a_row(4, 20), (1,))[:2] == [0, 1]
    assert matches_of([[900, 900, 910, 910]], in_a_row(4, 20), (1,)) == [-1] * 4


def test_a_level_of_fewer_than_nine_cells_gives_all_of_its_anchors():
    assert matches_of([[0, -5, 10, 5]], in_a_row(1, 10), (1,)) == [0]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_recipes_choice(name):
    family, size = NAMES[name]
    samples = [Sample(np.zeros((*size[::-1], 3), np.uint8), np.array([[3, 5, 70, 64]], np.float32), np.array([1]))]
    spec = model_spec(name, 2)
    matches = {}
    for assigner in ("iou", "atss"):
        loss = Recipe(model={"name": name}, loss={"kind": family, "assigner": assigner}, input_size=size).loss
        matches[assigner] = spec.targets(samples, size, loss)["matches"][0].tolist()
    assert matches["iou"] != matches["atss"] == slowly(samples[0].boxes, spec.grid(size), spec.anchors_per_cell)
