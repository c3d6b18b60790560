import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from trizoo.data.masks.find import find_masks
from trizoo.data.write.coco import write_coco
from trizoo.tests.data.write.contents import CLASSES, OBJECTS, boxes, masks, ragged


def written(content, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return out, write_coco(content, out)


def coco(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_reads_the_boxes_of_each_split(tmp_path):
    content = boxes(tmp_path)
    out, notes = written(content, tmp_path)
    assert notes == []
    names = {"train": [0, 2, 3], "trainval": [0, 1, 2, 3], "val": [1]}
    for split, places in names.items():
        read = coco(out / "annotations" / f"instances_{split}.json")
        assert read.getImgIds() == [place + 1 for place in places]
        assert read.cats == {i: {"id": i, "name": n, "supercategory": n} for i, n in enumerate(CLASSES, start=1)}
        for place in places:
            entry, record = read.imgs[place + 1], content.records[place]
            assert (entry["width"], entry["height"]) == (40, 30)
            assert (out / "images" / entry["file_name"]).read_bytes() == record.image.read_bytes()
            objects = read.loadAnns(read.getAnnIds(imgIds=[place + 1]))
            assert [thing["category_id"] - 1 for thing in objects] == record.labels.tolist()
            assert [bool(thing["iscrowd"]) for thing in objects] == record.crowd.tolist()
            assert [bool(thing.get("ignore", 0)) for thing in objects] == record.difficult.tolist()
            corners = np.array([thing["bbox"] for thing in objects], np.float64).reshape(-1, 4)
            corners[:, 2:] += corners[:, :2]
            np.testing.assert_array_equal(corners.astype(np.float32), record.boxes)


def test_ids_count_from_1_areas_are_sides_multiplied_and_ids_are_the_same_in_all_files(tmp_path):
    out, _ = written(boxes(tmp_path), tmp_path)
    contents = {
        split: json.loads((out / "annotations" / f"instances_{split}.json").read_text(encoding="utf-8"))
        for split in ("train", "trainval", "val")
    }
    whole = contents["trainval"]["annotations"]
    assert [entry["id"] for entry in whole] == [1, 2, 3, 4, 5]
    # 10 wide and 19 high; 35.75 wide and 25.5 high
    assert [entry["area"] for entry in whole[:2]] == [190, 911.625]
    assert whole[0]["bbox"] == [0, 1, 10, 19]
    for split in ("train", "val"):
        assert all(entry in whole for entry in contents[split]["annotations"])
    assert sum(len(objects) for objects in OBJECTS.values()) == len(whole)


def test_images_in_no_split_are_left_out_and_told(tmp_path):
    out, notes = written(replace(boxes(tmp_path), splits={"train": [0]}), tmp_path)
    assert notes == ["images in no split are left out: 3"]
    assert [path.name for path in (out / "images").iterdir()] == ["train_照片 1.png"]


@pytest.mark.parametrize("classes", [("background", "cell", "图"), ("wall", "cell", "图")])
def test_masks_come_back_identical_by_our_reader(tmp_path, classes):
    drawn = ragged()
    out, notes = written(masks(tmp_path, drawn, classes), tmp_path)
    assert notes == []
    listing = find_masks(out)
    assert {split: len(ids) for split, ids in listing.splits.items()} == {"train": 1, "val": 1}
    for split, mask in zip(("train", "val"), drawn, strict=True):
        np.testing.assert_array_equal(listing.open(split, classes).mask(0), mask)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools' own
def test_pycocotools_decodes_the_masks(tmp_path):
    drawn = ragged(3)
    out, _ = written(masks(tmp_path, drawn), tmp_path)
    read = coco(out / "annotations" / "instances_train.json")
    assert [entry["name"] for entry in read.cats.values()] == ["cell", "图"]
    crowds = 0
    for entry in read.anns.values():
        pixels = drawn[0] == (255 if entry["iscrowd"] else entry["category_id"])
        np.testing.assert_array_equal(read.annToMask(entry).astype(bool), pixels)
        assert entry["area"] == pixels.sum()
        assert entry["bbox"] == coco_mask.toBbox(read.annToRLE(entry)).tolist()
        crowds += entry["iscrowd"]
    assert crowds == 2  # what is ignored is so for both classes
