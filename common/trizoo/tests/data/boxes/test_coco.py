"""COCO's files of boxes: where they and their images may lie, splits, ids, classes."""

import json

import numpy as np
import pytest

from trizoo.data.boxes.coco import file_numbers, find_coco
from trizoo.data.boxes.find import find_boxes
from trizoo.data.check import check
from trizoo.ground.errors import UserError
from trizoo.tests.coco_files import box_entry, draw, write_coco

BOX = [8, 4, 32, 16]


def images(listing):
    return {id: path.relative_to(listing.root).as_posix() for id, path in listing.images.items()}


def kinds(report):
    return {(finding.severity, finding.kind): finding.count for finding in report.findings}


def test_boxes_labels_and_flags_are_those_of_the_file(tmp_path):
    draw(tmp_path, "a.jpg", "b.jpg")
    write_coco(
        tmp_path / "annotations.json",
        ["a.jpg", "b.jpg"],
        [(1, 9, BOX), box_entry(2, 1, 4, [0, 0, 80, 40], iscrowd=1), box_entry(3, 1, 4, [1.5, 2, 3, 4], ignore=1)],
        [{"id": 9, "name": " traffic  light "}, {"id": 4, "name": "cafe\u0301"}, {"id": 70, "name": "emu"}],
    )
    listing = find_boxes(tmp_path)
    assert (listing.layout, listing.classes) == ("coco", ("caf\u00e9", "traffic light", "emu"))
    data = listing.open()
    record, without = data.records
    np.testing.assert_array_equal(record.boxes, [[8, 4, 40, 20], [0, 0, 80, 40], [1.5, 2, 4.5, 6]])
    assert record.labels.tolist() == [1, 0, 0]
    assert record.crowd.tolist() == [False, True, False]
    assert record.difficult.tolist() == [False, False, True]
    assert (without.id, without.boxes.shape) == ("b", (0, 4))
    assert listing.read("a").objects[1].where == "annotation 2"
    assert kinds(check(tmp_path)) == {}


@pytest.mark.parametrize(
    ("file", "name", "image", "split"),
    [
        ("annotations/instances_train2017.json", "a.jpg", "train2017/a.jpg", "train"),
        ("annotations/instances_val2017.json", "a.jpg", "images/val2017/a.jpg", "val"),
        ("train/_annotations.coco.json", "a_jpg.rf.0a1b.jpg", "train/a_jpg.rf.0a1b.jpg", "train"),
        ("valid/_annotations.coco.json", "a.jpg", "valid/a.jpg", "val"),
        ("annotations/instances_default.json", "a.png", "images/a.png", None),  # CVAT
        ("annotations/instances_Validation.json", "deep/er/a.png", "images/Validation/deep/er/a.png", "val"),
        ("result.json", "images/1c2d-a.jpg", "images/1c2d-a.jpg", None),  # Label Studio
        ("result.json", "..\\..\\data\\media\\upload\\1\\a.jpg", "images/a.jpg", None),
        ("train.json", "a.jpg", "images/a.jpg", "train"),
        ("annotations/val.json", "a.jpg", "images/a.jpg", "val"),
        ("annotations/train/instances.json", "a.jpg", "images/train/a.jpg", "train"),
        ("person_keypoints_train2017.json", "a.jpg", "train2017/a.jpg", "train"),
        ("labels_test.json", "a.jpg", "data/a.jpg", "test"),
        ("trainval.json", "a.jpg", "data/a.jpg", "trainval"),
        ("annotations.json", "s/t/a.jpg", "photos of us/s/t/a.jpg", None),
        ("annotations.json", "file:///home/me/photos/a.jpg", "photos/a.jpg", None),
    ],
)
def test_files_and_images_are_found_wherever_they_are(tmp_path, file, name, image, split):
    draw(tmp_path, image, "other/b.jpg")
    write_coco(tmp_path / file, [name], [(1, 1, BOX)])
    listing = find_coco(tmp_path)
    (record,) = listing.open(split or "train").records
    assert record.image == tmp_path / image
    assert set(listing.splits) == {split or "train"} | ({"val"} if split is None else set())


