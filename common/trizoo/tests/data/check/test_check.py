"""Which check a folder gets."""

import shutil

import pytest

from trizoo.data.check import check
from trizoo.data.check.report import MaskReport, Report
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.tests.coco_files import box_entry, draw, write_coco
from trizoo.tests.mask_files import touch


@pytest.fixture
def root(tmp_path):
    """Boxes and masks in VOC layout."""
    return synthesize(tmp_path / "set", images=4, size=(64, 48))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, Report),
        ({"task": "detection"}, Report),
        ({"task": "detection", "layout": "voc"}, Report),
        ({"task": "segmentation"}, MaskReport),
        ({"layout": "voc"}, Report),
        ({"layout": "folders", "images": "JPEGImages", "annotations": "SegmentationClass"}, MaskReport),
        ({"mask_map": {255: 1}}, MaskReport),
    ],
)
def test_boxes_come_first_unless_something_is_said_of_masks(root, options, kind):
    assert isinstance(check(root, **options), kind)


def test_masks_are_checked_where_nothing_is_annotated_with_boxes(root):
    shutil.rmtree(root / "Annotations")
    report = check(root)
    assert isinstance(report, MaskReport)
    assert sum(row["images"] for row in report.splits.values()) == 4
    (root / "Annotations").mkdir()
    assert isinstance(check(root), MaskReport)
    assert isinstance(check(root, task="detection"), Report)


def test_folders_without_anything_in_them_are_told_of(tmp_path):
    for name in ("JPEGImages", "Annotations"):
        (tmp_path / name).mkdir()
    assert [finding.kind for finding in check(tmp_path).errors] == ["no files"]


def test_where_there_is_nothing_the_error_names_both(tmp_path):
    with pytest.raises(UserError, match=r"no data set with boxes in .*; it is empty; .*; nor are there masks: a"):
        check(tmp_path)
    with pytest.raises(UserError, match=r"^no data set with masks in"):
        check(tmp_path, task="segmentation")
    with pytest.raises(UserError, match=r"no data set with boxes in .*; it is empty; --images and --annotations name"):
        check(tmp_path, task="detection")
    with pytest.raises(UserError, match=r"none does not exist$"):
        check(tmp_path / "none")
    with pytest.raises(UserError, match=r"the layout is 'folders'; one of voc.* is needed"):
        check(tmp_path, task="detection", layout="folders")


def test_several_data_sets_are_an_error_unless_there_are_masks(root, tmp_path):
    for year in ("VOC2007", "VOC2012"):
        shutil.copytree(root, tmp_path / "all" / year)
    with pytest.raises(UserError, match=r"holds several VOC data sets, .*; nor are there masks"):
        check(tmp_path / "all")
    touch(tmp_path / "all", "images/a.png", "masks/a.png", "images/b.png", "masks/b.png")
    assert check(tmp_path / "all").layout == "folders"


@pytest.mark.parametrize("segmentation", [[], [[8, 4, 40, 4, 40, 20, 8, 20]]])
def test_cocos_boxes_come_first_unless_there_are_masks_beside_them(tmp_path, segmentation):
    draw(tmp_path, "images/a.jpg", "images/b.jpg")
    entries = [box_entry(number, number, 1, [8, 4, 32, 16], segmentation=segmentation) for number in (1, 2)]
    write_coco(tmp_path / "all.json", ["a.jpg", "b.jpg"], entries)
    for options in ({}, {"layout": "coco"}, {"task": "detection"}):
        report = check(tmp_path, **options)
        assert isinstance(report, Report)
        assert report.classes == {"cat": {"objects": 2, "images": 2}}
    if segmentation:
        assert check(tmp_path, task="segmentation").classes["cat"]["pixels"] == 2 * 32 * 16
    else:
        with pytest.raises(UserError, match="would be nothing but background: no annotation has an outline"):
            check(tmp_path, task="segmentation")
    touch(tmp_path, "masks/a.png", "masks/b.png", size=(80, 40))
    assert check(tmp_path).layout == "folders"
    assert isinstance(check(tmp_path, layout="coco"), Report)


def test_the_error_of_the_boxes_is_told_where_masks_do_not_help(tmp_path):
    draw(tmp_path, "a.jpg", "b.jpg")
    images = [{"id": 1, "file_name": name, "width": 80, "height": 40} for name in ("a.jpg", "b.jpg")]
    write_coco(tmp_path / "all.json", images, [(1, 1, [8, 4, 32, 16])])
    with pytest.raises(UserError, match=r"'a\.jpg' and 'b\.jpg' both have the id 1"):
        check(tmp_path)


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (["cat", ""], "class 2 of those given is called '', which is blank"),
        (["\u200b"], "class 1 of those given is called"),
        (["cat", "dog", " cat"], "classes 1 and 3 of those given are both called 'cat'"),
    ],
)
def test_blank_classes_and_those_given_twice_are_refused(root, classes, sentence):
    for task in (None, "segmentation"):
        with pytest.raises(UserError, match=sentence):
            check(root, classes, task=task)
