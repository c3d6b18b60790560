"""Where a network is sure lies at its place in the image, whatever the family and however that lay on the input."""

import numpy as np
import pytest

from trizoo.augment.letterbox import fit
from trizoo.families import model_spec
from trizoo.families.base.heat import CellScores, heat_map
from trizoo.families.yolo.grid import cells_per_head

LAID = [("letterbox", (300, 200)), ("letterbox", (200, 300)), ("stretch", (300, 100)), ("keep_ratio", (301, 203))]


def peak(heat):
    """x and y of the middle of the hottest pixels."""
    rows, columns = np.nonzero(heat >= heat.max() - 1e-6)
    return columns.mean() + 0.5, rows.mean() + 0.5


def laid(x, y, placement):
    """A place of the original on the input."""
    return x * placement.scale_x + placement.left, y * placement.scale_y + placement.top


def seen_by(levels, placement):
    return heat_map([level.of(0) for level in levels], placement)


@pytest.mark.parametrize(("policy", "original"), LAID)
@pytest.mark.parametrize("head", [0, 1])
def test_yolos_hottest_pixel_is_the_centre_of_its_surest_cell(policy, original, head):
    spec, placement = model_spec("yolov3-tiny", 2), fit(original, (416, 416), policy)
    outputs = [
        np.full((1, rows, columns, 3, 7), -9, np.float32)
        for columns, rows in cells_per_head(spec, placement.canvas).tolist()
    ]
    stride = spec.strides[head]
    x, y = (int(at / stride) for at in laid(0.7 * original[0], 0.4 * original[1], placement))
    outputs[head][0, y, x, 1, [4, 6]] = 3
    heat = seen_by(spec.heat(outputs, placement.canvas), placement)
    assert heat.shape == original[::-1]
    assert heat.dtype == np.float32
    assert 0.85 < heat.max() <= 0.90745  # sigmoid(3) is 0.9526, squared; a cell's centre lies between two pixels
    found = laid(*peak(heat), placement)
    assert found == pytest.approx(((x + 0.5) * stride, (y + 0.5) * stride), abs=2 * placement.scale_x)


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("ssd300-vgg16", (300, 300), {}),
        ("ssd512-vgg16", (512, 512), {}),
        ("retinanet-resnet50", (608, 416), {}),
        ("retinanet-resnet50", (608, 416), {"anchor_preset": "keras-retinanet"}),
    ],
)
def test_the_hottest_pixel_of_a_model_with_anchors_is_the_centre_of_its_surest_one(name, size, options):
    spec, placement = model_spec(name, 2, **options), fit((640, 480), size, "letterbox")
    grid = spec.grid(size)
    centres = (grid.boxes[:, :2] + grid.boxes[:, 2:]) / 2
    for level in (0, 2):
        there = laid(400, 150, placement)
        row = np.argmin(np.abs(centres - there).sum(axis=1) + 1e6 * (grid.levels != level))
        logits = np.full((1, len(centres), 2 + spec.besides), -9, np.float32)
        logits[0, row, -1] = 9
        heat = seen_by(spec.heat([np.zeros((1, len(centres), 4), np.float32), logits], size), placement)
        assert heat.max() > 0.9
        # anchors that are rounded, or cut at the input's sides, lie up to half a pixel beside their cell's centre
        assert laid(*peak(heat), placement) == pytest.approx(tuple(centres[row]), abs=1.5)


def test_a_background_is_no_heat_of_an_ssd():
    spec = model_spec("ssd300-vgg16", 2)
    count = len(spec.grid((300, 300)).boxes)
    logits = np.zeros((1, count, 3), np.float32)
    logits[..., 0] = 20
    levels = spec.heat([np.zeros((1, count, 4), np.float32), logits], (300, 300))
    assert seen_by(levels, fit((30, 30), (300, 300), "stretch")).max() < 1e-6


def test_a_segmenters_heat_is_the_likeliest_classs_share_of_the_softmax():
    spec, placement = model_spec("deeplabv3plus-mobilenetv2", 3), fit((40, 20), (64, 64), "letterbox")
    logits = np.zeros((1, 64, 64, 3), np.float32)
    logits[0, placement.top : placement.top + 16, :32, 1] = 5
    heat = seen_by(spec.heat([logits], (64, 64)), placement)
    assert heat.shape == (20, 40)
    assert heat[2, 5] == pytest.approx(np.exp(5) / (np.exp(5) + 2))
    assert heat[-1, -1] == pytest.approx(1 / 3)


def test_between_two_cells_heat_is_linear_and_beyond_them_it_stays():
    levels = [CellScores(np.array([[0, 1]], np.float32), (2, 1), (4, 1))]
    found = heat_map(levels, fit((8, 1), (8, 1), "none"))
    # centres at 2 and 6: pixel k lies at k + 0.5, so (k - 1.5) / 4
    assert found[0].tolist() == [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1]


def test_what_is_no_number_is_cold():
    levels = [CellScores(np.array([[np.nan, 0.5]], np.float32), (0.5, 0.5), (1, 1))]
    assert heat_map(levels, fit((2, 1), (2, 1), "none")).tolist() == [[0, 0.5]]