def test_images_of_one_name_in_two_splits_have_two_ids(tmp_path):
    draw(tmp_path, "train/1.jpg", "valid/1.jpg", "train/2.jpg")
    write_coco(tmp_path / "train" / "_annotations.coco.json", ["1.jpg", "2.jpg"], [(1, 1, BOX)])
    write_coco(tmp_path / "valid" / "_annotations.coco.json", ["1.jpg"], [(1, 2, BOX)])
    listing = find_coco(tmp_path)
    assert listing.splits == {"train": ["train/1", "train/2"], "val": ["valid/1"]}
    assert images(listing) == {"train/1": "train/1.jpg", "train/2": "train/2.jpg", "valid/1": "valid/1.jpg"}
    assert [record.labels.tolist() for record in listing.open("val").records] == [[1]]


@pytest.mark.parametrize("there", ["val2017/1.jpg", "valid/1.jpg", "test/1.jpg"])
def test_an_image_of_another_split_does_not_stand_in_for_a_missing_one(tmp_path, there):
    draw(tmp_path, "train2017/0.jpg", there)
    write_coco(tmp_path / "annotations" / "instances_train2017.json", ["0.jpg", "1.jpg"], [(2, 1, BOX)])
    with pytest.raises(UserError, match=r"^1 of 2 images of split 'train' have no file in .*: train/1$"):
        find_coco(tmp_path).open("train")
    assert kinds(check(tmp_path))["error", "missing image"] == 1
    write_coco(tmp_path / "annotations" / "instances_train2017.json", ["0.jpg", there], [(2, 1, BOX)])
    assert len(find_coco(tmp_path).open("train").records) == 2  # the name says the folder


def test_a_split_of_ones_own_may_take_images_of_all_folders(tmp_path):
    draw(tmp_path, "train2014/1.jpg", "val2014/2.jpg")
    write_coco(tmp_path / "train.json", ["1.jpg", "2.jpg"])
    write_coco(tmp_path / "minival.json", ["2.jpg"])
    assert find_coco(tmp_path).splits == {"train": ["train2014/1", "val2014/2"]}


def test_of_images_that_fit_alike_the_one_where_the_name_leads_counts_or_none(tmp_path):
    draw(tmp_path, "images/a.jpg", "small/a.jpg", "x/b.jpg", "y/b.jpg")
    write_coco(tmp_path / "all.json", ["a.jpg", "b.jpg"])
    listing = find_coco(tmp_path)
    assert images(listing)["a"] == "images/a.jpg"
    with pytest.raises(UserError, match=r"1 of 2 images have no file in .*: b$"):
        listing.open()


def test_splits_that_share_an_image_are_told(tmp_path):
    draw(tmp_path, "images/a.jpg", "images/b.jpg")
    write_coco(tmp_path / "train.json", ["a.jpg", "b.jpg"], [(2, 1, BOX)])
    write_coco(tmp_path / "val.json", ["b.jpg"], [(1, 1, BOX), (1, 2, BOX)])
    report = check(tmp_path)
    assert kinds(report) == {("error", "overlapping splits"): 1}
    assert report.classes == {"cat": {"objects": 1, "images": 1}, "dog": {"objects": 1, "images": 1}}


