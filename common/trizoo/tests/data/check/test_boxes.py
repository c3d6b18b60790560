import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.check.boxes import check_boxes
from trizoo.data.synthetic import synthesize
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.voc_files import add, thing


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "数据 set", images=20, size=(64, 48))


@pytest.fixture
def root(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "数据 set"))


def check(root, classes=None):
    return check_boxes(find_boxes(root), classes)


def kinds(report):
    return {finding.kind: finding.count for finding in report.findings}


def example(report, kind):
    return next(finding for finding in report.findings if finding.kind == kind).examples[0]


def annotate(root, id, *objects, size=(64, 48), prolog="", encoding="utf-8"):
    text = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>\n"
        for name, a, b, c, d in objects
    )
    size = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    (root / "Annotations" / f"{id}.xml").write_bytes(f"{prolog}<annotation>{size}{text}</annotation>".encode(encoding))


def append(root, name, *ids, kind="Main"):
    with (root / "ImageSets" / kind / f"{name}.txt").open("a", encoding="utf-8") as file:
        file.writelines(f"{id}\n" for id in ids)


def test_sound_data_set_has_no_findings(root):
    report = check(root)
    assert report.findings == ()
    assert (report.errors, report.warnings) == ([], [])
    assert {name: row["images"] for name, row in report.splits.items()} == {
        "train": 14,
        "val": 3,
        "test": 3,
        "Segmentation/train": 14,
        "Segmentation/val": 3,
        "Segmentation/test": 3,
    }
    total = sum(row["objects"] for row in report.classes.values())
    assert total == sum(report.splits[name]["objects"] for name in ("train", "val", "test"))
    assert total == report.box_sizes["small"] + report.box_sizes["medium"] + report.box_sizes["large"]
    assert report.image_sizes == {"64x48": 20}
    assert set(report.mask_values) == {0, 1, 2, 3, 255}
    assert sum(row["pixels"] for row in report.mask_values.values()) == 20 * 64 * 48
    (note,) = report.notes
    assert note.startswith("14 images to train on are few: pretrained weights (--weights TAG), freezing")


def test_boxes_are_counted_and_measured(root):
    for path in (root / "Annotations").iterdir():
        path.unlink()
        annotate(root, path.stem)
    annotate(root, "000000", ("a", 1, 1, 10, 10), ("a", 1, 1, 40, 40), ("b", 5, 9, 20, 9))
    report = check(root)
    # sides 10 and 40, and a box that has no area
    assert report.box_sizes == {"smallest": 10, "median": 25, "largest": 40, "small": 1, "medium": 1, "large": 0}
    assert report.splits["train"] == {"images": 14, "objects": 2, "without_objects": 13}
    assert report.classes == {"a": {"objects": 2, "images": 1}}
    assert kinds(report)["box without area"] == 1


@pytest.mark.parametrize(
    ("objects", "kind", "text"),
    [
        ([("circle", 5, 5, 5, 9)], "box without area", "line 1: circle (5, 5, 5, 9) has no area"),
        ([("circle", 5, 5, 99, 9)], "box outside the image", "lies outside the 64x48 image and is clipped"),
        ([("circle", 9, 5, 5, 9)], "swapped corners", "(9, 5, 5, 9) has its corners swapped"),
        ([("", 9, 5, 15, 9)], "object without name", "without a name"),
        ([("circle", "", 5, 15, 9)], "object without box", "no number for xmin"),
        ([("circle", 1, 5, 15, 9)] * 3, "object twice", "circle stands there 3 times"),
    ],
)
def test_faulty_objects_are_warnings_with_file_names(root, objects, kind, text):
    annotate(root, "000003", *objects)
    report = check(root)
    assert report.errors == []
    assert kinds(report) == {kind: 1}
    assert example(report, kind).startswith("Annotations/000003.xml: ")
    assert text in example(report, kind)


def test_size_tag_is_compared_with_the_image(root):
    annotate(root, "000003", size=(48, 64))
    assert example(check(root), "size tag") == "Annotations/000003.xml: says 48x64 but the image is 64x48, which counts"


