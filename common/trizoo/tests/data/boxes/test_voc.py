import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.voc import find_voc
from trizoo.ground.errors import UserError
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.voc_files import add, add_list


def test_hash_split_is_said_in_the_notes(tmp_path):
    for id in "abcdef":
        add(tmp_path, id)
    listing = find_voc(tmp_path)
    train, val = listing.open("train"), listing.open("val")
    assert sorted(record.id for record in [*train.records, *val.records]) == list("abcdef")
    assert "no lists" in train.notes[0]
    assert len(listing.open()) == 6


@pytest.mark.parametrize("suffix", ["JPG", "jpeg", "png", "BMP", "webp"])
def test_images_of_any_suffix_are_found(tmp_path, suffix):
    assert find_voc(add(tmp_path, "x", suffix=suffix)).open().records[0].image.name == f"x.{suffix}"


def test_stem_is_trusted_before_the_filename_tag(tmp_path):
    add(tmp_path, "a", filename="b.jpg")
    add(tmp_path, "b", filename="nonsense")
    assert [record.image.name for record in find_voc(tmp_path).open().records] == ["a.jpg", "b.jpg"]


def test_filename_tag_helps_where_the_stem_does_not(tmp_path):
    add(tmp_path, "photo", annotate=False)
    add(tmp_path, "annotation", suffix="", filename="D:\\data\\photo.PNG")
    record = find_voc(tmp_path).open().records[0]
    assert (record.id, record.image.name) == ("annotation", "photo.jpg")


@needs_bccd
def test_bccd_is_read_as_it_is_known():
    listing = find_voc(BCCD)
    data = listing.open()
    assert len(data) == 364
    assert data.classes == ("Platelets", "RBC", "WBC")
    assert [(problem.kind, problem.file.stem) for problem in data.problems] == [
        ("box without area", "BloodImage_00338"),
        ("box without area", "BloodImage_00343"),
    ]
    assert np.bincount(np.concatenate([record.labels for record in data.records])).tolist() == [361, 4153, 372]
    assert {record.size for record in data.records} == {(640, 480)}
    assert {name: len(ids) for name, ids in listing.splits.items()} == {
        "test": 72,
        "train": 205,
        "trainval": 292,
        "val": 87,
    }
    assert len(listing.open("trainval")) == 292


def test_lists_that_cannot_be_read_are_an_error_where_they_are_needed(tmp_path):
    add_list(add(tmp_path, "a"), "train", ["a"])
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_bytes("照片".encode("gbk"))
    listing = find_voc(tmp_path)
    assert len(listing.open()) == 1
    with pytest.raises(UserError, match=r"val\.txt is not utf-8 text"):
        listing.open("train")


def test_masks_and_their_lists_come_along_for_the_check(tmp_path):
    add_list(add(tmp_path, "a"), "train", ["a"])
    listing = find_voc(tmp_path)
    assert (listing.masks, listing.mask_lists.ids) == ({}, {})
    Image.new("L", (40, 30)).save(_folder(tmp_path, "SegmentationClass") / "a.png")
    assert find_voc(tmp_path).mask_lists.ids == {}  # those of Main are for both
    add_list(tmp_path, "val", ["a"], "Segmentation")
    listing = find_voc(tmp_path)
    assert list(listing.masks) == ["a"]
    assert (listing.splits, listing.mask_lists.ids) == ({"train": ["a"]}, {"Segmentation/val": ["a"]})


def _folder(root, name):
    (root / name).mkdir()
    return root / name
