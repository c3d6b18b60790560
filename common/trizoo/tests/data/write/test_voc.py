from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.masks.find import find_masks
from trizoo.data.write.voc import annotation, write_voc
from trizoo.ground.sample import Record
from trizoo.pictures.palette import voc_palette
from trizoo.tests.data.write.contents import CLASSES, boxes, masks, ragged


def test_boxes_come_back_to_the_last_bit(tmp_path):
    content = boxes(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    notes = write_voc(content, out)
    assert notes == ["VOC knows no crowds, so these are difficult objects: 1"]
    listing = find_boxes(out)
    assert listing.splits == {
        "train": ["train_照片 1", "empty", "b"],
        "trainval": ["train_照片 1", "val_照片 1", "empty", "b"],
        "val": ["val_照片 1"],
    }
    data = listing.open("trainval", CLASSES)
    assert data.problems == []
    for written, read in zip(content.records, data.records, strict=True):
        np.testing.assert_array_equal(read.boxes, written.boxes)
        assert read.labels.tolist() == written.labels.tolist()
        assert read.difficult.tolist() == (written.difficult | written.crowd).tolist()
        assert read.image.read_bytes() == written.image.read_bytes()


def test_corners_count_from_1_and_include_the_last_pixel(tmp_path):
    content = boxes(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    write_voc(content, out)
    root = ElementTree.parse(out / "Annotations" / "train_照片 1.xml").getroot()
    assert [element.text for element in root.find("size")] == ["40", "30", "3"]
    assert root.findtext("filename") == "train_照片 1.png"
    first, second = root.findall("object")
    # pixels 0 to 9 and 1 to 19 are the columns 1 to 10 and the rows 2 to 20
    assert [element.text for element in first.find("bndbox")] == ["1", "2", "10", "20"]
    assert [element.text for element in second.find("bndbox")] == ["5.25", "5.5", "40", "30"]
    assert [thing.findtext("difficult") for thing in (first, second)] == ["0", "1"]
    assert first.findtext("name") == "a & b"


def test_objects_of_a_pixel_are_left_out_and_told(tmp_path):
    content = boxes(tmp_path)
    table = np.array([[3, 3, 4, 9], [3, 3, 4.5, 9]], np.float32)
    record = replace(content.records[0], boxes=table, labels=np.array([0, 1]))
    out = tmp_path / "out"
    out.mkdir()
    content = replace(content, records=[record], names=["x"], splits={"train": [0]})
    assert write_voc(content, out) == [
        "VOC has no corners for objects no wider or no higher than a pixel, so these are left out: 1"
    ]
    assert find_boxes(out).open().records[0].boxes.tolist() == [[3, 3, 4.5, 9]]


def test_masks_are_palette_files_with_lists_and_names(tmp_path):
    drawn = ragged()
    out = tmp_path / "out"
    out.mkdir()
    assert write_voc(masks(tmp_path, drawn), out) == []
    with Image.open(out / "SegmentationClass" / "m0.png") as mask:
        assert mask.mode == "P"
        assert mask.getpalette()[:768] == voc_palette().ravel().tolist()
    listing = find_masks(out)
    assert listing.splits == {"train": ["m0"], "val": ["m1"]}
    data = listing.open()
    assert data.classes == ("background", "cell", "图")
    for place, mask in enumerate(drawn):
        np.testing.assert_array_equal(data.mask(place), mask)


def test_what_xml_cannot_hold_is_replaced():
    text = annotation("f", "a.jpg", (2, 3), [("x\x00y", ("1", "1", "2", "2"), False, 0.5)])
    root = ElementTree.fromstring(text.encode())
    assert root.findtext("object/name") == "x\ufffdy"
    assert root.findtext("object/score") == "0.5"


def test_a_record_without_objects_is_an_annotation_without_objects(tmp_path):
    content = boxes(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    write_voc(replace(content, records=[Record("e", content.records[0].image, (40, 30))], names=["e"], splits={}), out)
    assert ElementTree.parse(out / "Annotations" / "e.xml").getroot().find("object") is None
