"""One COCO file of boxes: against pycocotools, and whatever its bytes are."""

import contextlib
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as mask_api
from pycocotools.coco import COCO

from trizoo.data.boxes.coco import find_coco
from trizoo.data.boxes.coco_file import read_boxes
from trizoo.ground.errors import UserError
from trizoo.tests.coco_files import box_entry, draw, write_coco

BOX = [8, 4, 32, 16]


def read_one(tmp_path, *entries):
    """Objects and problems of an image with these annotations."""
    boxes = read_boxes(write_coco(tmp_path / "a.json", ["a.jpg"], entries))
    return boxes.objects(0), [(problem.kind, problem.text) for problem in boxes.problems.get(0, ())]


def test_counts_equal_pycocotools(tmp_path):
    rng = np.random.default_rng(0)
    categories = [{"id": int(id), "name": f"class {id}"} for id in rng.permutation(np.arange(3, 40, 4))]
    images = [{"id": int(id), "file_name": f"{id}.jpg"} for id in rng.permutation(50) * 7]
    annotations = [
        box_entry(
            number,
            images[rng.integers(40)]["id"],
            categories[rng.integers(8)]["id"],
            rng.uniform(1, 60, 4).tolist(),
            iscrowd=int(rng.random() < 0.1),
        )
        for number in range(300)
    ]
    path = write_coco(tmp_path / "all.json", images, annotations, categories)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = COCO(str(path))
    ours = read_boxes(path)
    assert sorted(ours.image_ids) == sorted(theirs.getImgIds())
    assert list(ours.categories) == sorted(theirs.getCatIds())
    assert len(ours.boxes) == len(theirs.getAnnIds()) == 300
    assert int(ours.crowd.sum()) == len(theirs.getAnnIds(iscrowd=True))
    per_class = Counter(ours.labels.tolist())
    for label, (id, name) in enumerate(ours.categories.items()):
        assert per_class[label] == len(theirs.getAnnIds(catIds=[id]))
        assert theirs.loadCats([id])[0]["name"] == name
    for row, id in enumerate(ours.image_ids):
        of_image = theirs.loadAnns(theirs.getAnnIds(imgIds=[id]))
        assert [named.where for named in ours.objects(row)] == [f"annotation {entry['id']}" for entry in of_image]
        for named, entry in zip(ours.objects(row), of_image, strict=True):
            x, y, width, height = entry["bbox"]
            assert named.box == (x, y, x + width, y + height)
            assert named.crowd == bool(entry["iscrowd"])


@pytest.mark.parametrize(
    ("bbox", "kind", "text"),
    [
        ([1, 2, 0, 5], "box without area", "has a box of 0x5 at (1, 2)"),
        ([1, 2, 5, -3], "box without area", "has a box of 5x-3 at (1, 2)"),
        ([1e300, 2, 1, 1], "box without area", "has a box of 1x1 at (1e+300, 2)"),
        ([1e308, 0, 1e308, 1], "box without area", "has a box of 1e+308x1 at (1e+308, 0)"),
        (["1", 2, 3, 4], "object without box", 'has the box ["1", 2, 3, 4], not four numbers,'),
        ([1, 2, 3], "object without box", "has the box [1, 2, 3], not four numbers,"),
        ([1, 2, 3, None], "object without box", "has the box [1, 2, 3, null], not four numbers,"),
        ([10**400, 2, 3, 4], "object without box", "has the box [1" + "0" * 58 + ", not four numbers,"),
        ({"x": 1}, "object without box", 'has the box {"x": 1}, not four numbers,'),
        ([], "object without box", "has no box"),
        (None, "object without box", "has no box"),
    ],
)
def test_what_is_no_box_is_left_out_and_told(tmp_path, bbox, kind, text):
    wrong = {"id": 5, "image_id": 1, "category_id": 1, "bbox": bbox}
    objects, problems = read_one(tmp_path, wrong, box_entry(6, 1, 2, BOX))
    assert [(named.name, named.where) for named in objects] == [("dog", "annotation 6")]
    assert problems == [(kind, f"annotation 5 (cat) {text} and is left out")]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_no_box(tmp_path, number):
    path = write_coco(tmp_path / "a.json", ["a.jpg"], [(1, 1, [1, 2, 3, 12345]), (1, 2, BOX)])
    path.write_text(path.read_text().replace("12345", number))
    boxes = read_boxes(path)
    assert [named.name for named in boxes.objects(0)] == ["dog"]
    assert [problem.kind for problem in boxes.problems[0]] == ["object without box"]


