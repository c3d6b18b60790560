"""CVAT's XML as boxes: what each shape becomes, and which image and split an entry is of."""

import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trizoo.data import cvat_xml
from trizoo.data.boxes.cvat import as_annotation, find_cvat
from trizoo.data.boxes.find import find_boxes
from trizoo.data.check import check
from trizoo.data.cvat_xml import read_cvat
from trizoo.ground.errors import UserError
from trizoo.tests.cvat_files import box, image, shape, write
from trizoo.tests.mask_files import touch


def annotation(tmp_path, *shapes):
    (entry,) = read_cvat(write(tmp_path / "a.xml", image("a.jpg", *shapes))).images
    return as_annotation(entry)


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (box("a", 1.5, 2, 6, 4), (1.5, 2, 6, 4)),
        (box("a", 6, 4, 1.5, 2), (1.5, 2, 6, 4)),
        # 8 wide and 2 high around (10, 10), a quarter turn
        (box("a", 6, 9, 14, 11, rotation="90"), (9, 6, 11, 14)),
        # half of (8 + 2) cos 45 degrees around (10, 10)
        (box("a", 6, 9, 14, 11, rotation="45"), tuple(10 + sign * 5 * math.sqrt(0.5) for sign in (-1, -1, 1, 1))),
        (shape("polygon", "a", points="1,2;8,3.5;4,9"), (1, 2, 8, 9)),
        (shape("polyline", "a", points="1,2;8,3.5"), (1, 2, 8, 3.5)),
        (shape("ellipse", "a", cx=10, cy=8, rx=4, ry=2), (6, 6, 14, 10)),
        (shape("ellipse", "a", cx=10, cy=8, rx=4, ry=2, rotation=90), (8, 4, 12, 12)),
        # sqrt((16 + 4) / 2)
        (
            shape("ellipse", "a", cx=10, cy=8, rx=4, ry=2, rotation=45),
            (10 - math.sqrt(10), 8 - math.sqrt(10), 10 + math.sqrt(10), 8 + math.sqrt(10)),
        ),
        (shape("mask", "a", rle="0, 2, 1, 3", left=3, top=4, width=2, height=3), (3, 4, 5, 7)),
        (
            shape(
                "cuboid",
                "a",
                **{"xtl1": 1, "ytl1": 2, "xbl1": 1, "ybl1": 6, "xtr1": 5, "ytr1": 2, "xbr1": 5, "ybr1": 6},
                **{"xtl2": 7, "ytl2": 1, "xbl2": 7, "ybl2": 5, "xtr2": 3, "ytr2": 1, "xbr2": 3, "ybr2": 5},
            ),
            (1, 1, 7, 6),
        ),
    ],
)
def test_bounds_of_each_shape(tmp_path, drawn, expected):
    (named,) = annotation(tmp_path, drawn).objects
    assert (named.name, named.box, named.where) == ("a", pytest.approx(expected), "line 4")


def test_what_has_no_box_is_left_out_and_told(tmp_path):
    found = annotation(
        tmp_path,
        shape("points", "a", points="1,2;3,4"),
        shape("skeleton", "a", shape("points", "nose", points="1,2", outside=0)),
        box("a", 1, 2, 1, 5),
        box(" ", 1, 2, 3, 5),
        box("a", "nan", 2, 3, 5),
        box("a", 1, 2, "inf", 5),
        box("a", 1, 2, 3, 1e300),
        shape("box", "a", xtl=1, ytl=2, xbr=3),
        shape("polygon", "a", points="1,2;3"),
        shape("polygon", "a", points=""),
        box("a", 1, 2, 3, 5, rotation="x"),
        shape("tag", "dusk"),
        box("a", 1, 2, 3, 5),
    )
    assert [named.where for named in found.objects] == ["line 16"]
    assert [(problem.kind, problem.text.partition(":")[0]) for problem in found.problems] == [
        ("point as object", "line 4"),
        ("point as object", "line 5"),
        ("box without area", "line 6"),
        ("object without name", "line 7"),
        *[("object without box", f"line {line}") for line in range(8, 15)],
    ]
    assert found.problems[2].text == "line 6: a (1, 2, 1, 5) has no area and is left out"
    assert [problem.kind for problem in found.remarks] == ["tag of an image"]