def test_missing_files_are_errors(root):
    (root / "JPEGImages" / "000000.jpg").unlink()
    (root / "Annotations" / "000003.xml").unlink()
    (root / "SegmentationClass" / "000004.png").unlink()
    append(root, "train", "图 7")
    report = check(root)
    assert kinds(report) == {"missing image": 2, "missing annotation": 2, "missing mask": 1}
    assert {finding.severity for finding in report.findings} == {"error"}
    assert "Annotations/000000.xml: 000000 has no image in JPEGImages" in report.findings[0].examples
    assert example(report, "missing mask") == "ImageSets/Segmentation/train.txt: 000004 has no mask"


def test_unreadable_files_are_errors(root):
    image = root / "JPEGImages" / "000000.jpg"
    image.write_bytes(image.read_bytes()[:-1200])
    (root / "JPEGImages" / "000003.jpg").write_bytes(b"")
    (root / "Annotations" / "000004.xml").write_bytes(b"<annotation>")
    (root / "Annotations" / "000005.xml").write_bytes(b'<!DOCTYPE x [<!ENTITY a "b">]><annotation>&a;</annotation>')
    Image.new("RGB", (64, 48)).save(root / "SegmentationClass" / "000006.png")
    report = check(root)
    assert kinds(report) == {"unreadable annotation": 2, "unreadable image": 2, "unreadable mask": 1}
    assert len(report.errors) == 3
    assert example(report, "unreadable image").startswith("image JPEGImages/000000.jpg is truncated")


def test_unreadable_list_is_an_error(root):
    (root / "ImageSets" / "Main" / "train.txt").write_bytes("照片".encode("gbk"))
    report = check(root)
    assert kinds(report) == {"unreadable list": 1}
    assert set(report.splits) == {"Segmentation/train", "Segmentation/val", "Segmentation/test"}


def test_splits_that_overlap_are_an_error(root):
    # 000000 and 000003 train, 000001 validates
    append(root, "val", "000003", "000000")
    append(root, "trainval", *(root / "ImageSets/Main/train.txt").read_text().split(), "000001")
    report = check(root)
    assert kinds(report) == {"overlapping splits": 1}
    assert example(report, "overlapping splits") == "ImageSets/Main/train.txt: val has 2 of its images too, like 000000"


def test_trainval_and_test_overlap(root):
    append(root, "trainval", "000000", "000001", "000002")
    assert kinds(check(root)) == {"overlapping splits": 1}


def test_lists_and_folders_disagree(root):
    lines = (root / "ImageSets/Main/train.txt").read_text().split()
    for kind in ("Main", "Segmentation"):
        (root / "ImageSets" / kind / "train.txt").write_text("\n".join([*lines[1:], lines[1]]))
    report = check(root)
    assert kinds(report) == {"listed twice": 2, "annotation in no split": 1, "image in no split": 1}
    assert report.errors == []
    assert report.splits["train"]["images"] == 13


def test_files_that_share_an_id(root):
    Image.new("RGB", (64, 48)).save(root / "JPEGImages" / "000000.png")
    assert kinds(check(root)) == {"same id": 1}


def test_other_encodings_are_a_warning(root):
    annotate(root, "000000", ("circle", 1, 1, 9, 9), prolog='<?xml version="1.0" encoding="gbk"?>', encoding="gbk")
    assert (
        example(check(root), "not UTF-8") == "Annotations/000000.xml: is written in gbk, which other tools may not read"
    )


def test_names_that_look_like_slips_are_warnings(root):
    annotate(root, "000000", ("Circle", 1, 1, 9, 9), *[("traffic light", i, 1, 40, 9) for i in range(1, 31)])
    annotate(root, "000003", ("traffic_light", 1, 1, 9, 9), ("trafic light", 1, 1, 9, 9), ("cat", 1, 1, 9, 9))
    report = check(root)
    similar = next(finding for finding in report.findings if finding.kind == "similar class names")
    assert similar.count == 3
    assert similar.examples[0].startswith("Annotations/000000.xml: 'Circle' (1) looks like 'circle' (")
    assert "Annotations/000003.xml: 'traffic_light' (1) looks like 'traffic light' (30)" in similar.examples
    assert "Annotations/000003.xml: 'trafic light' (1) looks like 'traffic light' (30)" in similar.examples


