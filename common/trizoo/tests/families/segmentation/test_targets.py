import numpy as np
import pytest

from trizoo.families.segmentation.targets import assign


def test_masks_are_padded_with_what_is_ignored_and_weighed():
    first, second = np.zeros((2, 3), np.uint8), np.full((3, 4), 1, np.uint8)
    first[0, 0] = 255
    targets = assign([first, second], (4, 3), 2, (0.5, 2))
    assert targets["masks"].tolist() == [
        [[255, 0, 0, 255], [0, 0, 0, 255], [255, 255, 255, 255]],
        [[1, 1, 1, 1]] * 3,
    ]
    assert targets["normaliser"] == 5 * 0.5 + 12 * 2
    assert targets["num_images"] == 2
    assert assign([first], (3, 2), 2)["normaliser"] == 5


def test_nothing_to_learn_divides_by_one():
    assert assign([np.full((2, 2), 255, np.uint8)], (2, 2), 3)["normaliser"] == 1


@pytest.mark.parametrize(
    ("masks", "weights", "complaint"),
    [
        ([None, np.zeros((2, 2), np.uint8)], None, "1 of 2 images have no mask"),
        ([np.full((2, 2), 3, np.uint8)], None, "a mask holds 3; 0 to 2 are the classes"),
        ([np.zeros((3, 2), np.uint8)], None, r"shape \(3, 2\), larger than the input's, \(2, 2\)"),
        ([np.zeros((2, 2), np.uint8)], (1, 2), "class_weights holds 2 numbers; one for each of the 3"),
    ],
)
def test_what_does_not_fit_is_refused(masks, weights, complaint):
    with pytest.raises(ValueError, match=complaint):
        assign(masks, (2, 2), 3, weights)
