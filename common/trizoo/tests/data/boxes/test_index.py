"""All of a data set in a few arrays: what is merged, left out, told, and how it gets to other processes."""

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.boxes.kept import open_boxes
from trizoo.ground.errors import UserError
from trizoo.tests.voc_files import add, add_list, thing


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "set"
    add(root, "a", thing("cat", 1, 1, 9, 9) + thing("dog", 3, 3, 20, 20, "<difficult>1</difficult>"))
    add(root, "b")
    add(root, "c", thing("dog", 1, 1, 30, 30), size=(50, 60))
    add_list(root, "train", ["c", "a"])
    add_list(root, "val", ["b"])
    return root


def test_records_are_made_of_the_arrays(root):
    index = find_boxes(root).index
    assert (len(index), index.class_names, list(index.ids)) == (3, ("cat", "dog"), ["a", "b", "c"])
    assert (index.boxes.dtype, index.ends.tolist()) == (np.float32, [2, 2, 3])
    assert index.splits == {"train": ["c", "a"], "val": ["b"]}
    records = index.open("train", ["dog", "cat"]).records
    assert [record.id for record in records] == ["c", "a"]
    assert (records[1].labels.tolist(), records[1].difficult.tolist()) == ([1, 0], [False, True])
    assert (records[0].size, records[0].image) == ((50, 60), root / "JPEGImages" / "c.jpg")
    assert [record.id for record in records[1:]] == ["a"]
    records[0].boxes[:] = 0
    assert records[0].boxes.tolist() == [[0, 0, 30, 30]]


def test_an_image_takes_little_memory(tmp_path):
    for number in range(40):
        add(
            tmp_path,
            f"{number:06d}",
            thing("cat", 1, 1, 9, 9) * 13 if number < 2 else "".join(thing("cat", 1, 1, 9 + i, 9) for i in range(13)),
        )
    index = find_boxes(tmp_path).open().records.index
    arrays = [index.sizes, index.ends, index.boxes, index.names, index.difficult, index.crowd, index.same_as]
    texts = [part for text in (index.ids, index.images) for part in (text.letters, text.ends)]
    # 13 boxes of 16 + 4 + 1 + 1 bytes, 8 + 8 + 8 for the row, 16 + 6 + 21 for its names: 353 bytes
    assert sum(array.nbytes for array in [*arrays, *texts]) / len(index) < 400


def test_two_annotations_of_one_picture_are_one_image(tmp_path):
    add(tmp_path, "photo", annotate=False)
    add(tmp_path, "x", thing("cat", 1, 1, 9, 9), suffix="", filename="photo.jpg")
    add(tmp_path, "y", thing("cat", 1, 1, 9, 9) + thing("dog", 2, 2, 9, 9), suffix="", filename="photo.png")
    data = find_boxes(tmp_path).open()
    assert [(record.id, record.labels.tolist()) for record in data.records] == [("x", [0, 1])]
    assert [problem.kind for problem in data.problems] == ["annotated twice"]
    assert "same picture as x" in data.problems[0].text


def test_what_cannot_be_read_is_left_out_with_a_problem(root):
    image = root / "JPEGImages" / "a.jpg"
    image.write_bytes(image.read_bytes()[:-400])
    data = find_boxes(root).open("train")
    assert [record.id for record in data.records] == ["c"]
    assert data.classes == ("cat", "dog")
    assert [(problem.kind, problem.file.name) for problem in data.problems] == [("image left out", "a.jpg")]
    (root / "Annotations" / "c.xml").write_text("<annotation>")
    with pytest.raises(UserError, match=r"c\.xml is not well-formed XML"):  # none is left
        find_boxes(root).open("train")
    assert len(find_boxes(root).open("val")) == 1


def test_a_photo_without_its_last_bytes_is_read_and_told(tmp_path):
    root = add(tmp_path, "a", thing("cat", 1, 1, 90, 90), size=(100, 200))
    image = root / "JPEGImages" / "a.jpg"
    Image.effect_noise((100, 200), 90).convert("RGB").save(image, quality=95)
    whole = find_boxes(root).open().sample(0).image
    image.write_bytes(image.read_bytes()[:-100])
    data = find_boxes(root).open()
    assert [problem.kind for problem in data.problems] == ["image cut off"]
    pixels = data.sample(0).image
    np.testing.assert_array_equal(pixels[:150], whole[:150])
    assert pixels.shape == whole.shape