def test_names_that_print_the_same_are_warnings_with_their_code_points(root):
    annotate(root, "000000", *[(name, 1, 1, 9, 9) for name in ("circle\ufe0f", "ｓｑｕａｒｅ", "tri-angle\u200b")])
    similar = next(finding for finding in check(root).findings if finding.kind == "similar class names")
    assert (similar.count, similar.severity) == (3, "warning")
    assert any(r"'circle\ufe0f' (1) looks like 'circle' (" in text for text in similar.examples)
    assert any("'ｓｑｕａｒｅ' (1) looks like 'square' (" in text for text in similar.examples)
    assert any(r"'tri-angle\u200b' (1) looks like 'triangle' (" in text for text in similar.examples)


def test_coordinates_from_0_to_1_are_a_warning(root):
    shares = [("circle", 0.11, 0.14, 0.52, 0.62), ("square", 0, 0.5, 1, 1), ("triangle", 0, 0, 1, 1)]
    for path in (root / "Annotations").iterdir():
        annotate(root, path.stem, *shares)
    report = check(root)
    assert kinds(report) == {"tiny boxes": 1}
    assert (report.errors, report.box_sizes["small"]) == ([], 60)
    said = "all 60 boxes are smaller than a pixel; are these shares of the image's size?"
    assert example(report, "tiny boxes") == said
    annotate(root, "000000", ("circle", 1, 1, 20, 20), *shares)
    assert check(root).findings == ()


def test_numbered_names_and_names_of_equal_weight_are_no_slips(root):
    boxes = [(i, 1, 40, 9) for i in range(1, 31)]
    annotate(root, "000000", *[("defect 1", *box) for box in boxes], ("defect 2", 1, 1, 9, 9))
    annotate(root, "000003", *[("lorry", *box) for box in boxes], *[("lorries", *box) for box in boxes])
    assert "similar class names" not in kinds(check(root))


def test_given_classes_make_other_names_errors(root):
    objects = check(root).classes["circle"]["objects"]
    report = check(root, classes=["Circle", "square", "triangle"])
    assert kinds(report) == {"unknown class": objects}
    assert "'circle' is not among the classes, did you mean 'Circle'?" in example(report, "unknown class")
    assert len(report.errors[0].examples) == 5
    assert check(root, classes=["circle", "square", "triangle"]).findings == ()
    with pytest.raises(ValueError, match="sequence of names"):
        check(root, classes="circle")
    annotate(root, "000000", ("caf\xe9", 1, 1, 9, 9))
    assert check(root, classes=["circle", "square", "triangle", "cafe\u0301"]).findings == ()


def test_mask_values_that_are_no_class(root):
    mask = np.zeros((48, 64), np.uint8)
    mask[0, :3] = [3, 4, 200]
    Image.fromarray(mask).save(root / "SegmentationClass" / "000000.png")
    report = check(root)
    assert report.mask_values[200] == {"pixels": 1, "masks": 1}
    assert report.errors == []
    text = "SegmentationClass/000000.png: has 4, 200; the 3 classes are 1 to 3, 255 is ignored"
    assert example(report, "uncommon mask value") == text
    strict = check(root, classes=["circle", "square", "triangle"])
    assert kinds(strict) == {"mask value": 1}
    assert len(strict.errors) == 1


def test_masks_of_0_and_255_are_an_error_with_the_mapping(root):
    for path in (root / "SegmentationClass").iterdir():
        with Image.open(path) as mask:
            ids = np.asarray(mask)
        Image.fromarray(np.where(ids > 0, 255, 0).astype(np.uint8)).save(path)
    report = check(root)
    assert kinds(report) == {"mask value": 1}
    assert "255=1" in example(report, "mask value")


def test_mask_of_another_size_is_an_error(root):
    Image.new("L", (48, 64)).save(root / "SegmentationClass" / "000000.png")
    report = check(root)
    assert example(report, "mask size") == "SegmentationClass/000000.png: is 48x64 but the image is 64x48"
    assert len(report.errors) == 1


