import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.masks.coco import read_coco
from trizoo.data.masks.panoptic import read_panoptic
from trizoo.ground.errors import UserError


def write(path, segments):
    """A file of one image of 2x2 pixels."""
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 2, "height": 2}],
        "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": segments}],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_panoptic_segments_become_classes(tmp_path):
    ids = np.array([[0, 1], [70000, 300]], np.int32)
    folder = tmp_path / "panoptic_val"
    folder.mkdir()
    Image.fromarray(np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)).save(
        folder / "a.png"
    )
    segments = [
        {"id": 1, "category_id": 3, "iscrowd": 0},
        {"id": 300, "category_id": 7, "iscrowd": 1},
        {"id": 70000, "category_id": 7, "iscrowd": 0},
    ]
    path = write(tmp_path / "panoptic_val.json", segments)
    content = read_panoptic(path)
    assert content.classes == ("cat", "dog")
    assert content.images[0].mask == folder / "a.png"
    labels = {"cat": 0, "dog": 1}
    assert content.images[0].draw(labels, (2, 2)).tolist() == [[255, 0], [1, 255]]
    content = read_panoptic(write(path, segments[:2]))
    with pytest.raises(UserError, match=r"a\.png holds segment 70000 in 1 pixels, which .*panoptic_val\.json lacks"):
        content.images[0].draw(labels, (2, 2))


def test_a_number_beyond_all_bounds_is_a_sentence(tmp_path):
    path = write(tmp_path / "panoptic_val.json", [{"id": 12345, "category_id": 3}])
    path.write_text(path.read_text().replace("12345", "1e999"))
    with pytest.raises(UserError, match="isn't written as COCO's files are: OverflowError"):
        read_panoptic(path)


def test_files_of_the_other_kind_are_none(tmp_path):
    assert read_coco(write(tmp_path / "panoptic.json", [])) is None
    instances = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    (tmp_path / "instances.json").write_text(json.dumps(instances), encoding="utf-8")
    assert read_panoptic(tmp_path / "instances.json") is None
    with pytest.raises(UserError, match="lacks images, annotations or categories"):
        read_panoptic(_written(tmp_path / "other.json", "{}"))


def _written(path, text):
    path.write_text(text, encoding="utf-8")
    return path
