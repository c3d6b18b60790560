"""Text lists with an image and its boxes a line, and texts that are none."""

import contextlib
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.boxes.lists import find_lists_of_boxes
from trizoo.data.check import check
from trizoo.ground.errors import UserError


def lay(root, **files):
    """Writes files by name: pictures of 40x20, and others with the text given."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jpg":
            Image.new("RGB", (40, 20), (90, 120, 60)).save(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


LISTS = {
    "imgs/my cat 1.jpg": "",
    "imgs/b.jpg": "",
    "imgs/c.jpg": "",
    "2007_train.txt": "/old/imgs/my cat 1.jpg 1,2,30,19,0 3,4,5.5,6,2\nimgs/b.jpg\n",
    "2007_val.txt": "imgs\\c.jpg\t0,0,40,20,1\n",
}


def boxes(listing):
    """Id -> [(class, box)]."""
    return {id: [(o.name, o.box) for o in listing.read(id).objects] for id in sorted(listing.annotations)}


def test_images_and_their_boxes(tmp_path):
    listing = find_boxes(lay(tmp_path, **LISTS))
    assert (listing.layout, listing.classes) == ("lists", ("class_0", "class_1", "class_2"))
    assert boxes(listing) == {
        "b": [],
        "c": [("class_1", (0, 0, 40, 20))],
        "my cat 1": [("class_0", (1, 2, 30, 19)), ("class_2", (3, 4, 5.5, 6))],
    }
    assert [o.where for o in listing.read("my cat 1").objects] == ["line 1", "line 1"]
    assert listing.splits == {"train": ["my cat 1", "b"], "val": ["c"]}
    np.testing.assert_allclose(listing.open("train").records[0].boxes, [[1, 2, 30, 19], [3, 4, 5.5, 6]])
    assert check(tmp_path).findings == ()


@pytest.mark.parametrize("name", ["classes.txt", "model_data/voc_classes.txt", "x.names"])
def test_names_of_classes(tmp_path, name):
    root = lay(tmp_path, **LISTS, **{name: "\ufeffcat\r\nthe  dog\r\nemu\r\n"})
    listing = find_boxes(root)
    assert listing.classes == ("cat", "the dog", "emu")
    lay(root, **{name: "cat\ndog\n"})
    with pytest.raises(UserError, match=r"2007_train\.txt, line 1: unknown class 'label 2'; the classes are cat, dog"):
        find_boxes(root).open("train")
    lay(root, **{name: "cat\ncat\n"})
    with pytest.raises(UserError, match="classes 0 and 1 are both called 'cat'"):
        find_boxes(root)


def test_names_may_stand_in_the_boxes(tmp_path):
    listing = find_boxes(lay(tmp_path, **{"a.jpg": "", "l.txt": "a.jpg 1,2,3,4,dog 2,3,4,5,cat\n"}))
    assert listing.open().classes == ("cat", "dog")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_byte_order_marks_and_line_ends(tmp_path, encoding, ends):
    text = "猫.jpg 1,2,3,4,0\n\n猫.jpg 1,2,3,5,0\n".replace("\n", ends).encode(encoding)
    listing = find_boxes(lay(tmp_path, **{"猫.jpg": "", "l.txt": text}))
    assert [o.where for o in listing.read("猫").objects] == ["line 1", "line 3"]


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ("9,2,3,4,0", "swapped corners"),
        ("3,2,3,4,0", "box without area"),
        ("nan,2,3,4,0", "object without box"),
        ("1,2,1e300,4,0", "object without box"),
        ("1,,3,4,0", "object without box"),
        ("1,2,3,4,", "object without name"),
        ("1,2,3,4", "object without box"),
        ("1,2,3,4,0,5", "object without box"),
    ],
)
def test_boxes_that_are_not_right_are_told(tmp_path, box, kind):
    listing = find_boxes(lay(tmp_path, **{"a b.jpg": "", "l.txt": f"a b.jpg 1,2,3,4,0 {box}\n"}))
    data = listing.open()
    assert [problem.kind for problem in data.problems] == [kind]
    assert "line 1" in data.problems[0].text
    assert len(data.records[0].boxes) == 1 + (kind == "swapped corners")


def test_lines_of_other_kinds_are_told(tmp_path):
    listing = find_boxes(lay(tmp_path, **{"a.jpg": "", "l.txt": "a.jpg 1,2,3,4,0\nwhat is this\n"}))
    assert [p.text for p in listing.problems] == [
        "line 2 begins with 'what is this', which is no image, and is left out"
    ]


@pytest.mark.parametrize(
    "text",
    ["", "a.jpg\nb.jpg\n", "a\nb\n", "a.jpg 1\n", "# a.jpg\n", "0 0.5 0.5 0.5 0.5\n", "a.jpg masks/a.png\n",
     b"\xff\xfe\xfd",
     "hello 1,2,3,4,5\n", "x" * 3_000_000, "a.jpg\n" * 2000 + "a.jpg 1,2,3,4,0\n"],
)  # fmt: skip
def test_other_texts_are_left_alone(tmp_path, text):
    assert find_lists_of_boxes(lay(tmp_path, **{"a.jpg": "", "train.txt": text})) is None


@pytest.mark.parametrize(
    "name", ["/etc/x.jpg", "../../secret.jpg", "C:\\secret.jpg", "~/secret.jpg", "x" * 4000 + ".jpg"]
)
def test_nothing_outside_is_read(tmp_path, name):
    lay(tmp_path, **{"secret.jpg": "", "data/a/b.jpg": "", "data/a/train.txt": f"{name} 1,2,3,4,0\n"})
    with pytest.raises(UserError, match="1 of 1 images of split 'train' have no file in"):
        find_boxes(tmp_path / "data" / "a").open("train")


@given(st.binary(max_size=80) | st.text("0123456789.-eEnaif \t\r\n,;_/jpg", max_size=80).map(str.encode))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_end_in_boxes_or_a_sentence(tmp_path, data):
    if not (tmp_path / "a.jpg").exists():
        lay(tmp_path, **{"a.jpg": ""})
    (tmp_path / "l.txt").write_bytes(b"a.jpg 1,2,3,4,0\na.jpg " + data)
    with contextlib.suppress(UserError):
        listing = find_lists_of_boxes(tmp_path)
        for id in listing.annotations:
            assert np.isfinite([o.box for o in listing.read(id).objects]).all()


def test_damaged_lists_end_in_a_listing_or_a_sentence(tmp_path):
    root, draw = lay(tmp_path, **LISTS, **{"classes.txt": "cat\ndog\nemu\n"}), random.Random(0)
    whole = (root / "2007_train.txt").read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data) + 1)
            more = draw.choice((b"", bytes([draw.randrange(256)]), b",", b"\n", b" ", b"9"))
            data[at : at + draw.choice((0, 1, 1, 5))] = more
        (root / "2007_train.txt").write_bytes(data)
        with contextlib.suppress(UserError):
            find_boxes(root).open()


@pytest.mark.parametrize(
    "line",
    [
        "a" + "\u0301\u0316" * 200_000 + ".jpg 1,2,3,4,0",
        "a.jpg" + " 1,2,3,4,0" * 90_000,
        "a.jpg " + "1," * 400_000,
        "a.jpg 1,2,3," + "9" * 900_000 + ",0",
        "a.jpg" + " " * 900_000 + "1,2,3,4,0",
        ("a.jpg " + "x" * 50 + "\n") * 100_000,
    ],
)
def test_no_line_takes_long(tmp_path, line):
    lay(tmp_path, **{"a.jpg": "", "l.txt": f"a.jpg 1,2,3,4,0\n{line}\n"})
    with contextlib.suppress(UserError):
        find_boxes(tmp_path).open()
