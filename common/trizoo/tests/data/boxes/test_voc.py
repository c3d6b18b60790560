import codecs
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.boxes.voc import find_voc, read_annotation
from trizoo.ground.errors import UserError
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.voc_files import add, add_list


def box(xmin, ymin, xmax, ymax):
    return f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"


def thing(name="cat", corners=(1, 2, 3, 4), more=""):
    return f"<object>\n<name>{name}</name>{more}{box(*corners)}</object>\n"


def write(folder, body, name="a.xml"):
    path = folder / name
    text = f"<annotation>\n{body}</annotation>"
    path.write_bytes(body if isinstance(body, bytes) else text.encode())
    return path


def test_xmin_and_ymin_lose_one_and_nothing_else_changes(tmp_path):
    read = read_annotation(write(tmp_path, thing(corners=(1, 1, 10, 20)) + thing(corners=(48, 240.5, 195, 371.25))))
    assert [named.box for named in read.objects] == [(0, 0, 10, 20), (47, 239.5, 195, 371.25)]
    assert read.problems == ()


def test_everything_beside_the_boxes(tmp_path):
    body = (
        "<folder>x</folder><filename> C:\\data\\猫 1.JPG </filename><path>/wrong.jpg</path>"
        "<size><width>640</width><height>480</height><depth>3</depth></size>"
        + thing(" 猫 \n", more="<difficult>1</difficult><truncated> 0 </truncated><occluded>1</occluded>")
        + thing("dog", more="<difficult/><truncated>1</truncated>")
    )
    read = read_annotation(str(write(tmp_path, body)))
    assert read.image_name == "猫 1.JPG"
    assert read.size == (640, 480)
    assert [(o.name, o.difficult, o.crowd) for o in read.objects] == [("猫", True, False), ("dog", False, False)]
    assert not read.relative


def test_lines_are_those_of_the_names(tmp_path):
    read = read_annotation(write(tmp_path, thing() + "\n\n" + thing()))
    # <annotation> is line 1, the first object 2 with its name on 3 and its end, two blank lines 4 and 5, then 6 and 7
    assert [named.where for named in read.objects] == ["line 3", "line 7"]


@pytest.mark.parametrize("size", ["", "<size/>", "<size><width>0</width><height>0</height></size>",
                                  "<size><width>a</width><height>5</height></size>"])  # fmt: skip
def test_size_that_makes_no_sense_is_none(tmp_path, size):
    assert read_annotation(write(tmp_path, size)).size is None


def test_annotation_without_objects(tmp_path):
    read = read_annotation(write(tmp_path, ""))
    assert (read.objects, read.problems, read.remarks, read.image_name) == ((), (), (), "")


def test_swapped_corners_are_put_right(tmp_path):
    read = read_annotation(write(tmp_path, thing(corners=(10, 2, 3, 40))))
    assert read.objects[0].box == (2, 1, 10, 40)
    assert [(p.kind, p.text) for p in read.problems] == [
        ("swapped corners", "line 3: cat (10, 2, 3, 40) has its corners swapped")
    ]


@pytest.mark.parametrize("corners", [(5, 5, 5, 5), (5, 5, 5, 9), (5, 9, 8, 9)])
def test_box_whose_corners_coincide_is_left_out(tmp_path, corners):
    read = read_annotation(write(tmp_path, thing(corners=corners)))
    assert read.objects == ()
    assert [p.kind for p in read.problems] == ["box without area"]


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (f"<object>{box(1, 2, 3, 4)}</object>", "object without name"),
        (f"<object><name> </name>{box(1, 2, 3, 4)}</object>", "object without name"),
        ("<object><name>a</name></object>", "object without box"),
        ("<object><name>a</name><bndbox/></object>", "object without box"),
        ("<object><name>a</name><polygon><x1>1</x1></polygon></object>", "object without box"),
        (f"<object><name>a</name>{box('', 2, 3, 4)}</object>", "object without box"),
        (f"<object><name>a</name>{box('one', 2, 3, 4)}</object>", "object without box"),
        (f"<object><name>a</name>{box('nan', 2, 'inf', 4)}</object>", "object without box"),
        ("<object/>", "object without name"),
    ],
)
def test_incomplete_objects_are_left_out(tmp_path, element, kind):
    read = read_annotation(write(tmp_path, element + thing()))
    assert [p.kind for p in read.problems] == [kind]
    assert len(read.objects) == 1


def test_parts_and_polygons_are_no_objects(tmp_path):
    part = f"<part><name>head</name>{box(5, 5, 6, 6)}</part><polygon><x1>1</x1></polygon>"
    read = read_annotation(write(tmp_path, f"<object>{part}<name>person</name>{box(1, 2, 3, 4)}</object>"))
    assert [(o.name, o.box) for o in read.objects] == [("person", (0, 1, 3, 4))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "big5", "utf-16", "euc-jp", "shift_jis"])
