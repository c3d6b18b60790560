import os
from dataclasses import replace
from pathlib import Path

import pytest

from trizoo.data.write.content import file_names, hard_link_notes, write_lists
from trizoo.ground.errors import UserError
from trizoo.tests.data.write.contents import boxes


def test_names_are_the_last_parts_where_these_differ_else_all_parts():
    assert file_names(["train/a", "train/图 1", "val/a", "b"]) == ["train_a", "图 1", "val_a", "b"]


def test_names_that_only_differ_by_case_get_a_number():
    assert file_names(["a", "A", "a_2"]) == ["a", "A_3", "a_2"]
    # é composed and decomposed look the same on every screen, and are one file on some systems
    assert file_names(["caf\xe9", "cafe\u0301"]) == ["caf\xe9", "caf\xe9_2"]
    assert file_names(["train/a", "train_a", "val/a"]) == ["train_a", "train_a_2", "val_a"]


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("a #1", "a _1"),  # a list's line ends at a comment
        ("a#1", "a#1"),
        ("x.png", "x_png"),  # of two files of one name, x.jpg and x.png, that keeps the second apart
        ("x.xml.JPG", "x.xml_JPG"),
        ("a\nb", "a_b"),
        ("a\udce4", "a_"),
        (".hidden", "_hidden"),
        ("C:\\b", "C:_b"),
    ],
)
def test_names_hold_nothing_that_lists_or_readers_take_for_something_else(id, name):
    assert file_names([id]) == [name]


def test_images_are_copied_or_linked_under_their_new_names(tmp_path):
    content = boxes(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    assert content.put_image(1, out) is False
    assert (out / "val_照片 1.png").read_bytes() == (tmp_path / "1.PNG").read_bytes()
    assert not (out / "val_照片 1.png").is_symlink()
    assert replace(content, link=True).put_image(0, out) is False
    assert (out / "train_照片 1.png").readlink() == (tmp_path / "0.PNG").resolve()


def test_where_symbolic_links_cannot_be_made_images_are_hard_links_and_that_is_told(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(1, "Operation not permitted")

    content = replace(boxes(tmp_path), link=True)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert content.put_image(0, out) is True
    assert (out / "train_照片 1.png").samefile(tmp_path / "0.PNG")
    assert hard_link_notes([True, False]) == ["no symbolic links can be made here, so these images are hard links: 1"]
    assert hard_link_notes([False]) == []
    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(UserError, match=r"neither a symbolic nor a hard link .*leave --link out to copy images"):
        content.put_image(1, out)


def test_images_of_several_splits_are_once_in_the_first_of_train_val_and_test(tmp_path):
    content = boxes(tmp_path)
    splits, notes = content.once()
    assert splits == {"train": [0, 2, 3], "val": [1]}
    assert notes == ["images in several splits are written once, and there is no trainval: 4"]
    splits, notes = replace(content, splits={"test": [0], "all": [0, 1], "train": [2]}).once()
    assert splits == {"test": [0], "all": [1], "train": [2]}
    assert notes == ["images in several splits are written once: 1"]


def test_images_in_no_split_are_told(tmp_path):
    content = replace(boxes(tmp_path), splits={"train": [0, 1, 3]})
    assert content.in_no_split == [2]
    assert content.left_out() == ["images in no split are left out: 1"]
    assert boxes(tmp_path).left_out() == []


def test_lists_hold_the_names(tmp_path):
    write_lists(tmp_path / "lists", boxes(tmp_path))
    assert (tmp_path / "lists" / "train.txt").read_text(encoding="utf-8") == "train_照片 1\nempty\nb\n"
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == ["train.txt", "trainval.txt", "val.txt"]
