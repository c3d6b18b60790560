import unicodedata

import pytest

from trizoo.data.image_tree import ImageTree, bare_id, files_below, parts_of
from trizoo.tests.mask_files import touch


@pytest.mark.parametrize(
    "relative",
    [
        "images/train/a.jpg",
        "train/images/a.jpg",
        "labels/train/a.txt",
        "train/a.xml",
        "Annotations/xmls/train/a.jpg.xml",
    ],
)
def test_bare_id_is_the_same_for_image_and_label(relative):
    assert bare_id(relative) == "train/a"


def test_bare_id_is_composed_and_keeps_what_is_no_suffix():
    assert bare_id(unicodedata.normalize("NFD", "JPEGImages/Münze.v2.png")) == "Münze.v2"
    assert bare_id("sub/frame 1.jpg") == "sub/frame 1"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("C:\\data\\a.jpg", ["data", "a.jpg"]),
        ("../../etc/../images/a.jpg", ["images", "a.jpg"]),
        ("/home/me/./a.jpg", ["home", "me", "a.jpg"]),
        ("https://host/b/a.jpg?raw=1", ["host", "b", "a.jpg"]),
        (' "a b.jpg" ', ["a b.jpg"]),
        ("..", []),
    ],
)
def test_parts_of_paths_of_any_system(name, parts):
    assert parts_of(name) == parts


def test_files_below_are_sorted_and_without_hidden_ones_and_loops(tmp_path):
    touch(tmp_path, "b/c.png", "a.png", ".h.png", ".git/d.png", "__MACOSX/e.png", "b/d.jpg")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert files_below(tmp_path, (".png",)) == ["a.png", "b/c.png"]


def relative(tree, name, near=()):
    path = tree.named(name, near)
    return path and path.relative_to(tree.folder).as_posix()


def test_image_is_found_by_what_its_name_ends_with(tmp_path):
    touch(tmp_path, "images/train/1.png", "images/val/1.png", "images/val/Two.PNG", "x/y/3.png", "z/3.jpg")
    tree = ImageTree(tmp_path)
    assert relative(tree, "D:\\my\\train\\1.png") == "images/train/1.png"
    assert relative(tree, "/gone/images/val/1.jpg") == "images/val/1.png"
    assert relative(tree, "1.png") is None  # it may be either
    assert relative(tree, "1.png", near=("Val",)) == "images/val/1.png"
    assert relative(tree, "two.jpg") == "images/val/Two.PNG"
    assert relative(tree, "3.jpg") == "z/3.jpg"
    assert relative(tree, "two") == "images/val/Two.PNG"
    assert relative(tree, "four.png") is None
    assert relative(tree, "") is None


def test_nothing_outside_is_ever_found(tmp_path):
    touch(tmp_path, "secret.png", "set/a.png")
    tree = ImageTree(tmp_path / "set")
    for name in ("../secret.png", str(tmp_path / "secret.png"), "a/../../secret.png"):
        assert tree.named(name) is None
    assert relative(tree, "../set/a.png") == "a.png"


def test_two_images_with_one_id_are_told(tmp_path):
    touch(tmp_path, "a.jpg", "images/a.png")
    tree = ImageTree(tmp_path)
    assert {id: path.name for id, path in tree.by_id.items()} == {"a": "a.jpg"}
    assert [(path.name, first.name) for path, first in tree.doubles] == [("a.png", "a.jpg")]
