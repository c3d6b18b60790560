"""CVAT's XML drawn as masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trizoo.data.cvat_xml import read_cvat
from trizoo.data.masks.cvat import as_mask, find_cvat
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.tests.cvat_files import box, image, shape, write
from trizoo.tests.mask_files import pairs, touch, unpaired

LABELS = {"background": 0, "cat": 1, "dog": 2}


def content(tmp_path, *shapes):
    (entry,) = read_cvat(write(tmp_path / "a.xml", image("a.jpg", *shapes, size=(8, 6)))).images
    return as_mask(entry)


def drawn(tmp_path, *shapes, labels=LABELS):
    return content(tmp_path, *shapes).draw(labels, (8, 6))


def test_areas_of_each_shape(tmp_path):
    mask = drawn(tmp_path, shape("polygon", "cat", points="0,0;2,0;2,3;0,3"), box("dog", 5, 1, 8, 3))
    assert mask.dtype == np.uint8
    assert (mask[:3, :2] == 1).all()
    assert (mask[1:3, 5:] == 2).all()
    assert ((mask == 1).sum(), (mask == 2).sum()) == (6, 6)
    # 12 pixels have their centres less than 2 from (4, 3)
    assert (drawn(tmp_path, shape("ellipse", "dog", cx=4, cy=3, rx=2, ry=2)) == 2).sum() == 12
    # 4 wide and 2 high around (4, 3), a quarter turn: columns 3 and 4, rows 1 to 4
    turned = drawn(tmp_path, box("cat", 2, 2, 6, 4, rotation=90))
    assert (turned[1:5, 3:5] == 1).all()
    assert (turned == 1).sum() == 8
    # an eighth turn goes clockwise: the right end, 4 from (4, 3), comes to (6.8, 5.8), below
    clockwise = drawn(tmp_path, box("cat", 0, 2, 8, 4, rotation=45))
    assert (clockwise[5, 6], clockwise[0, 1], clockwise[5, 1], clockwise[0, 6]) == (1, 1, 0, 0)


def test_runs_go_along_rows_and_begin_outside(tmp_path):
    # one outside, two inside, then 1, 1, the rest outside: . # # / . # .
    mask = drawn(tmp_path, shape("mask", "cat", rle="1, 2, 1, 1", left=2, top=3, width=3, height=2))
    assert mask[3:5, 2:5].tolist() == [[0, 1, 1], [0, 1, 0]]
    assert (mask == 1).sum() == 3
    at_once = shape("mask", "cat", rle="0,6", left=6, top=-1, width=3, height=2)  # over two edges
    assert np.argwhere(drawn(tmp_path, at_once)).tolist() == [[0, 6], [0, 7]]


def test_higher_z_order_lies_over_lower(tmp_path):
    whole, corner = box("cat", 0, 0, 8, 6, z_order=2), box("dog", 0, 0, 2, 2, z_order=1)
    assert (drawn(tmp_path, whole, corner) == 1).all()
    assert (drawn(tmp_path, box("cat", 0, 0, 8, 6, z_order=-1), corner) == 2).sum() == 4
    assert (drawn(tmp_path, box("cat", 0, 0, 8, 6), box("dog", 0, 0, 2, 2)) == 2).sum() == 4  # the later one


def test_what_covers_nothing_is_told(tmp_path):
    found = content(
        tmp_path,
        shape("points", "cat", points="1,1"),
        shape("polyline", "cat", points="1,1;2,2"),
        box("", 1, 1, 2, 2),
        shape("tag", "dusk"),
    )
    assert [problem.kind for problem in found.problems] == [
        "shape without area",
        "shape without area",
        "shape without name",
    ]
    assert not found.draw(LABELS, (8, 6)).any()
    assert np.unique(found.draw({"cat": 0}, (8, 6))).tolist() == [255]


def test_other_sizes_and_names_are_refused(tmp_path):
    found = content(tmp_path, box("cats", 1, 1, 2, 2))
    with pytest.raises(UserError, match=r"a\.xml, line 3 says that a\.jpg is 8x6, but it is 6x8"):
        found.draw(LABELS, (6, 8))
    with pytest.raises(UserError, match=r"a\.xml, line 4: unknown class 'cats', did you mean 'cat'\?; the classes"):
        found.draw(LABELS, (8, 6))


@pytest.mark.parametrize(
    "wrong",
    [
        box("cat", "nan", 1, 2, 2),
        shape("polygon", "cat", points="1,1;2"),
        shape("mask", "cat", rle="7", left=0, top=0, width=2, height=3),
        shape("mask", "cat", rle="-1,7", left=0, top=0, width=2, height=3),
        shape("mask", "cat", rle="1,x", left=0, top=0, width=2, height=3),
        shape("mask", "cat", rle="1," + "9" * 30, left=0, top=0, width=2, height=3),
        shape("mask", "cat", rle="", left=0, top=0, width=2, height=3),
        shape("mask", "cat", rle="1", left=0, top=0, width=900000, height=900000),
        shape("mask", "cat", rle="1", left=0, top=0, width=-2, height=-3),
        shape("mask", "cat", rle="1", left=0, top=0, width=2),
    ],
)
def test_what_cant_be_drawn_is_named_with_its_line(tmp_path, wrong):
    with pytest.raises(UserError, match=r"a\.xml, line 4: .*cat"):
        content(tmp_path, wrong)


def test_files_and_images_are_found(tmp_path):
    touch(tmp_path, "images/Train/a.jpg", "images/Validation/a.jpg", "images/b.jpg", size=(8, 6))
    entries = [image("a.jpg", box("dog", 0, 0, 2, 2), subset=subset, size=(8, 6)) for subset in ("Train", "Validation")]
    missing = image("c.jpg", subset="Train")
    write(tmp_path / "annotations.xml", *entries, missing, labels=("emu", "background", "dog"), of="project")
    listing = find_masks(tmp_path)
    assert (listing.layout, listing.classes) == ("cvat", ("background", "emu", "dog"))
    assert listing.splits == {"train": ["Train/a"], "val": ["Validation/a"]}
    assert pairs(listing)["Validation/a"] == ("images/Validation/a.jpg", "annotations.xml")
    assert unpaired(listing) == [
        ("annotation without image", "annotations.xml"),
        ("image without annotation", "b.jpg"),
    ]
    sample = listing.open("train").sample(0)
    assert np.bincount(sample.mask.ravel()).tolist() == [44, 0, 4]
    write(tmp_path / "annotations.xml", missing)
    with pytest.raises(UserError, match=r"none of the 1 images of .*annotations\.xml is there"):
        find_masks(tmp_path)


def test_without_labels_the_names_that_are_drawn_are_the_classes(tmp_path):
    touch(tmp_path, "a.jpg")
    write(tmp_path / "a.xml", image("a.jpg", box("dog", 0, 0, 2, 2), box("cat", 0, 0, 2, 2), shape("tag", "dusk")))
    assert find_cvat(tmp_path).classes == ("background", "cat", "dog")


@settings(max_examples=300, deadline=None)
@given(
    swaps=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", "4", "0", "cat", "box", "mask", "0,3,2", "0,0;3,0;3,3"]),
            st.sampled_from(["nan", "-inf", "1e999", "-7", "", "9" * 400, "polygon", "0", "5,5", ",", "999999"]),
        ),
        min_size=1,
        max_size=3,
    ),
    edits=st.lists(st.tuples(st.integers(150, 700), st.binary(max_size=3)), max_size=2),
)
def test_any_bytes_end_in_a_mask_or_a_sentence(tmp_path_factory, swaps, edits):
    shapes = [
        box("cat", 1, 2, 3, 4, rotation=2),
        shape("polygon", "cat", points="0,0;3,0;3,3"),
        shape("mask", "cat", rle="0,3,2", left=1, top=2, width=2, height=3),
    ]
    path = write(tmp_path_factory.getbasetemp() / "masks.xml", image("a.jpg", *shapes, size=(8, 6)))
    data = bytearray(path.read_bytes())
    for old, new in swaps:
        data = data.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    for place, new in edits:
        data[place : place + 1] = new
    path.write_bytes(data)
    found = outcome(path)
    assert found == (6, 8) or found is None or "masks.xml" in found


def outcome(path):
    """The shape of what the first image draws, None without one, or the sentence that it ends in."""
    try:
        entries = read_cvat(path).images
        if not entries:
            return None
        found = as_mask(entries[0])
        names = {drawn.name for drawn in entries[0].shapes}
        return found.draw({"background": 0} | dict.fromkeys(names, 1), (8, 6)).shape
    except UserError as error:
        return str(error)
