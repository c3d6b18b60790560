"""labelme's files as boxes: what each shape becomes, and which image a file is of."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trizoo.data.boxes.find import find_boxes
from trizoo.data.boxes.labelme import find_labelme, read_annotation
from trizoo.data.check import check
from trizoo.ground.errors import UserError
from trizoo.tests.labelme_files import png, shape, write
from trizoo.tests.mask_files import touch


def boxes(path):
    return [(named.name, named.box) for named in read_annotation(path).objects]


def kinds(problems):
    return [problem.kind for problem in problems]


@pytest.mark.parametrize(
    ("drawn", "box"),
    [
        (shape("a", [[1.5, 2], [6, 4]], "rectangle"), (1.5, 2, 6, 4)),
        (shape("a", [[6, 2], [1.5, 4]], "rectangle"), (1.5, 2, 6, 4)),
        (shape("a", [[6, 4], [1, 4], [1, 2], [6, 2]], "rectangle"), (1, 2, 6, 4)),
        (shape("a", [[4, 0], [6, 2], [4, 4], [2, 2]], "oriented_rectangle"), (2, 0, 6, 4)),
        (shape("a", [[4, 0], [6, 2], [4, 4], [2, 2]], "rotation"), (2, 0, 6, 4)),
        (shape("a", [[0, 0], [8, 1], [4, 6]]), (0, 0, 8, 6)),
        (shape("a", [[4, 3], [4, 5]], "circle"), (2, 1, 6, 5)),  # radius 2 around (4, 3)
        (shape("a", [[4, 3], [7, 7]], "circle"), (-1, -2, 9, 8)),  # a triangle of 3, 4, 5
        (shape("a", [[1, 5], [3, 2]], "line"), (1, 2, 3, 5)),
        (shape("a", [[1, 5], [3, 2], [8, 3]], "linestrip"), (1, 2, 8, 5)),
        # its PNG begins at (2, 1), and the pixels that are set span columns 1 and 2 of row 1
        (shape("a", [[2, 1], [5, 3]], "mask", mask=png([[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])), (3, 2, 5, 3)),
    ],
)
def test_bounds_of_each_shape(tmp_path, drawn, box):
    assert boxes(write(tmp_path / "a.json", drawn)) == [("a", pytest.approx(box))]


def test_what_has_no_box_is_left_out_and_told(tmp_path):
    path = write(
        tmp_path / "a.json",
        shape("a", [[1, 1]], "point"),
        shape("a", [[1, 1], [2, 2]], "points"),
        shape("a", [[1, 1], [5, 1]], "line"),
        shape("a", [[1, 1], [5, 5]]),
        shape(" ", [[1, 1], [5, 5], [5, 1]]),
        shape("a", [[1, 1], [5, 5], [5, 1]], "blob"),
        shape("a", [[1, "x"], [5, 5]], "rectangle"),
        shape("a", [[1, 1e7], [5, 5]], "rectangle"),
        shape("a", [[1, 1], [2, 2]], "mask", mask="%%"),
        shape("a", [[1, 1], [2, 2]], "mask", mask=png([[0, 0]])),
        shape("a", [[1, 1], [5, 5]], "rectangle"),
    )
    annotation = read_annotation(path)
    assert [named.where for named in annotation.objects] == ["shape 11"]
    assert kinds(annotation.problems) == [
        "point as object",
        "point as object",
        "box without area",
        "object without name",
        "shape of unknown kind",
        "object without box",
        "object without box",
        "object without box",
        "box without area",
        "box without area",
    ]
    texts = {problem.text.partition(":")[0]: problem.text for problem in annotation.problems}
    assert texts["shape 3"] == "shape 3: a (1, 1, 5, 1) has no area and is left out"
    assert texts["shape 4"] == "shape 4: a is a polygon of 2 points, which covers nothing, and is left out"
    assert texts["shape 9"] == "shape 9: a is a mask with no PNG in base64 and is left out"


def test_shapes_of_one_group_and_name_are_one_object(tmp_path):
    path = write(
        tmp_path / "a.json",
        shape("cat", [[0, 0], [2, 2]], "rectangle", group_id=1),
        shape("dog", [[5, 0], [6, 2]], "rectangle", group_id=1),
        shape("cat", [[4, 3], [6, 5], [4, 5]], group_id=1, flags={"difficult": True}),
        shape("cat", [[7, 3], [8, 5]], "rectangle", group_id=2),
        shape("cat", [[7, 0], [8, 1]], "rectangle"),
        shape("cat", [[6, 0], [7, 1]], "rectangle"),
    )
    annotation = read_annotation(path)
    assert [(named.name, named.box, named.where, named.difficult) for named in annotation.objects] == [
        ("cat", (0, 0, 6, 5), "shape 1, shape 3", True),
        ("dog", (5, 0, 6, 2), "shape 2", False),
        ("cat", (7, 3, 8, 5), "shape 4", False),
        ("cat", (7, 0, 8, 1), "shape 5", False),
        ("cat", (6, 0, 7, 1), "shape 6", False),
    ]
    assert kinds(annotation.remarks) == ["object of several shapes"]


def test_size_flags_names_and_lines(tmp_path):
    path = write(
        tmp_path / "a.json",
        shape("Stra\u0308ße  1", [[0, 0], [2, 2]], "rectangle", difficult=True),
        shape("__ignore__", [[0, 0], [2, 2]], "rectangle"),
        shape("crack", [[0, 0], [2, 2]], "line"),
        image="C:\\data\\a b.jpg",
    )
    annotation = read_annotation(path)
    assert (annotation.size, annotation.image_name) == ((8, 6), "a b.jpg")
    assert [(named.name, named.difficult) for named in annotation.objects] == [("Sträße 1", True), ("crack", False)]
    assert kinds(annotation.remarks) == ["shape of no class", "line as box"]
    assert read_annotation(write(tmp_path / "b.json", size=("8", None))).size is None


@pytest.mark.parametrize(
    ("images", "jsons"),
    [
        ("", ""),
        ("images/", "labels/"),
        ("images/", "annotations/json/"),
        ("JPEGImages/", "Annotations/"),
        ("photos of us/", "what is on them/"),
    ],
)
def test_files_in_any_arrangement_are_found(tmp_path, images, jsons):
    touch(tmp_path, f"{images}a.jpg", f"{images}b.png", f"{images}c.jpg")
    for name in ("a.jpg", "b.png"):
        write(tmp_path / f"{jsons}{name[0]}.json", shape("cat", [[0, 0], [2, 2]], "rectangle"), size=(4, 3))
    listing = find_boxes(tmp_path)
    assert listing.layout == "labelme"
    data = listing.open()
    assert [data.records[index].image.name for index in range(2)] == ["a.jpg", "b.png"]
    assert data.classes == ("cat",)
    assert len(listing.images) == 3


def test_folders_are_splits(tmp_path):
    touch(tmp_path, "train/images/a.jpg", "val/images/a.jpg")
    for split in ("train", "val"):
        write(tmp_path / split / "labels" / "a.json", shape("cat", [[0, 0], [2, 2]], "rectangle"))
    listing = find_labelme(tmp_path)
    assert listing.splits == {"train": ["train/a"], "val": ["val/a"]}
    assert listing.images["val/a"] == tmp_path / "val" / "images" / "a.jpg"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("../cam1/x.jpg", "cam1/x.jpg"),
        ("..\\cam2\\x.jpg", "cam2/x.jpg"),
        ("D:\\old place\\cam2\\x.jpg", "cam2/x.jpg"),
        ("/home/her/cam1/x.jpg", "cam1/x.jpg"),
        ("y.jpg", "cam2/y.jpg"),
        ("x.jpg", None),  # two of them
        ("../../../etc/y.jpg", "cam2/y.jpg"),
        ("../secret.jpg", None),
        ("/etc/passwd", None),
    ],
)
def test_the_image_path_finds_images_within_the_data_set_alone(tmp_path, image, expected):
    root = tmp_path / "set"
    touch(root, "cam1/x.jpg", "cam2/x.jpg", "cam2/y.jpg")
    touch(tmp_path, "secret.jpg")
    write(root / "json" / "anything.json", image=image)
    found = find_labelme(root).images.get("anything")
    assert found == (expected and root / expected)


def test_where_several_images_have_the_name_the_image_path_decides(tmp_path):
    touch(tmp_path, "x.jpg", "cam1/x.jpg", "cam2/x.jpg")
    write(tmp_path / "json" / "x.json", image="../cam1/x.jpg")
    assert find_labelme(tmp_path).images["x"] == tmp_path / "cam1" / "x.jpg"


def test_of_two_files_of_one_picture_the_one_of_its_name_counts(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg")
    write(tmp_path / "a - copy.json", image="a.jpg")
    write(tmp_path / "a.json", image="a.jpg")
    write(tmp_path / "b.json", image="b.jpg")
    write(tmp_path / "labels" / "b.json", image="../b.jpg")
    listing = find_labelme(tmp_path)
    assert listing.annotations == {"a": tmp_path / "a.json", "b": tmp_path / "b.json"}
    assert [(problem.kind, problem.file.name, problem.text) for problem in listing.problems] == [
        ("same id", "b.json", "has the same id as b.json, which is used instead"),
        ("second annotation of an image", "a - copy.json", "is of a.jpg like a.json, which is used instead"),
    ]


def test_other_json_files_are_no_annotations(tmp_path):
    touch(tmp_path, "a.jpg")
    (tmp_path / "config.json").write_text('{"version": 1, "shapes": 3}', encoding="utf-8")
    (tmp_path / "list.json").write_text('[{"shapes": []}]', encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    assert find_labelme(tmp_path) is None
    sorted_keys = {"flags": {}, "imageData": "A" * 100_000, "imagePath": "a.jpg", "shapes": []}
    (tmp_path / "a.json").write_text(json.dumps(sorted_keys), encoding="utf-8")
    assert list(find_labelme(tmp_path).annotations) == ["a"]
    assert find_labelme(tmp_path, annotations=tmp_path / "a.json") is None


def test_a_check_tells_of_damaged_files_and_missing_images(tmp_path):
    touch(tmp_path, "a.jpg", "b.jpg", size=(8, 6))
    write(tmp_path / "a.json", shape("cat", [[0, 0], [2, 2]], "rectangle"))
    whole = write(tmp_path / "b.json", shape("cat", [[0, 0], [2, 2]], "rectangle")).read_bytes()
    (tmp_path / "b.json").write_bytes(whole[:-9])
    write(tmp_path / "c.json", shape("cat", [[0, 0], [2, 2]], "rectangle"), image="c.jpg")
    report = check(tmp_path, task="detection")
    assert {finding.kind: finding.count for finding in report.findings} == {
        "unreadable annotation": 1,
        "missing image": 1,
    }
    (tmp_path / "c.json").unlink()
    data = find_labelme(tmp_path).open()
    assert [record.id for record in data.records] == ["a"]
    assert "b.json is no JSON (Input data was truncated); write it again" in data.problems[0].text


def test_the_image_in_a_file_is_never_decoded(tmp_path):
    path = write(tmp_path / "a.json", shape("cat", [[0, 0], [2, 2]], "rectangle"), imageData="no base64: \u00e9")
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    assert boxes(path) == [("cat", (0, 0, 2, 2))]


HOSTILE = {
    "deep": b'{"shapes": [' + b'{"points": [' * 50_000,
    "deep beside": b'{"x": ' + b"[" * 200_000,
    "many": b'{"shapes": [' + b"[]," * 12_000_000 + b"1]}",
    "long number": b'{"shapes": [{"label": "a", "points": [[' + b"9" * 100_000 + b", 1], [2, 2], [3, 1]]}]}",
    "array": b'{"shapes": [{"label": {}, "points": {}, "shape_type": [], "group_id": {}, "flags": []}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_a_sentence_or_problems(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_bytes(HOSTILE[name])
    before = time.process_time()
    objects, sentence = outcome(path)
    assert time.process_time() - before < 5
    assert not objects
    assert "\n" not in sentence
    assert len(sentence) < 1000


def test_masks_of_too_many_pixels_are_refused(tmp_path):
    big = png([[0] * 8000] * 8000)
    path = write(tmp_path / "a.json", *[shape("a", [[0, 0], [8000, 8000]], "mask", mask=big)] * 9)
    with pytest.raises(UserError, match=r"has masks of more than 268,435,456 pixels"):
        read_annotation(path)


def outcome(path):
    """The objects of a file, and the sentence that it ends in, "" for none."""
    try:
        return read_annotation(path).objects, ""
    except UserError as error:
        return (), str(error)


def whole(path):
    """Asserts that a file ends in a sentence that names it, or in objects that have a name and an area."""
    objects, sentence = outcome(path)
    assert not sentence or path.name in sentence
    for named in objects:
        assert named.name
        assert named.box[0] < named.box[2]
        assert named.box[1] < named.box[3]


SEED = json.dumps(
    {
        "shapes": [
            shape("cat", [[1, 2], [30.5, 4]], "rectangle", group_id=3),
            shape("dog", [[1, 2], [30, 4], [7, 9]], flags={"difficult": True}),
            shape("cow", [[4, 3], [7, 7]], "circle"),
            shape("eel", [[2, 1], [5, 3]], "mask", mask=png([[0, 1], [1, 1]])),
        ],
        "imagePath": "a.jpg",
        "imageWidth": 8,
        "imageHeight": 6,
    }
).encode()
EDITS = st.lists(st.tuples(st.integers(0, len(SEED) - 1), st.binary(max_size=4)), min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
KINDS = ["rectangle", "polygon", "circle", "line", "mask", "point", "blob", None]
SHAPES = st.fixed_dictionaries(
    {},
    optional={
        "label": JSON | st.just("cat"),
        "points": JSON | st.lists(st.lists(st.floats(-10, 1e7), min_size=2, max_size=2), max_size=4),
        "shape_type": st.sampled_from(KINDS) | JSON,
        "group_id": JSON,
        "flags": JSON,
        "mask": JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(edits=EDITS)
def test_any_bytes_end_in_an_annotation_or_a_sentence(tmp_path_factory, edits):
    data = bytearray(SEED)
    for place, new in edits:
        data[place : place + 1] = new
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    path.write_bytes(data)
    whole(path)


@settings(max_examples=300, deadline=None)
@given(shapes=st.lists(SHAPES, max_size=4), rest=JSON)
def test_any_shapes_end_in_an_annotation_or_a_sentence(tmp_path_factory, shapes, rest):
    path = tmp_path_factory.getbasetemp() / "made.json"
    content = {"shapes": shapes, "imagePath": rest, "imageWidth": rest, "imageHeight": rest}
    path.write_text(json.dumps(content), encoding="utf-8")
    whole(path)