def test_flags_sizes_and_names(tmp_path):
    hard = '<attribute name="Difficult">true</attribute><attribute name="colour">red</attribute>'
    found = annotation(
        tmp_path,
        box("Stra\u0308ße  1", 1, 2, 3, 4, inside=hard),
        box("a", 1, 2, 3, 4, inside='<attribute name="is_crowd">1</attribute>'),
        box("a", 1, 2, 3, 4, inside="<attribute>true</attribute>"),
    )
    assert [(named.name, named.difficult, named.crowd) for named in found.objects] == [
        ("Sträße 1", True, False),
        ("a", False, True),
        ("a", False, False),
    ]
    assert (found.size, found.image_name) == ((40, 30), "a.jpg")
    (entry,) = read_cvat(write(tmp_path / "b.xml", image("a.jpg", size=("x", 3)))).images
    assert as_annotation(entry).size is None


@pytest.mark.parametrize("of", ["task", "project", "job"])
def test_classes_are_all_labels_in_their_order(tmp_path, of):
    touch(tmp_path, "images/a.jpg", size=(40, 30))
    write(tmp_path / "annotations.xml", image("a.jpg", box("cat", 1, 2, 3, 4)), labels=("dog", "cat", "emu"), of=of)
    listing = find_boxes(tmp_path)
    assert (listing.layout, listing.classes) == ("cvat", ("dog", "cat", "emu"))
    data = listing.open()
    assert data.classes == ("dog", "cat", "emu")
    assert data.records[0].labels.tolist() == [1]
    assert check(tmp_path, task="detection").findings == ()


def test_labels_of_a_skeletons_points_and_names_elsewhere_are_no_classes(tmp_path):
    touch(tmp_path, "a.jpg")
    text = (
        "<annotations><meta><project><name>no</name><labels><label><name>person</name><type>skeleton</type>"
        "<attributes><attribute><name>age</name></attribute></attributes></label><label><name>nose</name>"
        "<type>points</type><parent>person</parent></label></labels><owner><name>nobody</name></owner></project></meta>"
        '<image id="0" name="a.jpg" width="4" height="3"/></annotations>'
    )
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    assert find_cvat(tmp_path).classes == ("person",)
    write(tmp_path / "a.xml", image("a.jpg", box("cat", 1, 1, 2, 2)))
    assert find_cvat(tmp_path).classes is None  # and the names found, sorted


@pytest.mark.parametrize("place", ["images/{}", "images/Train/{}", "{}", "photos/{}", "a/b/images/{}"])
def test_images_are_found_wherever_they_are(tmp_path, place):
    touch(tmp_path, *(place.format(name) for name in ("x.jpg", "y.png")))
    write(tmp_path / "annotations.xml", image("x.jpg", subset="Train"), image("y.png", subset="Train"))
    listing = find_cvat(tmp_path)
    assert sorted(listing.images[id].name for id in listing.annotations) == ["x.jpg", "y.png"]
    assert sorted(listing.images) == sorted(listing.annotations)


def test_subsets_are_splits_and_choose_between_images_of_one_name(tmp_path):
    touch(tmp_path, "images/Train/a.jpg", "images/Validation/a.jpg", "images/test/a.jpg", "images/mine/b.jpg")
    subsets = ("Train", "Validation", "Test")
    entries = [image("a.jpg", subset=subset) for subset in subsets]
    write(tmp_path / "annotations.xml", *entries, image("b.jpg", subset="mine"), image("c.jpg", subset="Train"))
    listing = find_cvat(tmp_path)
    assert listing.splits == {
        "train": ["Train/a", "Train/c"],
        "val": ["Validation/a"],
        "test": ["test/a"],
        "mine": ["mine/b"],
    }
    assert listing.images["test/a"] == tmp_path / "images" / "test" / "a.jpg"
    with pytest.raises(UserError, match=r"1 of 2 images of split 'train' have no file in .*: Train/c$"):
        listing.open("train")


