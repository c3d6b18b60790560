import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.check import masks
from trizoo.data.masks.find import find_masks
from trizoo.data.synthetic import synthesize


def check_masks(root, classes=None, **options):
    return masks.check_masks(find_masks(root), classes, **options)


def filled(value, **others):
    """A mask of 6x4 with one value, and pixels of others in its first row: v9=2 puts a 9 in two of them."""
    mask = np.full((4, 6), value, np.uint8)
    row = [int(name[1:]) for name, count in others.items() for _ in range(count)]
    mask[0, : len(row)] = row
    return mask


def add(root, name, mask, size=(6, 4), suffix="png"):
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (10, 20, 30)).save(root / "images" / f"{name}.jpg")
    Image.fromarray(np.asarray(mask)).save(root / "masks" / f"{name}.{suffix}")
    return root


@pytest.fixture
def root(tmp_path):
    """Two images with masks of three classes, in order."""
    add(tmp_path / "数据 set", "a", filled(0, v1=2, v255=1))
    return add(tmp_path / "数据 set", "b", filled(2))


def kinds(report):
    return {finding.kind: finding.count for finding in report.findings}


def example(report, kind):
    return next(finding for finding in report.findings if finding.kind == kind).examples[0]


def test_sound_masks_have_no_findings_and_are_counted(root):
    report = check_masks(root)
    assert (report.findings, report.layout) == ((), "folders")
    assert report.values == {
        0: {"pixels": 21, "masks": 1, "class": "class_0"},
        1: {"pixels": 2, "masks": 1, "class": "class_1"},
        2: {"pixels": 24, "masks": 1, "class": "class_2"},
        255: {"pixels": 1, "masks": 1, "class": "ignored"},
    }
    assert report.classes["class_2"] == {"pixels": 24, "masks": 1}
    assert sum(row["images"] for row in report.splits.values()) == 2
    assert sum(row["one_value"] for row in report.splits.values()) == 1
    assert report.image_sizes == {"6x4": 2}
    content = json.loads(report.to_json())
    assert content["ok"] is True
    assert content["values"]["255"]["class"] == "ignored"
    text = str(report)
    assert "         1              21   43.75%       0   class_0" in text.splitlines()
    assert "Errors: none" in text


def test_synthetic_data_are_sound(tmp_path):
    report = check_masks(synthesize(tmp_path / "set", 20, (64, 48)))
    assert (report.findings, report.layout) == ((), "voc")
    assert [*report.classes] == ["background", "circle", "square", "triangle"]


def test_0_and_255_get_the_map_offered(tmp_path):
    root = add(add(tmp_path, "a", filled(0, v255=2)), "b", filled(0))
    report = check_masks(root)
    assert kinds(report) == {"masks of 0 and 255": 1}
    assert "--mask-map 255=1 (data.mask_map: {255: 1} in a recipe) makes it class 1" in example(
        report, "masks of 0 and 255"
    )
    assert kinds(check_masks(root, ["ground", "cell"])) == {"masks of 0 and 255": 1, "class without pixels": 1}
    report = check_masks(root, mask_map={255: 1})
    assert report.findings == ()
    assert report.values[255]["class"] == "class_1"


def test_values_that_are_no_class_are_named_file_by_file(root):
    add(root, "c", filled(0, v9=3, v10=1))
    report = check_masks(root, ["a", "b", "c"])
    assert kinds(report) == {"value that is no class": 1}
    assert example(report, "value that is no class").startswith("mask masks/c.png holds 9 in 3 pixels, which is no")
    assert report.values[9]["class"] is None
    assert kinds(check_masks(root)) == {"values that don't count from 0": 1}
    assert "--mask-map 9=3,10=4 " in example(check_masks(root), "values that don't count from 0")
    assert check_masks(root, mask_map={9: 3, 10: 4}).errors == []


def test_sizes_that_differ_are_told(root):
    add(root, "b", np.full((6, 4), 2, np.uint8))
    report = check_masks(root)
    assert kinds(report) == {"mask size": 1}
    assert example(report, "mask size").startswith("masks/b.png: is 4x6 but the image is 6x4, as it is turned by its")


