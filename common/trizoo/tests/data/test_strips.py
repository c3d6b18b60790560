"""Strips with marks: where these are, what changes, and that a data set of them is read."""

import numpy as np
import pytest

from trizoo.commands.main import main
from trizoo.data.boxes.find import find_boxes
from trizoo.data.strips import draw_strip
from trizoo.ground.errors import UserError

CLASSES = ("cross", "ring")


def centres(marks):
    corners = np.array([mark[1:5] for mark in marks], float).reshape(-1, 4)
    return (corners[:, :2] + corners[:, 2:]) / 2


def test_marks_are_boxes_of_30_pixels_in_the_strip_far_apart():
    counts = []
    for index in range(40):
        image, marks = draw_strip(index, (960, 160), CLASSES, 0)
        assert image.shape == (160, 960, 3)
        corners = np.array([mark[1:5] for mark in marks]).reshape(-1, 4)
        assert ((corners[:, 2:] - corners[:, :2]) == 30).all()
        assert (corners >= 0).all()
        assert (corners[:, 2:] <= [960, 160]).all()
        places = centres(marks)
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1) + 1000 * np.eye(len(places))
        assert apart.min(initial=1000) >= 48
        counts.append(len(marks))
    assert min(counts) == 0
    assert max(counts) > 5


def test_a_ring_is_hollow_where_its_mark_is():
    image, marks = next(found for index in range(9) if (found := draw_strip(index, (960, 160), ("ring",), 3))[1])
    image = image.astype(int)
    for _, left, top, *_ in marks:
        part = image[top : top + 30, left : left + 30]
        rim = part[15, 2:6].mean(axis=0)
        assert abs(rim - part[13:17, 13:17].mean(axis=(0, 1))).sum() > 30


def test_the_changed_set_has_other_pixels_and_marks_that_turned_with_them():
    same, plain = draw_strip(4, (960, 160), CLASSES, 0)
    again, turned = draw_strip(4, (960, 160), CLASSES, 0, changed=True)
    assert (draw_strip(4, (960, 160), CLASSES, 0)[0] == same).all()
    assert (same != again).any()
    before, after = centres(plain), centres(turned)
    nearest = np.linalg.norm(before[:, None] - after[None], axis=-1).min(axis=0)
    assert 0 < nearest.max() < 480 * np.sin(np.deg2rad(3.1)) + 2


def test_a_data_set_of_them_is_read(tmp_path, capsys):
    out = tmp_path / "strips"
    flags = ["--task", "keypoints", "--images", "6", "--size", "320x64", "--changed"]
    assert main(["synth", str(out), *flags]) == 0
    assert "6 images of 320x64, drawn" in capsys.readouterr().out
    assert find_boxes(out).open().classes == CLASSES
    assert not (out / "SegmentationClass").exists()
    assert main(["synth", str(out), *flags]) == 0
    with pytest.raises(UserError, match="something else than this data set"):
        main(["synth", str(out), *flags[:-1]])
    with pytest.raises(UserError, match="--changed is of key points; --task keypoints is needed too"):
        main(["synth", str(tmp_path / "other"), "--changed"])