@pytest.mark.parametrize("name", ["{}/annotations.xml", "{}.xml"])
def test_several_files_are_one_data_set_and_their_names_are_splits(tmp_path, name):
    touch(tmp_path, "train/images/a.jpg", "valid/images/b.jpg")
    write(tmp_path / name.format("train"), image("a.jpg"), labels=("cat", "dog"))
    write(tmp_path / name.format("valid"), image("b.jpg"), labels=("dog", "emu"))
    listing = find_cvat(tmp_path)
    assert listing.classes == ("cat", "dog", "emu")
    assert listing.splits == {"train": ["train/a"], "val": ["valid/b"]}


def test_without_subsets_lists_or_hashes_split(tmp_path):
    touch(tmp_path, *(f"{name}.jpg" for name in "abcdef"))
    write(tmp_path / "annotations.xml", *(image(f"{name}.jpg", subset="default") for name in "abcdef"))
    assert set(find_cvat(tmp_path).splits) == {"train", "val"}
    (tmp_path / "train.txt").write_text("a\nb.jpg\n", encoding="utf-8")
    assert find_cvat(tmp_path).splits == {"train": ["a", "b"]}


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/secret.jpg", "..\\..\\secret.jpg", "", "..", "C:\\secret.jpg"])
def test_no_image_outside_of_the_data_set_is_found(tmp_path, name):
    touch(tmp_path, "secret.jpg", "set/a.jpg")
    write(tmp_path / "set" / "a.xml", image(name))
    listing = find_cvat(tmp_path / "set")
    assert len(listing.annotations) == 1
    assert listing.images == {"a": tmp_path / "set" / "a.jpg"}


def test_the_second_entry_of_an_image_is_told(tmp_path):
    touch(tmp_path, "images/a.jpg")
    write(tmp_path / "1.xml", image("a.jpg", box("cat", 1, 1, 2, 2)), image("images/a.jpg"))
    write(tmp_path / "2.xml", image("data\\a.jpg"))
    listing = find_cvat(tmp_path)
    assert list(listing.annotations) == ["a"]
    assert len(listing.read("a").objects) == 1
    assert [(problem.kind, problem.file.name, problem.text) for problem in listing.problems] == [
        (
            "second annotation of an image",
            "1.xml",
            "line 6: images/a.jpg stands in 1.xml, line 3, too, which is used instead",
        ),
        (
            "second annotation of an image",
            "2.xml",
            "line 3: data\\a.jpg stands in 1.xml, line 3, too, which is used instead",
        ),
    ]


def test_places_can_be_named(tmp_path):
    touch(tmp_path, "one/a.jpg", "two/a.jpg")
    first, second = (write(tmp_path / f"{name}.xml", image("a.jpg")) for name in ("x", "y"))
    listing = find_boxes(tmp_path, images="two", annotations="y.xml")
    assert (listing.images, listing.annotations) == ({"a": tmp_path / "two" / "a.jpg"}, {"a": second})
    assert first.is_file()


def test_videos_are_another_thing(tmp_path):
    track = '<track id="0" label="cat"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2" outside="0"/></track>'
    write(tmp_path / "annotations.xml", more=track)
    with pytest.raises(UserError) as caught:
        find_boxes(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'annotations.xml'} holds the tracks of a video, not images; export the task as 'CVAT for images "
        f"1.1', with its images"
    )


