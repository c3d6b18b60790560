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
    ],
)
def test_the_split_is_that_of_the_name_or_of_the_folder(name, split):
    assert split_of(Path("/data", name), Path("/data")) == split


def test_images_are_looked_for_beside_the_file_and_in_folders_of_the_splits_name():
    found = image_folders(Path("/data/annotations/instances_train2017.json"), Path("/data"))
    assert found[0] == Path("/data/annotations")
    assert {Path("/data/train2017"), Path("/data/train"), Path("/data/images/train2017"), Path("/data/images")} <= {
        *found
    }