def test_boxes_below_a_pixel_are_told(tmp_path):
    add(tmp_path, "a", thing("cat", 0.9, 0.9, 0.95, 0.97) + thing("dog", 0.1, 0.2, 0.8, 0.9))
    assert find_boxes(tmp_path).open().notes == [
        f"{tmp_path}: all 2 boxes are smaller than a pixel; are these shares of the image's size?"
    ]


def test_photo_drawn_on_as_stored_has_its_boxes_turned(tmp_path):
    # 40 x 30 as stored and in the size tag; orientation 6 shows it 30 wide and 40 high, turned by 90 degrees clockwise:
    # x' = 30 - y, y' = x. Box (0, 0, 10, 5) becomes (25, 0, 30, 10).
    text = "<size><width>40</width><height>30</height></size>" + thing("cat", 1, 1, 10, 5)
    add(tmp_path, "a", text, size=(40, 30), orientation=6)
    data = find_boxes(tmp_path).open()
    assert data.records[0].boxes.tolist() == [[25, 0, 30, 10]]
    assert [problem.kind for problem in data.problems] == ["boxes turned with the photo"]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("trizoo.data.boxes.kept._WORTH_IT", -1)
    return tmp_path / "cache" / "boxes"


def dump(data):
    return [
        (r.id, r.image, r.size, r.boxes.tolist(), r.labels.tolist(), r.difficult.tolist(), r.crowd.tolist())
        for r in data.records
    ]


def test_an_index_is_kept_while_no_file_changes(root, cache, monkeypatch):
    (root / "Annotations" / "b.xml").write_text(f"<annotation>{thing('dog', 5, 5, 5, 5)}</annotation>")
    first = open_boxes(root)
    assert len(list(cache.iterdir())) == 1
    with monkeypatch.context() as patch:
        patch.setattr("trizoo.data.boxes.kept.find_boxes", None)
        again = open_boxes(root)
    for split in ("train", "val", None):
        one, other = first.open(split), again.open(split)
        assert dump(one) == dump(other)
        assert (one.classes, one.problems, one.notes) == (other.classes, other.problems, other.notes)
    assert again.splits == first.splits
    with pytest.raises(UserError, match=r"a\.xml, line 3: unknown class 'cat'"):
        again.open("train", ["dog"])


@pytest.mark.parametrize("change", ["annotation", "image", "list", "new"])
def test_a_changed_file_makes_a_kept_index_stale(root, cache, change):
    before = len(open_boxes(root).open("train").records[1].boxes)
    if change == "annotation":
        add(root, "a", thing("cat", 1, 1, 9, 9))
        assert len(open_boxes(root).open("train").records[1].boxes) == before - 1
    elif change == "image":
        add(root, "a", size=(41, 30), annotate=False)
        assert open_boxes(root).open("train").records[1].size == (41, 30)
    elif change == "list":
        add_list(root, "train", ["c"])
        assert len(open_boxes(root).open("train")) == 1
    else:
        add(root, "d")
        assert len(open_boxes(root).open()) == 4


def test_a_damaged_cache_is_made_anew(root, cache):
    first = dump(open_boxes(root).open())
    folder = next(cache.iterdir())
    for name in ("index.json", "boxes.npy", "ids.letters.npy"):
        (folder / name).write_bytes(b"\x93NUMPY nonsense")
        assert dump(open_boxes(root).open()) == first
        (folder / name).write_bytes(b"")  # as a power cut leaves it
        assert dump(open_boxes(root).open()) == first
    shutil.rmtree(cache)
    cache.parent.joinpath("boxes").write_text("in the way")
    assert dump(open_boxes(root).open()) == first


def test_records_get_to_other_processes_without_the_arrays_that_lie_in_files(root, cache):
    open_boxes(root)
    for index in (open_boxes(root), find_boxes(root).index):
        data = index.open("train")
        copy = pickle.loads(pickle.dumps(data))
        assert dump(copy) == dump(data)
        np.testing.assert_array_equal(copy.sample(0).image, data.sample(0).image)
    mapped = open_boxes(root).open("train").records.index
    assert isinstance(pickle.loads(pickle.dumps(mapped)).boxes, np.memmap)