@pytest.mark.parametrize("text", ["<annotations><version>1.1</version></annotations>", "<project/>", "<annotations/>"])
def test_other_xml_is_no_annotation(tmp_path, text):
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    assert find_cvat(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<annotations>\n<image>\n</annotations>", r"is not well-formed XML \(mismatched tag: line 3, column 2\); exp"),
        ("<annotations>\n<image/>", r"is not well-formed XML \(no element found: line 2, column 8\)"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations><image name="&b;"/></annotations>', "brings a DTD or entities"),
        ('<!DOCTYPE annotations SYSTEM "file:///etc/passwd"><annotations><image/></annotations>', "brings a DTD"),
        ('<?xml version="1.0" encoding="klingon"?><annotations><image/></annotations>', "is not well-formed XML"),
        (
            "<annotations><image>&b;</image></annotations>",
            r"is not well-formed XML \(undefined entity: line 1, column 20\)",
        ),
    ],
)
def test_what_is_no_xml_is_named(tmp_path, text, sentence):
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=rf"a\.xml {sentence}"):
        find_cvat(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251"])
def test_encodings(tmp_path, encoding):
    touch(tmp_path, "кот.jpg")
    path = write(tmp_path / "a.xml", image("кот.jpg", box("кот", 1, 1, 2, 2)))
    text = path.read_text(encoding="utf-8").replace("utf-8", encoding.removesuffix("-sig"))
    path.write_bytes(text.encode(encoding))
    listing = find_cvat(tmp_path)
    assert listing.read("кот").objects[0].name == "кот"
    assert list(listing.images) == ["кот"]


HOSTILE = {
    "deep": "<annotations><image>" + "<a>" * 300_000,
    "labels": "<annotations><meta><labels>" + "<label><name>" * 200_000,
    "one long name": f'<annotations><image name="{"a" * 20_000_000}"/></annotations>',
    "one long list": f'<annotations><image><polygon label="a" points="{"1,2;" * 1_000_000}"/></image></annotations>',
    "one longer name": f'<annotations><image name="{">" * 40_000_000}"/></annotations>',
    "attributes": "<annotations><image " + " ".join(f"a{n}=''" for n in range(100_000)) + "/></annotations>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_soon(tmp_path, name):
    (tmp_path / "a.xml").write_text(HOSTILE[name], encoding="utf-8")
    before = time.process_time()
    listing, sentence = outcome(tmp_path)
    assert time.process_time() - before < 5
    assert listing is not None or re.search("not well-formed XML|nested more than 32 deep|a tag of more than", sentence)


def outcome(root):
    """The listing and all annotations of a folder, or None and the sentence that it ends in."""
    try:
        listing = find_cvat(root)
        return listing and [listing.read(id) for id in listing.annotations], ""
    except UserError as error:
        return None, str(error)


SHAPES = [
    box("cat", 1, 2, 3, 4, rotation=30, inside='<attribute name="difficult">true</attribute>'),
    shape("polygon", "dog", points="1,2;8,3.5;4,9"),
    shape("ellipse", "emu", cx=10, cy=8, rx=4, ry=2),
    shape("mask", "cow", rle="0, 2, 1, 3", left=3, top=4, width=2, height=3),
]


@settings(max_examples=400, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, 900), st.binary(max_size=4)), min_size=1, max_size=4),
    swaps=st.lists(
        st.tuples(
            st.sampled_from(["1.5", "1", "3", "10", "cat", "box", "image", "label", "a.jpg", "40"]),
            st.sampled_from(["nan", "-inf", "1e999", "-1", "", "9" * 400, "polygon", "track", "..", "0"]),
        ),
        max_size=3,
    ),
)
def test_any_bytes_end_in_a_listing_or_a_sentence(tmp_path_factory, edits, swaps):
    root = tmp_path_factory.getbasetemp() / "mutated"
    path = write(root / "a.xml", image("a.jpg", *SHAPES, subset="Train"), labels=("cat", "dog"))
    data = bytearray(path.read_bytes())
    for place, new in edits if len(edits) < 4 else ():  # so that some stay well-formed
        data[place : place + 1] = new
    for old, new in swaps:
        data = data.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    path.write_bytes(data)
    annotations, sentence = outcome(root)
    assert not sentence or "a.xml" in sentence
    for annotation in annotations or ():
        for named in annotation.objects:
            assert named.name
            assert named.box[0] < named.box[2]
            assert named.box[1] < named.box[3]


def test_tracks_beside_images_are_told(tmp_path):
    touch(tmp_path, "a.jpg")
    track = '<track id="0" label="cat"><box frame="0" xtl="1" ytl="1" xbr="2" ybr="2" outside="0"/></track>'
    write(tmp_path / "annotations.xml", image("a.jpg", box("cat", 1, 1, 5, 5)), more=track * 2)
    (told,) = find_boxes(tmp_path).problems
    assert (told.kind, told.text) == ("track of a video", "tracks of objects in a video are left out: 2")


def test_more_shapes_than_a_file_may_have_are_refused(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg")
    write(tmp_path / "a.xml", image("a.jpg", *[box("cat", 1, 1, 2, 2)] * 3))
    monkeypatch.setattr(cvat_xml, "_MOST_SHAPES", 2)
    with pytest.raises(UserError, match="more than 2 shapes"):
        find_cvat(tmp_path)
