import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.masks.find import find_masks
from trizoo.data.write.labelme import write_labelme
from trizoo.tests.data.write.contents import CLASSES, boxes, masks, ragged


def written(content, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return out, write_labelme(content, out)


def test_boxes_come_back_to_the_last_bit(tmp_path):
    content = boxes(tmp_path)
    out, notes = written(content, tmp_path)
    assert notes == []
    listing = find_boxes(out)
    assert (listing.layout, {split: len(ids) for split, ids in listing.splits.items()}) == (
        "labelme",
        {"train": 3, "trainval": 4, "val": 1},
    )
    data = listing.open("trainval", CLASSES)
    for record, read in zip(content.records, data.records, strict=True):
        np.testing.assert_array_equal(read.boxes, record.boxes)
        assert read.labels.tolist() == record.labels.tolist()
        assert read.difficult.tolist() == (record.difficult | record.crowd).tolist()
        assert read.image.read_bytes() == record.image.read_bytes()


def test_a_file_is_as_labelme_writes_it(tmp_path):
    out, _ = written(boxes(tmp_path), tmp_path)
    content = json.loads((out / "train_照片 1.json").read_text(encoding="utf-8"))
    shapes = content.pop("shapes")
    assert content == {
        "version": "5.4.0",
        "flags": {},
        "imagePath": "train_照片 1.png",
        "imageData": None,
        "imageHeight": 30,
        "imageWidth": 40,
    }
    assert shapes[1] == {
        "label": "狗: 'c'",
        "points": [[4.25, 4.5], [40, 30]],
        "group_id": None,
        "description": "",
        "shape_type": "rectangle",
        "flags": {"difficult": True},
    }
    crowd = json.loads((out / "val_照片 1.json").read_text(encoding="utf-8"))["shapes"][1]
    assert crowd["flags"] == {"difficult": True, "crowd": True}
    assert (out / "labels.txt").read_text(encoding="utf-8") == "__ignore__\n_background_\na & b\n狗: 'c'\n"


@pytest.mark.parametrize("classes", [("background", "cell", "图"), ("wall", "cell", "图")])
def test_masks_come_back_identical_by_our_reader(tmp_path, classes):
    drawn = ragged(2)
    out, notes = written(masks(tmp_path, drawn, classes), tmp_path)
    assert notes == []
    listing = find_masks(out, "labelme")
    assert listing.splits == {"train": ["m0"], "val": ["m1"]}
    for split, mask in zip(("train", "val"), drawn, strict=True):
        np.testing.assert_array_equal(listing.open(split, classes).mask(0), mask)


def test_masks_are_put_together_as_labelme_does(tmp_path):
    drawn = ragged(4)
    out, _ = written(masks(tmp_path, drawn), tmp_path)
    mask = np.zeros(drawn[0].shape, np.uint8)
    ids = {"cell": 1, "图": 2, "__ignore__": 255}
    for shape in json.loads((out / "m0.json").read_text(encoding="utf-8"))["shapes"]:
        (x1, y1), (x2, y2) = shape["points"]  # labelme's shape_to_mask: rows y1 to y2 and columns x1 to x2, both inside
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as image:
            mask[y1 : y2 + 1, x1 : x2 + 1][np.array(image).astype(bool)] = ids[shape["label"]]
    np.testing.assert_array_equal(mask, drawn[0])