def test_declared_encodings_and_byte_order_marks(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><annotation>{thing("犬")}</annotation>'
    read = read_annotation(write(tmp_path, text.encode(encoding)))
    assert [named.name for named in read.objects] == ["犬"]
    said = [] if encoding.startswith("utf-8") else [f"is written in {codecs.lookup(encoding).name}, which other tools"]
    assert [remark.text.removesuffix(" may not read") for remark in read.remarks] == said
    assert read.problems == ()


def test_utf_8_that_calls_itself_utf_16_is_read(tmp_path):
    text = f'<?xml version="1.0" encoding="utf-16"?><annotation>{thing("犬")}</annotation>'
    assert read_annotation(write(tmp_path, text.encode())).objects[0].name == "犬"


BOMB = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"<annotation><object>", "not well-formed"),
        (b"<annotation><name>R&D</name></annotation>", "not well-formed"),
        (b"not xml", "not well-formed"),
        (b"\x00\x01\x02", "not well-formed"),
        (b"<annotation>&undefined;</annotation>", "not well-formed"),
        (b"<html/>", "outermost tag is <html>"),
        ("<annotation>\xb0</annotation>".encode("latin-1"), "not utf-8 text"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "'klingon', which is unknown"),
        (b'<?xml version="1.0" encoding="base64"?><annotation/>', "'base64', which is unknown"),
        (b"<!DOCTYPE annotation><annotation/>", "DTD"),
        (f'<!DOCTYPE x [<!ENTITY a0 "ha">{BOMB}]><annotation>&a9;</annotation>'.encode(), "DTD"),
        (b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation>&f;</annotation>', "DTD"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>', "DTD"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(tmp_path, content, reason):
    path = write(tmp_path, content, "注 释.xml")
    with pytest.raises(UserError, match=reason) as caught:
        read_annotation(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "missing.xml"):
        with pytest.raises(UserError, match="can't be read") as caught:
            read_annotation(path)
        assert str(path) in str(caught.value)


def test_deep_nesting_is_survived(tmp_path):
    assert read_annotation(write(tmp_path, "<a>" * 50_000 + "</a>" * 50_000)).objects == ()


@given(st.text(st.characters(exclude_categories=["C"]), max_size=8), st.lists(st.floats(), min_size=4, max_size=4))
def test_objects_always_have_a_name_and_an_area(tmp_path_factory, name, corners):
    folder = tmp_path_factory.getbasetemp()
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    read = read_annotation(write(folder, thing(escaped, corners)))
    assert len(read.objects) + len([p for p in read.problems if p.kind != "swapped corners"]) == 1
    for named in read.objects:
        assert named.name == name.strip()
        xmin, ymin, xmax, ymax = named.box
        assert all(math.isfinite(side) for side in named.box)
        assert xmin <= xmax
        assert ymin <= ymax


def test_hash_split_is_said_in_the_notes(tmp_path):
    for id in "abcdef":
        add(tmp_path, id)
    listing = find_voc(tmp_path)
    train, val = listing.open("train"), listing.open("val")
    assert sorted(record.id for record in [*train.records, *val.records]) == list("abcdef")
    assert "no lists" in train.notes[0]
    assert len(listing.open()) == 6


@pytest.mark.parametrize("suffix", ["JPG", "jpeg", "png", "BMP", "webp"])
def test_images_of_any_suffix_are_found(tmp_path, suffix):
    assert find_voc(add(tmp_path, "x", suffix=suffix)).open().records[0].image.name == f"x.{suffix}"


def test_stem_is_trusted_before_the_filename_tag(tmp_path):
    add(tmp_path, "a", filename="b.jpg")
    add(tmp_path, "b", filename="nonsense")
    assert [record.image.name for record in find_voc(tmp_path).open().records] == ["a.jpg", "b.jpg"]


def test_filename_tag_helps_where_the_stem_does_not(tmp_path):
    add(tmp_path, "photo", annotate=False)
    add(tmp_path, "annotation", suffix="", filename="D:\\data\\photo.PNG")
    record = find_voc(tmp_path).open().records[0]
    assert (record.id, record.image.name) == ("annotation", "photo.jpg")


@needs_bccd
def test_bccd_is_read_as_it_is_known():
    listing = find_voc(BCCD)
    data = listing.open()
    assert len(data) == 364
    assert data.classes == ("Platelets", "RBC", "WBC")
    assert [(problem.kind, problem.file.stem) for problem in data.problems] == [
        ("box without area", "BloodImage_00338"),
        ("box without area", "BloodImage_00343"),
    ]
    assert np.bincount(np.concatenate([record.labels for record in data.records])).tolist() == [361, 4153, 372]
    assert {record.size for record in data.records} == {(640, 480)}
    assert {name: len(ids) for name, ids in listing.splits.items()} == {
        "test": 72,
        "train": 205,
        "trainval": 292,
        "val": 87,
    }
    assert len(listing.open("trainval")) == 292


def test_lists_that_cannot_be_read_are_an_error_where_they_are_needed(tmp_path):
    add_list(add(tmp_path, "a"), "train", ["a"])
    (tmp_path / "ImageSets" / "Main" / "val.txt").write_bytes("照片".encode("gbk"))
    listing = find_voc(tmp_path)
    assert len(listing.open()) == 1
    with pytest.raises(UserError, match=r"val\.txt is not utf-8 text"):
        listing.open("train")


def test_masks_and_their_lists_come_along_for_the_check(tmp_path):
    add_list(add(tmp_path, "a"), "train", ["a"])
    listing = find_voc(tmp_path)
    assert (listing.masks, listing.mask_lists.ids) == ({}, {})
    Image.new("L", (40, 30)).save(_folder(tmp_path, "SegmentationClass") / "a.png")
    assert find_voc(tmp_path).mask_lists.ids == {}  # those of Main are for both
    add_list(tmp_path, "val", ["a"], "Segmentation")
    listing = find_voc(tmp_path)
    assert list(listing.masks) == ["a"]
    assert (listing.splits, listing.mask_lists.ids) == ({"train": ["a"]}, {"Segmentation/val": ["a"]})


def _folder(root, name):
    (root / name).mkdir()
    return root / name
