import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.classes.find import find_classes
from trizoo.data.crop import crop, cut_out, folder_names
from trizoo.ground.errors import UserError
from trizoo.tests.voc_files import add, add_list, thing


@pytest.fixture
def cells(tmp_path):
    """Boxes in VOC's layout, whose corners count from 1: two photographs to train on, one held out, one in no split."""
    root = tmp_path / "cells"
    add(root, "a", thing("red", 11, 6, 20, 15) + thing("white", 1, 1, 30, 20))
    add(root, "b", thing("red", 21, 11, 40, 30) + thing("red", 1, 1, 3, 20))
    add(root, "held", thing("white", 5, 5, 24, 24))
    add(root, "rest", thing("red", 5, 5, 24, 24))
    add_list(root, "train", ["a", "b"])
    add_list(root, "val", ["held"])
    add_list(root, "trainval", ["a", "b", "held"])
    return root


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.suffix != ".txt")


def test_objects_become_files_in_folders_of_classes_in_the_split_of_their_photograph(cells, tmp_path):
    done = crop(cells, tmp_path / "out")
    assert files(tmp_path / "out") == [
        "train/red/a-1.jpg",
        "train/red/b-1.jpg",
        "train/white/a-2.jpg",
        "val/white/held-1.jpg",
    ]
    assert done.classes == ("red", "white")
    assert {split: counts.tolist() for split, counts in done.counts.items()} == {"train": [2, 1], "val": [0, 1]}
    assert "images in no split are left out: 1" in done.notes
    assert "objects below 8 pixels are left out: 1" in done.notes  # 3 pixels wide
    assert any(note.startswith("images in several splits are written once") for note in done.notes)
    assert str(done) == "split  red  white\ntrain    2      1\nval      0      1"


def test_what_was_cut_out_is_read_as_classes_with_the_same_splits(cells, tmp_path):
    crop(cells, tmp_path / "out", classes=["white", "red"])
    index = find_classes(tmp_path / "out")
    assert index.class_names == ("white", "red")
    assert {split: sorted(ids) for split, ids in index.splits.items()} == {
        "train": ["train/red/a-1", "train/red/b-1", "train/white/a-2"],
        "val": ["val/white/held-1"],
    }


def test_a_margin_is_a_share_of_the_box_and_ends_at_the_image():
    image = np.zeros((30, 40, 3), np.uint8)
    assert cut_out(image, (10, 5, 20, 15)).size == (10, 10)
    assert cut_out(image, (10, 5, 20, 10), 0.2).size == (14, 7)  # 10 + 2 * 2, 5 + 2 * 1
    assert cut_out(image, (0, 0, 40, 10), 0.5).size == (40, 15)  # 5 below, none above, none at the sides
    assert cut_out(image, (10.2, 5.9, 19.1, 14.0)).size == (10, 9)  # 10 to 20, 5 to 14: every pixel that is touched
    assert cut_out(image, (10, 5, 10.0, 5.0)).size == (1, 1)


def test_the_pixels_are_those_under_the_box():
    image = np.arange(30 * 40 * 3, dtype=np.uint32).reshape(30, 40, 3).astype(np.uint8)
    assert (np.asarray(cut_out(image, (10, 5, 20, 15))) == image[5:15, 10:20]).all()


@pytest.mark.parametrize(("size", "sides"), [(5, (5, 2)), (50, (20, 10)), (20, (20, 10))])
def test_size_shrinks_the_longer_side_and_enlarges_nothing(size, sides):
    assert cut_out(np.zeros((30, 40, 3), np.uint8), (0, 0, 20, 10), size=size).size == sides  # 5 / 20 * 10 = 2.5, even


def test_png_keeps_pixels_as_they_are(cells, tmp_path):
    crop(cells, tmp_path / "out", margin=0, to="png")
    with Image.open(cells / "JPEGImages" / "a.jpg") as whole, Image.open(tmp_path / "out/train/red/a-1.png") as part:
        assert (np.asarray(part) == np.asarray(whole)[5:15, 10:20]).all()


def test_a_class_map_and_names_that_no_folder_can_have(cells, tmp_path):
    done = crop(cells, tmp_path / "out", classes_map={"white": "w/b: c?"})
    assert done.classes == ("red", "w_b_ c_")
    assert "classes whose names no folder can have are called otherwise: w_b_ c_ for w/b: c?" in done.notes
    assert (tmp_path / "out/val/w_b_ c_/held-1.jpg").is_file()


def test_names_of_folders_differ_where_case_is_not_told_apart():
    assert folder_names(["Cell", "cell", "a/b", "a:b", ".x", "dot."]) == [
        "Cell",
        "cell_2",
        "a_b",
        "a_b_2",
        "_x",
        "dot_",
    ]


def test_images_that_cannot_be_read_are_left_out_and_told(cells, tmp_path):
    file = cells / "JPEGImages" / "b.jpg"
    file.write_bytes(file.read_bytes()[:-150])  # the header is whole
    done = crop(cells, tmp_path / "out")
    assert done.counts["train"].tolist() == [1, 1]
    assert any("trizoo data check" in note or note.startswith("images that can't be read") for note in done.notes)


def test_crowds_are_left_out(tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(tmp_path / "set" / "images" / "a.jpg")
    objects = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [1, 1, 20, 20], "iscrowd": n} for n in (0, 1)]
    images = [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}]
    text = json.dumps({"images": images, "annotations": objects, "categories": [{"id": 1, "name": "cell"}]})
    (tmp_path / "set" / "instances_train.json").write_text(text)
    crop(tmp_path / "set", tmp_path / "out")
    assert files(tmp_path / "out") == ["train/cell/a-1.jpg"]


def test_a_taken_folder_one_in_the_data_set_and_wrong_options_are_refused(cells, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(UserError, match="taken is there already, and nothing is written over"):
        crop(cells, tmp_path / "taken")
    with pytest.raises(UserError, match="lies in the data set"):
        crop(cells, cells / "out")
    with pytest.raises(UserError, match="the format of what is cut out is 'gif'; one of jpg, png is needed"):
        crop(cells, tmp_path / "out", to="gif")
    with pytest.raises(UserError, match="margin is -1; a share"):
        crop(cells, tmp_path / "out", margin=-1)
    with pytest.raises(UserError, match="has no object of at least 100 pixels to cut out"):
        crop(cells, tmp_path / "out", min_side=100)
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]
