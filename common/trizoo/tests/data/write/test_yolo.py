from dataclasses import replace

import numpy as np
import yaml
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.masks.polygons import paint
from trizoo.data.write.yolo import write_yolo
from trizoo.tests.data.write.contents import CLASSES, boxes, masks, ragged


def written(content, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    notes = write_yolo(content, out)
    return out, yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8")), notes


def lines(out, split, name):
    text = (out / "labels" / split / f"{name}.txt").read_text(encoding="utf-8")
    return [
        (int(label), np.array(numbers, np.float64)) for label, *numbers in (line.split() for line in text.splitlines())
    ]


def test_boxes_are_shares_that_come_back_within_a_hundredth_of_a_pixel(tmp_path):
    content = boxes(tmp_path)
    out, config, notes = written(content, tmp_path)
    assert config == {"train": "images/train", "val": "images/val", "nc": 2, "names": dict(enumerate(CLASSES))}
    assert notes == [
        "images in several splits are written once, and there is no trainval: 4",
        "YOLO has no flag for difficult objects, so these are like others: 1",
        "YOLO knows no crowds, so these are left out: 1",
    ]
    for split, places in {"train": [0, 2, 3], "val": [1]}.items():
        for place in places:
            record, name = content.records[place], content.names[place]
            found = lines(out, split, name)
            assert [label for label, _ in found] == record.labels[~record.crowd].tolist()
            for (_, (x, y, width, height)), box in zip(found, record.boxes[~record.crowd], strict=True):
                corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) * (40, 30, 40, 30)
                np.testing.assert_allclose(corners, box, atol=0.01)
            assert (out / "images" / split / f"{name}.png").read_bytes() == record.image.read_bytes()
    assert lines(out, "train", "empty") == []


def test_a_share_has_no_more_digits_than_it_needs(tmp_path):
    out, _, _ = written(boxes(tmp_path), tmp_path)
    # 0 to 10 of 40 and 1 to 20 of 30: the centre is at 5 / 40 and 10.5 / 30
    first = (out / "labels" / "train" / "train_照片 1.txt").read_text(encoding="utf-8").splitlines()[0]
    assert first == "0 0.125 0.35 0.25 0.633333333333"


def test_trainval_is_what_there_is_to_train_on_where_there_is_no_train(tmp_path):
    out, config, notes = written(replace(boxes(tmp_path), splits={"test": [1], "trainval": [0, 2]}), tmp_path)
    assert (config["train"], config["test"], "val" in config) == ("images/trainval", "images/test", False)
    assert (out / "labels" / "trainval" / "empty.txt").is_file()
    assert "images in no split are left out: 1" in notes
    assert "there is no split val, without which other tools may refuse data.yaml" in notes


def test_masks_are_outlines_that_fill_to_the_same_pixels(tmp_path):
    drawn = ragged(1, values=(0, 1, 2, 2))
    out, config, notes = written(masks(tmp_path, drawn), tmp_path)
    assert (notes, config["names"]) == ([], {0: "cell", 1: "图"})
    for split, place in (("train", 0), ("val", 1)):
        mask = drawn[place]
        canvas = np.zeros(mask.shape, np.uint8)
        for label, numbers in lines(out, split, f"m{place}"):
            paint(canvas, numbers.reshape(-1, 2) * mask.shape[::-1], label + 1)
        np.testing.assert_array_equal(canvas, mask)


def test_ignored_pixels_become_background_and_that_is_told(tmp_path):
    drawn = [np.full((3, 4), 255, np.uint8), np.ones((3, 4), np.uint8)]
    out, _, notes = written(masks(tmp_path, drawn), tmp_path)
    assert notes == ["YOLO knows no ignored pixels, so these are background; masks that have some: 1"]
    assert lines(out, "train", "m0") == []


def test_without_a_background_every_class_has_a_label(tmp_path):
    drawn = [np.zeros((3, 4), np.uint8), np.ones((3, 4), np.uint8)]
    drawn[1][0, 0] = 255
    out, config, notes = written(masks(tmp_path, drawn, ("wall", "cell")), tmp_path)
    assert (config["names"], config["background"]) == ({0: "wall", 1: "cell"}, False)
    assert notes == [
        "YOLO knows no ignored pixels, so these are in no outline, which other tools take for background; "
        "masks that have some: 1"
    ]
    assert [label for label, _ in lines(out, "train", "m0")] == [0]


def test_whole_pixels_come_back_to_the_last_bit(tmp_path):
    """So that a run on the same boxes as YOLO has the same losses, digit for digit."""
    size, rng = (637, 479), np.random.default_rng(0)
    corners = np.sort(rng.integers(0, size[1], (50, 2, 2)), axis=1).reshape(50, 4).astype(np.float32)
    corners = corners[(corners[:, 2:] > corners[:, :2]).all(axis=1)]
    content = boxes(tmp_path)
    image = tmp_path / "large.png"
    Image.new("RGB", size).save(image)
    labels, flags = np.zeros(len(corners), np.int64), np.zeros(len(corners), bool)
    record = replace(
        content.records[0], image=image, size=size, boxes=corners, labels=labels, difficult=flags, crowd=flags
    )
    out, _, _ = written(replace(content, records=[record, *content.records[1:]]), tmp_path)
    found = next(record for record in find_boxes(out).open("train").records if record.size == size)
    np.testing.assert_array_equal(found.boxes, corners)