def test_files_without_a_split_are_for_training_beside_those_with_one(tmp_path):
    draw(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    write_coco(tmp_path / "annotations.json", ["a.jpg", "b.jpg", "c.jpg"])
    write_coco(tmp_path / "val.json", ["c.jpg"])
    listing = find_coco(tmp_path)
    assert listing.splits == {"val": ["c"], "train": ["a", "b"]}
    assert "the 2 images that are in no split are" in listing.open("train").notes[0]


def test_lists_and_folders_make_splits_where_no_file_says_one(tmp_path):
    draw(tmp_path, "images/train/a.jpg", "images/val/b.jpg")
    write_coco(tmp_path / "labels.json", ["a.jpg", "b.jpg"])
    assert find_coco(tmp_path).splits == {"train": ["train/a"], "val": ["val/b"]}
    (tmp_path / "train.txt").write_text("images/val/b.jpg\n", encoding="utf-8")
    assert find_coco(tmp_path).splits == {"train": ["val/b"]}


def test_lvis_names_images_by_address(tmp_path):
    draw(tmp_path, "train2017/1.jpg", "val2017/1.jpg", "val2017/2.jpg")
    urls = [f"http://images.cocodataset.org/{name}.jpg" for name in ("train2017/1", "val2017/2")]
    entries = [{"id": number, "coco_url": url} for number, url in enumerate(urls)]
    write_coco(tmp_path / "lvis_v1_train.json", entries, [(1, 1, BOX)])
    listing = find_coco(tmp_path)
    assert listing.splits == {"train": ["train2017/1", "val2017/2"]}
    assert len(listing.open("train").records) == 2


def test_annotations_may_be_outside_of_the_root(tmp_path):
    draw(tmp_path, "root/a.jpg", "elsewhere/b.jpg")
    path = write_coco(tmp_path / "elsewhere" / "instances_val.json", ["a.jpg", "b.jpg"], [(1, 1, BOX)])
    listing = find_boxes(tmp_path / "root", annotations=path)
    assert (listing.splits, images(listing)) == ({"val": ["a", "val/b"]}, {"a": "a.jpg"})


def test_places_can_be_named(tmp_path):
    draw(tmp_path, "one/a.jpg", "two/a.jpg")
    write_coco(tmp_path / "x" / "all.json", ["a.jpg"], [(1, 1, BOX)])
    write_coco(tmp_path / "y" / "all.json", ["a.jpg"], [(1, 2, BOX)])
    for annotations in ("y", "y/all.json"):
        listing = find_boxes(tmp_path, images="two", annotations=annotations)
        (record,) = listing.open().records
        assert (record.image, record.labels.tolist()) == (tmp_path / "two" / "a.jpg", [1])


def test_categories_of_several_files_are_joined_by_name(tmp_path):
    draw(tmp_path, "train/a.jpg", "val/b.jpg")
    train, val = tmp_path / "train" / "_annotations.coco.json", tmp_path / "val" / "_annotations.coco.json"
    write_coco(train, ["a.jpg"], [(1, 1, BOX)], ["dog", "cat"])
    write_coco(val, ["b.jpg"], [(1, 1, BOX)], ["cat", "dog"])
    listing = find_coco(tmp_path)
    assert listing.classes == ("dog", "cat")  # as the file of train has them
    assert [r.labels.tolist() for split in ("train", "val") for r in listing.open(split).records] == [[0], [1]]
    assert listing.lists.notes == ()
    write_coco(val, ["b.jpg"], [(1, 1, BOX)], ["emu"])
    listing = find_coco(tmp_path)
    assert listing.classes == ("dog", "cat", "emu")
    assert listing.lists.notes == (
        "the COCO files have different categories, all of them are classes; not all have cat, dog, emu",
    )
    write_coco(train, ["a.jpg"], [(1, 3, BOX)], [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}])
    write_coco(val, ["b.jpg"], [(1, 2, BOX)], [{"id": 2, "name": "emu"}, {"id": 1, "name": "dog"}])
    assert find_coco(tmp_path).classes == ("dog", "emu", "cat")  # ids agree, so they are the order


def test_a_category_that_stands_for_no_object_is_no_class(tmp_path):
    draw(tmp_path, "a.jpg")
    roboflow = [
        {"id": 0, "name": "cells", "supercategory": "none"},
        {"id": 1, "name": "RBC", "supercategory": "cells"},
        {"id": 2, "name": "WBC", "supercategory": "cells"},
        {"id": 3, "name": "Background", "supercategory": "none"},
    ]
    path = tmp_path / "all.json"
    write_coco(path, ["a.jpg"], [(1, 1, BOX)], roboflow)
    listing = find_coco(tmp_path)
    assert listing.classes == ("RBC", "WBC")
    assert [*listing.lists.notes[1:]] == [
        "the category cells has no objects and is what the supercategory of others is called, so it is no class",
        "the category Background has no objects and means no object, so it is no class",
    ]
    write_coco(path, ["a.jpg"], [(1, 0, BOX), (1, 3, BOX)], roboflow)
    assert find_coco(tmp_path).classes == ("cells", "RBC", "WBC", "Background")
    person = [{"id": 1, "name": "person", "supercategory": "person"}, {"id": 2, "name": "bus", "supercategory": "x"}]
    write_coco(path, ["a.jpg"], [], person)
    assert find_coco(tmp_path).classes == ("person", "bus")