def test_a_huge_box_is_clipped_later(tmp_path):
    objects, problems = read_one(tmp_path, box_entry(1, 1, 1, [-1e9, 0, 1e300, 10]))
    assert (objects[0].box, problems) == ((-1e9, 0, 1e300, 10), [])


def test_ids_may_be_of_any_kind(tmp_path):
    images = [{"id": "a7", "file_name": "a.jpg"}, {"id": 2.0, "file_name": "b.jpg"}]
    entries = [
        {"id": "one", "image_id": "a7", "category_id": 1.0, "bbox": BOX},
        {"id": None, "image_id": 2, "category_id": "x", "bbox": BOX},
        {"image_id": "a7", "category_id": "x", "bbox": BOX},
    ]
    boxes = read_boxes(write_coco(tmp_path / "a.json", images, entries, [{"id": "x", "name": 5}, "cat"][::-1]))
    assert boxes.categories == {1: "cat", "x": "5"}
    assert [(o.name, o.where) for row in (0, 1) for o in boxes.objects(row)] == [
        ("cat", "annotation at place 0"),
        ("5", "annotation at place 2"),
        ("5", "annotation at place 1"),
    ]


def test_annotations_of_what_is_not_listed_are_left_out_and_told(tmp_path):
    entries = [(1, 3, BOX), (2, 1, BOX), {"id": 3, "image_id": 1, "bbox": BOX}, (1, 1, BOX)]
    boxes = read_boxes(write_coco(tmp_path / "a.json", ["a.jpg"], entries))
    assert [named.where for named in boxes.objects(0)] == ["annotation 4"]
    assert [problem.text for problem in boxes.problems[0]] == [
        "annotation 1 is of category 3, which isn't listed, and is left out",
        "annotation 3 is of category None, which isn't listed, and is left out",
    ]
    assert [problem.text for problem in boxes.others] == [
        "1 annotation is of an image that isn't listed and is left out: annotation 2 of image 2"
    ]


def test_bounds_of_the_outline_are_the_box_where_there_is_none(tmp_path):
    mask = np.zeros((40, 80), np.uint8, order="F")
    mask[3:9, 20:31] = 1
    packed = mask_api.encode(mask)
    runs = {"size": [40, 80], "counts": packed["counts"].decode()}
    outlines = [[10, 12.5, 14, 12.5, 14, 20], [30, 5, 31, 5, 31, 6]]
    without = {"image_id": 1, "category_id": 1}
    entries = [
        {**without, "id": 1, "segmentation": outlines},
        {**without, "id": 2, "segmentation": runs, "bbox": []},
        {**without, "id": 3, "keypoints": [1, 2, 2, 9, 9, 2], "num_keypoints": 2},
        {**without, "id": 4, "segmentation": [[1, 2, 3]]},
        {**without, "id": 5, "segmentation": {"size": [40, 80], "counts": [1]}},
        {**without, "id": 6, "segmentation": [[1, 1, 1, 5, 1, 9]]},
    ]
    objects, problems = read_one(tmp_path, *entries)
    assert [named.box for named in objects] == [(10, 5, 31, 20), (20, 3, 31, 9)]
    assert [kind for kind, _ in problems] == ["object without box"] * 3 + ["box without area"]
    draw(tmp_path, "a.jpg")
    assert "2 objects have an outline and no box; its bounds are their boxes" in find_coco(tmp_path).lists.notes


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": 5}, r"Expected `array`, got `int` - at `\$\.images`"),
        ({"images": [{"id": 1}]}, r"image 1 has no file_name - at `\$\.images\[0\]`"),
        ({"images": [{"id": None, "file_name": "a"}]}, r"at `\$\.images\[0\]\.id`"),
        ({"images": [{"id": 1, "file_name": [1]}]}, r"at `\$\.images\[0\]\.file_name`"),
        ({"annotations": [1]}, r"at `\$\.annotations\[0\]`"),
        ({"annotations": [{"id": 1}]}, r"missing required field `image_id` - at `\$\.annotations\[0\]`"),
        ({"categories": [{"id": 1}]}, r"missing required field `name` - at `\$\.categories\[0\]`"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "category 1 is 'a' and 'b'; one is needed"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, change, text):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"images": [], "annotations": [], "categories": [], **change}))
    with pytest.raises(UserError, match=text):
        read_boxes(path)


