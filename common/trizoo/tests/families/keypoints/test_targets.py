"""Which cell has which mark, worked by hand."""

import numpy as np
import pytest

from trizoo.families.keypoints.targets import assign


def boxes_at(*marks, half=15):
    marks = np.array(marks, np.float32).reshape(-1, 2)
    return np.concatenate([marks - half, marks + half], axis=1)


def test_a_mark_belongs_to_the_cell_that_holds_it_with_its_offset_in_cells():
    targets = assign([boxes_at((40, 50))], [np.array([1])], 2, (96, 64), 32)
    # column 1, row 1 of 3 x 2; the cell's centre is (48, 48), so it is -8 and 2 of 32 pixels away
    assert targets["matches"].tolist() == [[-1, -1, -1, -1, 1, -1]]
    assert targets["offsets"][0, 4].tolist() == [-0.25, 0.0625]
    assert not targets["offsets"][0, [0, 1, 2, 3, 5]].any()
    assert targets["num_positives"] == 1
    assert {name: array.dtype for name, array in targets.items()} == {
        "matches": np.int32,
        "offsets": np.float32,
        "num_positives": np.float32,
    }


def test_the_size_of_a_box_plays_no_part():
    first = assign([boxes_at((40, 50), half=1)], [np.array([0])], 1, (96, 64), 32)
    second = assign([boxes_at((40, 50), half=25)], [np.array([0])], 1, (96, 64), 32)
    assert all((first[name] == second[name]).all() for name in first)


def test_borders_belong_to_the_last_cell_and_marks_outside_to_none():
    targets = assign([boxes_at((96, 64), (32, 0), (97, 10), (-0.5, 3))], [np.arange(4)], 4, (96, 64), 32)
    assert targets["matches"].tolist() == [[-1, 1, -1, -1, -1, 0]]
    assert targets["offsets"][0, 5].tolist() == [0.5, 0.5]
    assert targets["offsets"][0, 1].tolist() == [-0.5, -0.5]


def test_of_two_marks_in_a_cell_the_last_counts_and_no_marks_count_as_one():
    targets = assign([boxes_at((5, 5), (20, 20)), boxes_at()], [np.array([0, 1]), np.zeros(0, int)], 2, (32, 32), 16)
    assert targets["matches"].tolist() == [[0, -1, -1, 1], [-1] * 4]
    targets = assign([boxes_at((5, 5), (7, 9))], [np.array([0, 1])], 2, (32, 32), 32)
    assert targets["matches"].tolist() == [[1]]
    assert assign([boxes_at()], [np.zeros(0, int)], 2, (32, 32), 32)["num_positives"] == 1


def test_what_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match=r"size is \(96, 70\); both sides must be multiples of the stride 32"):
        assign([boxes_at()], [np.zeros(0, int)], 2, (96, 70), 32)
    with pytest.raises(ValueError, match="labels reach from 2 to 2; 0 to 1 are the classes"):
        assign([boxes_at((5, 5))], [np.array([2])], 2, (96, 64), 32)
