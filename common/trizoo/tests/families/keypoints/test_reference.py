"""The reference loss against hand-worked numbers and its own differences."""

import numpy as np
import pytest

from trizoo.families.keypoints.reference import keypoint_loss, keypoint_loss_gradients
from trizoo.families.keypoints.targets import assign


def test_a_loss_worked_by_hand():
    targets = assign([np.array([[30, 40, 50, 60]], np.float32)], [np.array([0])], 1, (64, 64), 32)  # a mark at (40, 50)
    cells = np.zeros((1, 2, 2, 4), np.float32)
    cells[0, 1, 1] = [0.5, 0, 0, np.log(3)]  # the cell of the mark: background 1/4, the class 3/4
    terms = keypoint_loss([cells], targets, offset_gain=4, class_gain=2)
    # offsets are (40 - 48) / 32 = -0.25 and 2 / 32 = 0.0625; errors 0.75 and -0.0625, squared 0.5625 and 0.00390625
    assert terms["offset"] == pytest.approx(4 * (0.5625 + 0.00390625) / 2)
    # three cells of background at 1/2, one mark at 3/4
    assert terms["class"] == pytest.approx(2 * (3 * np.log(2) + np.log(4 / 3)))
    assert terms["loss"] == pytest.approx(terms["offset"] + terms["class"])
    # of the three cells the one that is hardest
    cells[0, 0, 0, 3] = 1
    one = keypoint_loss([cells], targets, negatives=1, class_gain=1)["class"]
    assert one == pytest.approx(np.log1p(np.e) + np.log(4 / 3))


@pytest.mark.parametrize("options", [{}, {"negatives": 2}, {"offset_gain": 3, "class_weights": (0.5, 2)}])
def test_the_gradient_is_that_of_the_loss(options):
    random = np.random.default_rng(0)
    boxes = [np.array([[10, 10, 20, 20], [70, 40, 80, 50]], np.float32), np.zeros((0, 4), np.float32)]
    targets = assign(boxes, [np.array([0, 1]), np.zeros(0, int)], 2, (96, 64), 32)
    cells = random.normal(0, 1, (2, 2, 3, 5))
    gradient = keypoint_loss_gradients([cells], targets, **options)
    for place in np.argwhere(np.ones(cells.shape)):
        step = np.zeros(cells.shape)
        step[tuple(place)] = 1e-6
        losses = [keypoint_loss([cells + sign * step], targets, **options)["loss"] for sign in (1, -1)]
        assert gradient[tuple(place)] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-6)


def test_a_map_of_another_shape_is_an_error():
    targets = assign([np.zeros((0, 4), np.float32)], [np.zeros(0, int)], 1, (64, 64), 32)
    with pytest.raises(ValueError, match=r"the map has shape \(1, 2, 3, 4\), and the targets are of \(1, 4\)"):
        keypoint_loss([np.zeros((1, 2, 3, 4))], targets)
