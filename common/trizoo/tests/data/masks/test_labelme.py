import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.labelme_files import read_labelme
from trizoo.data.masks.find import find_masks
from trizoo.data.masks.labelme import read_areas
from trizoo.ground.errors import UserError
from trizoo.tests.labelme_files import png, shape, write
from trizoo.tests.mask_files import pairs, touch, unpaired

LABELS = {"background": 0, "cat": 1, "dog": 2}


def drawn(path, labels=LABELS):
    return read_areas(path).draw(labels, (8, 6))


def test_later_shapes_lie_over_earlier_ones(tmp_path):
    whole, corner = [[0, 0], [8, 0], [8, 6], [0, 6]], [[0, 0], [2, 0], [2, 2], [0, 2]]
    mask = drawn(write(tmp_path / "a.json", shape("cat", whole), shape("dog", corner)))
    assert mask.dtype == np.uint8
    assert (mask[:2, :2] == 2).all()
    assert (mask == 1).sum() == 48 - 4


def test_rectangles_circles_and_masks_are_areas(tmp_path):
    path = write(
        tmp_path / "a.json",
        shape("cat", [[3, 2], [1, 1]], "rectangle"),
        shape("dog", [[6, 3], [6, 5]], "circle"),
        shape("cat", [[0, 4], [1, 5]], "mask", mask=png([[1, 0], [1, 1]])),
    )
    mask = drawn(path)
    assert mask[1, 1] == mask[1, 2] == 1
    assert (mask == 2).sum() == 12  # pixels whose centres are less than 2 from (6, 3)
    assert mask[4:6, :2].tolist() == [[1, 0], [1, 1]]
    assert (mask == 1).sum() == 2 + 3


def test_what_covers_nothing_is_told(tmp_path):
    path = write(
        tmp_path / "a.json",
        shape("cat", [[1, 1], [5, 5]], "line"),
        shape("", [[1, 1], [5, 5], [5, 1]]),
        shape("cat", [[1, 1], [5, 5]]),
    )
    content = read_areas(path)
    assert [problem.kind for problem in content.problems] == [
        "shape without area",
        "shape without name",
        "shape without area",
    ]
    assert content.names == set()
    assert not content.draw(LABELS, (8, 6)).any()


def test_names_for_background_and_ignored_make_no_class(tmp_path):
    left, right = [[0, 0], [4, 0], [4, 6], [0, 6]], [[4, 0], [8, 0], [8, 6], [4, 6]]
    path = write(tmp_path / "a.json", shape("_background_", left), shape("__ignore__", right))
    assert read_areas(path).names == set()
    assert np.unique(drawn(path)).tolist() == [0, 255]
    # without a background among the classes, what is unlabelled counts nowhere
    assert np.unique(drawn(path, {"cat": 0})).tolist() == [255]


def test_four_corners_in_any_order_are_one_rectangle(tmp_path):
    corners = [[1, 1], [5, 4], [5, 1], [1, 4]]  # as written they cross
    assert (drawn(write(tmp_path / "a.json", shape("cat", corners, "rectangle"))) == 1).sum() == 4 * 3
    turned = [[4, 0], [4, 4], [2, 2], [6, 2]]  # a square on its corner
    mask = drawn(write(tmp_path / "b.json", shape("cat", turned, "rotation")))
    assert (mask == 1).sum(axis=1).tolist() == [1, 3, 3, 1, 0, 0]  # row 0, y = 0.5: x from 3.5 up to 4.5