def test_an_image_that_is_listed_twice_counts_once_with_all_its_objects(tmp_path):
    draw(tmp_path, "a.jpg", "b.jpg")
    entry = {"id": 1, "file_name": "a.jpg", "width": 80, "height": 40}
    boxes = [(1, 1, BOX), (2, 1, BOX), (2, 2, BOX)]
    write_coco(tmp_path / "all.json", [entry, {**entry, "id": 2}, {**entry, "id": 2}, {**entry, "id": 3}], boxes)
    listing = find_coco(tmp_path)
    assert [named.name for named in listing.read("a").objects] == ["cat", "dog"]
    assert [problem.text for problem in listing.problems] == [
        "1 image stands more than once and counts once: a.jpg",
        "2 images stand there under another id too, and their objects count together: a.jpg, a.jpg",
    ]
    write_coco(tmp_path / "all.json", [entry, {**entry, "file_name": "b.jpg"}])
    with pytest.raises(UserError, match=r"images 'a\.jpg' and 'b\.jpg' both have the id 1, so which one"):
        find_coco(tmp_path)


def test_other_json_files_are_no_boxes(tmp_path):
    draw(tmp_path, "a.jpg")
    (tmp_path / "instances_val2017_results.json").write_text(json.dumps([{"image_id": 1, "bbox": BOX}]))
    (tmp_path / "captions.json").write_text(json.dumps({"images": [], "annotations": [{"caption": "a"}]}))
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [], "imagePath": "a.jpg"}))
    assert find_coco(tmp_path) is None
    write_coco(tmp_path / "x.json", ["a.jpg"], [{"image_id": 1, "file_name": "a.png", "segments_info": []}])
    write_coco(tmp_path / "panoptic_val.json", ["a.jpg"], [{"image_id": 1, "segments_info": []}])
    assert find_coco(tmp_path) is None
    assert find_coco(tmp_path, annotations=tmp_path / "a.json") is None
    assert find_coco(tmp_path, annotations=tmp_path / "a.jpg") is None


@pytest.mark.parametrize(
    "name",
    [
        "/etc/secret.jpg",
        "../secret.jpg",
        "x/../../secret.jpg",
        "..\\secret.jpg",
        "C:\\secret.jpg",
        "\\\\host\\s\\secret.jpg",
    ],
)
def test_names_never_lead_out_of_the_folder(tmp_path, name):
    draw(tmp_path, "secret.jpg", "root/a.jpg", "root/images/b.jpg")
    write_coco(tmp_path / "root" / "all.json", ["a.jpg", name], [(2, 1, BOX)])
    for listing in (find_boxes(tmp_path / "root"), find_boxes(tmp_path / "root", images="images")):
        assert all(path.is_relative_to(tmp_path / "root") for path in listing.images.values())
        with pytest.raises(UserError, match=r"of 2 images have no file in .*secret$"):
            listing.open()


def test_numbers_are_those_of_the_file_that_has_the_images(tmp_path):
    draw(tmp_path, "train/a.jpg", "val/a.jpg", "val/b.jpg")
    entries = [{"id": 70, "file_name": "a.jpg"}, {"id": "b7", "file_name": "b.jpg"}]
    write_coco(tmp_path / "train" / "_annotations.coco.json", ["a.jpg"], [(1, 1, BOX)], ["dog", "cat"])
    val = write_coco(tmp_path / "val" / "_annotations.coco.json", entries, [], ["cat", "dog"])
    numbers = file_numbers(tmp_path, None, None, ["val/a", "val/b"])
    assert (numbers.path, numbers.images) == (val, {"val/a": 70, "val/b": "b7"})
    assert numbers.categories == {"cat": 1, "dog": 2}
    assert file_numbers(tmp_path, None, None, ["train/a", "val/b"]) is None