def test_set_without_lists_is_split_by_hash_and_says_so(root):
    shutil.rmtree(root / "ImageSets")
    (root / "Annotations" / "000000.xml").unlink()
    report = check(root)
    assert set(report.splits) == {"train", "val"}
    assert "no lists" in report.notes[0]
    assert kinds(report) == {"image in no split": 1}


@pytest.mark.parametrize("lists", ["Segmentation", "Main", None])
def test_set_of_masks_alone(root, lists):
    shutil.rmtree(root / "Annotations")
    for kind in {"Segmentation", "Main"} - {lists}:
        shutil.rmtree(root / "ImageSets" / kind)
    report = check(root)
    assert report.findings == ()
    assert sum(row["images"] for row in report.splits.values()) == 20
    assert report.box_sizes == {}


def test_empty_folders_are_an_error(tmp_path):
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / name).mkdir()
    report = check(tmp_path)
    assert kinds(report) == {"no files": 2}
    assert "Errors: 2" in str(report)


def test_report_of_everything_fits_and_is_json(root):
    annotate(root, "000000", *[("很长的名字" * 30, i, 1, 40, 9) for i in range(1, 31)])
    report = check(root)
    assert max(map(len, str(report).splitlines())) <= 100
    assert json.loads(report.to_json())["image_sizes"] == {"64x48": 20}


@needs_bccd
def test_bccd_has_two_boxes_without_area():
    report = check(BCCD)
    assert [(finding.severity, finding.kind, finding.count) for finding in report.findings] == [
        ("warning", "box without area", 2)
    ]
    assert [text.partition(":")[0] for text in report.findings[0].examples] == [
        "Annotations/BloodImage_00338.xml",
        "Annotations/BloodImage_00343.xml",
    ]
    assert report.image_sizes == {"640x480": 364}
    assert set(report.classes) == {"RBC", "WBC", "Platelets"}


def test_a_set_without_any_object_is_an_error(tmp_path):
    report = check(add(tmp_path, "a"))
    assert [(finding.severity, finding.kind) for finding in report.findings] == [("error", "no objects")]


def test_two_annotations_of_one_picture_are_a_warning(tmp_path):
    add(tmp_path, "photo", annotate=False)
    for id in "xy":
        add(tmp_path, id, thing("cat", 1, 1, 9, 9), suffix="", filename="photo.jpg")
    report = check(tmp_path)
    assert [(finding.severity, finding.kind) for finding in report.findings] == [("warning", "annotated twice")]
    assert example(report, "annotated twice") == "Annotations/y.xml: y annotates the same picture as x"


def test_names_of_the_class_file_that_look_alike_are_warnings(tmp_path):
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n", encoding="utf-8")
    (tmp_path / "classes.txt").write_text("Cat\ncat\nd\u043eg\n\u03b1-dog\ncat\u200b\n", encoding="utf-8")
    found = check(tmp_path)
    assert kinds(found) == {"similar class names": 2, "class name of two scripts": 1}
    assert not found.errors
    assert example(found, "similar class names") == "'cat' (0) looks like 'Cat' (1)"
    assert example(found, "class name of two scripts") == (
        "'d\u043eg' ('d\\u043eg') has letters of two scripts in a word, which may look the same"
    )


def test_a_split_to_train_on_is_needed_and_without_val_a_fifth_is_held_back(tmp_path):
    for id in "abc":
        add(tmp_path, id, thing("cat", 1, 1, 9, 9))
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "test.txt").write_text("a\nb\nc\n", encoding="utf-8")
    report = check(tmp_path)
    assert kinds(report) == {"no split to train on": 1}
    assert report.errors[0].examples[0] == (
        f"{tmp_path} has the splits test and none called train or trainval; --set data.train=SPLIT chooses one"
    )
    assert not any("held" in note or "holds" in note for note in report.notes)
    (lists / "test.txt").rename(lists / "train.txt")
    report = check(tmp_path)
    assert not report.findings
    said = "no split is for validation, so training holds back a fifth of train to choose the best epoch"
    assert said in report.notes