def test_files_that_cannot_be_read_are_told(root):
    add(root, "c", filled(0))
    (root / "masks" / "c.png").write_bytes(b"")
    (root / "images" / "a.jpg").write_bytes(b"\xff\xd8")
    report = check_masks(root)
    assert kinds(report) == {"unreadable mask": 1, "unreadable image": 1}
    assert "masks/c.png is empty (0 bytes)" in example(report, "unreadable mask")


def test_what_has_no_other_half_is_a_warning(root):
    (root / "masks" / "b.png").rename(root / "masks" / "z.png")
    report = check_masks(root)
    assert report.errors == []
    assert kinds(report) == {"image without mask": 1, "mask without image": 1}
    assert example(report, "mask without image").startswith("masks/z.png: has no image")


def test_colours_get_a_palette_offered(root):
    colours = np.array([[0, 0, 0], [0, 200, 0], [200, 0, 0]], np.uint8)
    for name in "ab":
        add(root, name, colours[filled(0, v1=2, v2=1)])
    report = check_masks(root)
    assert kinds(report) == {"mask in colours": 2, "colours without a palette": 1}
    assert "--palette 000000,00c800,c80000, put into the order" in example(report, "colours without a palette")
    assert example(report, "colours without a palette").startswith("masks: the masks hold 3 colours (#000000 in 42 ")
    palette = tuple(map(tuple, colours.tolist()))
    assert check_masks(root, palette=palette).findings == ()
    report = check_masks(root, palette=palette[:2])
    assert kinds(report) == {"unreadable mask": 2}
    assert "#c80000 in 1 pixels" in example(report, "unreadable mask")
    add(root, "a", np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8), (60, 40))
    assert "more than 64 colours, as pictures do" in str(check_masks(root)).replace("\n      ", " ")


def test_masks_that_teach_nothing_and_jpeg_are_warnings(root):
    add(root, "c", filled(255))
    add(root, "d", filled(0), suffix="jpg")
    report = check_masks(root)
    assert report.errors == []
    assert kinds(report) == {"mask all ignored": 1, "mask saved as JPEG": 1}


def test_classes_without_pixels_and_splits_that_overlap(root):
    (root / "train.txt").write_text("a\n", encoding="utf-8")
    (root / "val.txt").write_text("a\n", encoding="utf-8")
    report = check_masks(root, ["x", "y", "z", "w"])
    assert kinds(report) == {"overlapping splits": 1, "image in no split": 1, "class without pixels": 1}
    assert example(report, "overlapping splits") == "the splits train and val share 1 images, like a"
    assert example(report, "class without pixels") == "masks: no mask holds w"


def test_annotations_are_drawn(tmp_path):
    Image.new("RGB", (6, 4)).save(tmp_path / "a.png")
    shapes = [{"label": "cell", "points": [[0, 0], [6, 0], [6, 2], [0, 2]]}, {"label": "x", "points": [[1, 1]]}]
    content = {"imagePath": "a.png", "shapes": shapes, "imageWidth": 6, "imageHeight": 4}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    report = check_masks(tmp_path)
    assert kinds(report) == {"shape without area": 1}
    assert report.classes == {"background": {"pixels": 12, "masks": 1}, "cell": {"pixels": 12, "masks": 1}}
    assert kinds(check_masks(tmp_path, ["background", "cells"])) == {
        "annotation": 1,
        "shape without area": 1,
    }
    content["imageWidth"] = 7
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    assert "was drawn on an image of 7x4" in example(check_masks(tmp_path), "annotation")


def test_names_that_look_alike_and_splits_without_one_to_train_on_are_told(root):
    (root / "val.txt").write_text("a\nb\n", encoding="utf-8")
    report = check_masks(root, ["ground", "c\u0430t", "Ground"])
    assert kinds(report) == {"no split to train on": 1, "similar class names": 1, "class name of two scripts": 1}
    assert [finding.kind for finding in report.errors] == ["no split to train on"]
    assert "has the splits val and none called train or trainval" in example(report, "no split to train on")
