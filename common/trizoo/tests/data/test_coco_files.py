import json
from pathlib import Path

import pytest

from trizoo.data.coco_files import find_files, image_folders, read_content, split_of
from trizoo.ground.errors import UserError

SETS = {"images": [], "annotations": [], "categories": []}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_files_are_known_by_name_or_else_by_what_they_hold(tmp_path):
    write(tmp_path / "a" / "result.json", SETS)
    write(tmp_path / "other.json", {"images": 1})
    assert find_files(tmp_path) == [tmp_path / "a" / "result.json"]
    write(tmp_path / "annotations" / "instances_val2017.json", {})  # what it lacks is said when it is read
    write(tmp_path / "train" / "_annotations.coco.json", SETS)
    assert {path.name for path in find_files(tmp_path)} == {"instances_val2017.json", "_annotations.coco.json"}
    with pytest.raises(UserError, match="lacks images, annotations or categories"):
        read_content(tmp_path / "annotations" / "instances_val2017.json")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("annotations/instances_train2017.json", "train"),
        ("annotations/panoptic_valid.json", "val"),
        ("annotations/instances_night2019.json", "night"),
        ("valid/_annotations.coco.json", "val"),
        ("photos/_annotations.coco.json", None),
        ("test.json", "test"),
        ("result.json", None),
        ("annotations/instances_default.json", None),
        ("annotations/train.json", "train"),
        ("annotations/train/instances.json", "train"),
        ("valid/labels/train.json", "train"),
        ("valid/labels/all.json", "val"),
        ("person_keypoints_train2017.json", "train"),
        ("annotations_val.json", "val"),
        ("trainval2007.json", "trainval"),
        ("latest.json", None),
    ],
)
def test_the_split_is_that_of_the_name_or_of_the_folder(name, split):
    assert split_of(Path("/data", name), Path("/data")) == split


def test_results_and_files_that_begin_like_coco_and_are_none(tmp_path):
    write(tmp_path / "instances_val2017_results.json", [{"image_id": 1}])
    write(tmp_path / "one" / "a.json", SETS)
    broken = tmp_path / "two" / "b.json"
    write(broken, {"images": [{"file_name": "a.jpg"}], **SETS})
    broken.write_text(broken.read_text()[:-5], encoding="utf-8")
    assert find_files(tmp_path) == [tmp_path / "one" / "a.json", broken]  # what is wrong is said when it is read
    assert find_files(tmp_path, tmp_path / "one") == [tmp_path / "one" / "a.json"]
    assert find_files(tmp_path, broken) == [broken]
    write(tmp_path / "c.json", {"images": []})
    assert find_files(tmp_path, tmp_path / "c.json") == []


def test_images_are_looked_for_beside_the_file_and_in_folders_of_the_splits_name():
    found = image_folders(Path("/data/annotations/instances_train2017.json"), Path("/data"))
    assert found[0] == Path("/data/annotations")
    assert {Path("/data/train2017"), Path("/data/train"), Path("/data/images/train2017"), Path("/data/images")} <= {
        *found
    }