def test_halves_of_letters_are_refused(tmp_path):
    path = write_coco(tmp_path / "a.json", ["a.jpg"], [(1, 1, BOX)], [{"id": 1, "name": "c\ud800at"}])
    with pytest.raises(UserError, match=r"a\.json"):
        read_boxes(path)


def seed_file():
    """The bytes of a COCO file with a bit of everything."""
    entries = [
        box_entry(1, 1, 1, BOX, segmentation=[[1, 2, 3, 4, 5, 6.5]]),
        {"id": 2, "image_id": 2, "category_id": 2, "segmentation": {"size": [4, 5], "counts": [3, 2, 15]}},
        box_entry(3, 2, 2, [0.5, 1e2, 3, 4], iscrowd=1, ignore=0),
    ]
    images = [{"id": 1, "file_name": "a.jpg", "width": 80, "height": 40}, {"id": 2, "file_name": "x/é.png"}]
    categories = [{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 2, "name": "dög"}]
    content = {"info": {"year": 2017}, "images": images, "annotations": entries, "categories": categories}
    return json.dumps(content, ensure_ascii=False).encode()


SEED = seed_file()
TOKENS = [
    b"NaN",
    b"1e999",
    b'"',
    b"\\ud800",
    b"null",
    b"[",
    b"{",
    b"}",
    b"]",
    b"-",
    b"9" * 30,
    b"\xff",
    b"true",
    b"../",
]
edits = st.tuples(
    st.integers(0, len(SEED)), st.integers(0, 12), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=3))
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(edits, min_size=1, max_size=4))
def test_any_bytes_are_boxes_or_one_sentence(tmp_path, changes):
    data = SEED
    for start, length, new in changes:
        data = data[:start] + new + data[start + length :]
    outcome(tmp_path, data)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=6,
)
KEYS = [
    *((part, 0, key) for part, key in (("images", "id"), ("images", "file_name"), ("images", "width"))),
    *(("annotations", number, key) for number in (0, 1) for key in ("id", "image_id", "bbox", "segmentation")),
    *((("annotations", 0, key)) for key in ("category_id", "iscrowd", "ignore")),
    *((("categories", 0, key)) for key in ("id", "name", "supercategory")),
]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.sampled_from(KEYS), value=values)
def test_any_value_is_boxes_or_one_sentence(tmp_path, place, value):
    content = json.loads(SEED)
    part, number, key = place
    content[part][number][key] = value
    outcome(tmp_path, json.dumps(content).encode())


def outcome(tmp_path, data):
    """Reads a data set with this file as anyone does; boxes are finite and images inside."""
    draw(tmp_path, "a.jpg")
    (tmp_path / "instances_all.json").write_bytes(data)
    try:
        listing = find_coco(tmp_path)
    except UserError:
        return
    for id in listing.annotations if listing else ():
        for named in listing.read(id).objects:
            assert np.isfinite(named.box).all()
            assert named.name.encode()
    assert not listing or all(Path(path).is_relative_to(tmp_path) for path in listing.images.values())