def test_unknown_names_and_other_sizes_are_refused(tmp_path):
    path = write(tmp_path / "a.json", shape("cats", [[0, 0], [8, 0], [8, 6]]))
    with pytest.raises(UserError, match=r"a\.json: unknown class 'cats', did you mean 'cat'\?; the classes are"):
        drawn(path)
    with pytest.raises(UserError, match=r"drawn on an image of 8x6, but .* is 6x8"):
        read_areas(path).draw(LABELS, (6, 8))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"shapes": [1]}',
        '{"shapes": [{"label": "a", "points": [[1, "x"], [1, 2], [3, 4]]}]}',
        '{"shapes": [{"label": "a", "points": [[1, NaN], [1, 2], [3, 4]]}]}',
        '{"shapes": [{"label": "a", "points": [[1, 1e300], [1, 2], [3, 4]]}]}',
        '{"shapes": [{"label": "a", "points": 5}]}',
        '{"shapes": [{"label": "a", "points": [[1, 2]], "shape_type": "blob"}]}',
        '{"shapes": [{"label": "a", "points": [[1, 2], [3, 4]], "shape_type": "mask", "mask": "%%"}]}',
        '{"shapes": [{"label": "a", "points": [[1, 2], [3, 4]], "shape_type": "mask"}]}',
        "[" * 100000,
    ],
)
def test_what_is_no_labelme_file_is_named(tmp_path, text):
    path = tmp_path / "图 a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"图 a\.json"):
        read_areas(path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(UserError, match=r"图 a\.json is not UTF-8 text"):
        read_areas(path)


def test_a_byte_order_mark_is_no_matter(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"shapes": []}')
    assert read_labelme(tmp_path / "a.json").shapes == ()


def beside(path, image, *names):
    shapes = [{"label": name, "points": [[0, 0], [4, 0], [4, 3]], "shape_type": "polygon"} for name in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"imageData": "x" * 100_000, "imageHeight": 3, "imagePath": image, "imageWidth": 4, "shapes": shapes}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_labelme_files_beside_their_images_or_elsewhere(tmp_path):
    touch(tmp_path, "train/a.jpg", "train/b.jpg", "val/pictures/c.jpg", "val/d.jpg")
    beside(tmp_path / "train" / "a.json", "a.jpg", "dog", "cat")
    beside(tmp_path / "train" / "b.json", "..\\somewhere\\b.jpg", "cat")
    beside(tmp_path / "val" / "json" / "c.json", "../pictures/c.jpg", "__ignore__")
    beside(tmp_path / "val" / "json" / "e.json", "e.jpg")
    listing = find_masks(tmp_path)
    assert (listing.layout, listing.classes) == ("labelme", ("background", "cat", "dog"))
    assert pairs(listing)["train/b"] == ("train/b.jpg", "train/b.json")
    assert listing.splits == {"train": ["train/a", "train/b"], "val": ["val/c"]}
    assert unpaired(listing) == [("annotation without image", "e.json"), ("image without annotation", "d.jpg")]


def test_no_image_outside_of_the_data_set_is_found(tmp_path):
    touch(tmp_path, "secret.jpg", "set/b.jpg")
    beside(tmp_path / "set" / "a.json", "../secret.jpg", "cat")
    beside(tmp_path / "set" / "b.json", str(tmp_path / "secret.jpg"), "cat")
    listing = find_masks(tmp_path / "set")
    assert pairs(listing) == {"b": ("b.jpg", "b.json")}
    assert unpaired(listing) == [("annotation without image", "a.json")]


@settings(max_examples=200, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), min_size=1, max_size=5))
def test_any_bytes_end_in_a_mask_or_a_sentence(tmp_path_factory, edits):
    shapes = [shape("cat", [[1, 2], [7, 4]], "rectangle"), shape("dog", [[1, 1], [2, 2]], "mask", mask=png([[1, 0]]))]
    path = write(tmp_path_factory.getbasetemp() / "mutated.json", *shapes)
    data = bytearray(path.read_bytes())
    for place, new in edits:
        data[place : place + 1] = new
    path.write_bytes(data)
    assert outcome(path) == (6, 8) or "mutated.json" in outcome(path)


def outcome(path):
    """The shape of what a file draws, or the sentence that it ends in."""
    try:
        content = read_areas(path)
        return content.draw({"background": 0} | dict.fromkeys(content.names, 1), (8, 6)).shape
    except UserError as error:
        return str(error)


def test_labels_txt_gives_the_order_of_classes_where_it_has_all_of_them(tmp_path):
    for name, label in (("a", "cat"), ("b", "dog")):
        Image.new("RGB", (6, 4)).save(tmp_path / f"{name}.png")
        shapes = [{"label": label, "points": [[0, 0], [6, 0], [6, 2]]}]
        content = {"imagePath": f"{name}.png", "shapes": shapes, "flags": {"no_background": name == "a"}}
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    assert find_masks(tmp_path).classes == ("background", "cat", "dog")  # b lacks the flag
    listed = tmp_path / "labels.txt"
    listed.write_text("__ignore__\n_background_\ndog\nowl\ncat\n", encoding="utf-8")
    assert find_masks(tmp_path).classes == ("background", "dog", "owl", "cat")
    for text in ("dog\n", "dog\ndog\ncat\n", "\0"):
        listed.write_text(text, encoding="utf-8")
        assert find_masks(tmp_path).classes == ("background", "cat", "dog")
