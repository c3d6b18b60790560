"""What is of no format: splits, classes, records and samples, of data sets that are written as VOC's."""

import pickle

import numpy as np
import pytest

from trizoo.data.boxes.find import find_boxes
from trizoo.ground.errors import UserError
from trizoo.tests.voc_files import add, add_list, thing


def opened(root, split=None, classes=None):
    return find_boxes(root).open(split, classes)


def test_records_hold_what_the_files_say(tmp_path):
    root = tmp_path / "我的 数据"
    add(root, "照片 1", thing("狗", 1, 2, 10, 20, "<difficult>1</difficult>") + thing("cat a", 5, 5, 40, 30))
    add(root, "empty")
    data = opened(root)
    assert (len(data), data.classes, data.problems, data.notes, data.root) == (2, ("cat a", "狗"), [], [], root)
    record = {record.id: record for record in data.records}["照片 1"]
    np.testing.assert_array_equal(record.boxes, np.array([[0, 1, 10, 20], [4, 4, 40, 30]], np.float32))
    assert (record.boxes.dtype, record.labels.dtype) == (np.float32, np.int64)
    assert (record.labels.tolist(), record.difficult.tolist(), record.crowd.tolist()) == (
        [1, 0],
        [True, False],
        [False] * 2,
    )
    assert (record.size, record.mask) == ((40, 30), None)
    empty = {record.id: record for record in data.records}["empty"]
    assert (empty.boxes.shape, empty.labels.shape, empty.difficult.shape) == ((0, 4), (0,), (0,))
    assert (empty.boxes.dtype, empty.labels.dtype) == (np.float32, np.int64)


def test_split_gives_its_images_in_order_and_the_classes_of_all(tmp_path):
    for id, name in (("a", "x"), ("b", "y"), ("c", "z")):
        add(tmp_path, id, thing(name, 1, 1, 9, 9))
    add_list(tmp_path, "train", ["c", "a"])
    add_list(tmp_path, "val", ["b"])
    train, val = opened(tmp_path, "train"), opened(tmp_path, "val")
    assert [record.id for record in train.records] == ["c", "a"]
    assert train.classes == val.classes == ("x", "y", "z")
    assert [record.labels.tolist() for record in train.records] == [[2], [0]]


def test_id_listed_twice_counts_once(tmp_path):
    add(tmp_path, "a")
    add_list(tmp_path, "train", ["a", "a.jpg"])
    data = opened(tmp_path, "train")
    assert len(data) == 1
    assert [problem.kind for problem in data.problems] == ["listed twice"]


def test_given_classes_set_the_labels(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 9, 9))
    assert opened(tmp_path, classes=["dog", "cat"]).records[0].labels.tolist() == [1]
    assert opened(tmp_path, classes=("dog", "cat", "cow")).classes == ("dog", "cat", "cow")


def test_a_class_map_gives_names_that_classes_are_looked_up_by(tmp_path):
    add(tmp_path, "a", thing("tvmonitor", 1, 1, 9, 9) + thing("sofa", 1, 1, 8, 8) + thing("cat", 1, 1, 7, 7))
    add(tmp_path, "b", thing("tv", 1, 1, 9, 9, "<difficult>1</difficult>"))
    mapping = {"tvmonitor": "tv", "sofa": "", "cat": "animal"}
    data = find_boxes(tmp_path).open(None, None, mapping)
    assert (data.classes, data.notes) == (("animal", "tv"), [])
    first, second = data.records
    assert first.boxes.tolist() == [[0, 0, 9, 9], [0, 0, 7, 7]]
    assert (first.labels.tolist(), first.difficult.tolist(), first.crowd.tolist()) == ([1, 0], [False] * 2, [False] * 2)
    assert (second.labels.tolist(), second.difficult.tolist()) == ([1], [True])
    assert [data.labels_in(place) for place in (0, 1)] == [{0, 1}, {1}]
    assert data.sample(0).labels.tolist() == [1, 0]
    given = find_boxes(tmp_path).open(None, ("tv", "dog", "animal"), mapping)
    assert given.records[0].labels.tolist() == [0, 2]
    assert [record.labels.tolist() for record in given.records[1:]] == [[0]]


def test_a_name_of_a_class_map_that_no_object_has_is_a_note(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 9, 9))
    notes = find_boxes(tmp_path).open(None, None, {"cats": "cat"}).notes
    assert notes == ["the class map names 'cats', which no object is, did you mean 'cat'?"]


def test_unknown_classes_with_synonyms_are_told_the_flag_for_all_of_them(tmp_path):
    add(tmp_path, "a", thing("cat", 1, 1, 9, 9) + thing("tvmonitor", 1, 1, 9, 9) + thing("sofa", 1, 1, 9, 9))
    with pytest.raises(UserError) as caught:
        opened(tmp_path, classes=["cat", "tv", "couch"])
    assert str(caught.value) == (
        f"{tmp_path}/Annotations/a.xml, line 5: unknown class 'tvmonitor'; the classes are cat, tv, couch; "
        '--classes-map "sofa=couch" "tvmonitor=tv" maps synonyms'
    )
    with pytest.raises(UserError, match="unknown class 'cart' \\(cat by the class map\\), did you mean 'cat'"):
        find_boxes(tmp_path).open(None, ["cat", "tvmonitor", "sofa"], {"cat": "cart"})


def test_given_classes_may_be_decomposed(tmp_path):
    add(tmp_path, "a", thing("caf\xe9", 1, 1, 9, 9))
    add(tmp_path, "b", thing("cafe\u0301", 1, 1, 9, 9))
    assert opened(tmp_path).classes == ("caf\xe9",)
    data = opened(tmp_path, classes=["dog", "cafe\u0301"])
    assert data.classes == ("dog", "cafe\u0301")
    assert [record.labels.tolist() for record in data.records] == [[1], [1]]


def test_coordinates_from_0_to_1_are_a_note(tmp_path):
    add(tmp_path, "a", thing("a", 0.1, 0.2, 0.7, 0.9))
    note = f"{tmp_path}: the only box is smaller than a pixel; are these shares of the image's size?"
    assert opened(tmp_path).notes == [note]
    add(tmp_path, "b", thing("a", 0.1, 0.2, 0.7, 0.9))
    assert opened(tmp_path).notes == [note.replace("the only box is", "all 2 boxes are")]
    add(tmp_path, "c", thing("a", 1, 1, 2, 2))
    assert opened(tmp_path).notes == []


def test_unknown_class_is_named_with_file_line_and_guess(tmp_path):
    add(tmp_path, "a", thing("Cat", 1, 1, 9, 9))
    # line 1 ends with the filename, the object is on 2 and its name on 3
    with pytest.raises(UserError, match=r"a\.xml, line 3: unknown class 'Cat', did you mean 'cat'\?; .* dog, cat"):
        opened(tmp_path, classes=["dog", "cat"])
    with pytest.raises(UserError, match=r"unknown class 'Cat'; the classes are person"):
        opened(tmp_path, classes=["person"])


def test_wrong_classes_are_refused(tmp_path):
    add(tmp_path, "a")
    with pytest.raises(ValueError, match=r"classes is .cat.; a sequence of names is needed"):
        opened(tmp_path, classes="cat")
    with pytest.raises(UserError, match="named twice"):
        opened(tmp_path, classes=["cat", "cat"])


def test_unknown_and_empty_splits_are_named(tmp_path):
    add(tmp_path, "a")
    add_list(tmp_path, "train", ["a"])
    add_list(tmp_path, "val", [])
    with pytest.raises(UserError, match="no split 'trian'; there are train, val"):
        opened(tmp_path, "trian")
    with pytest.raises(UserError, match=r"val\.txt lists no images"):
        opened(tmp_path, "val")


def test_boxes_are_clipped_to_the_real_image(tmp_path):
    # 40 x 30: the first reaches over right and bottom, the second over left by 3, the third lies outside, the fourth
    # counts from 0 and reaches over by one pixel, which is no problem
    objects = thing("a", 31, 21, 50, 60) + thing("a", -2, 5, 8, 9) + thing("b", 41, 1, 60, 9) + thing("a", 0, 0, 40, 30)
    data = opened(add(tmp_path, "x", objects))
    record = data.records[0]
    np.testing.assert_array_equal(record.boxes, [[30, 20, 40, 30], [0, 4, 8, 9], [0, 0, 40, 30]])
    assert record.labels.tolist() == [0, 0, 0]
    assert [problem.kind for problem in data.problems] == ["box outside the image"] * 3
    assert "line 7: b (40, 0, 60, 9) lies outside the 40x30 image altogether and is left out" in data.problems[2].text
    assert data.problems[0].file == tmp_path / "Annotations" / "x.xml"


def test_boxes_without_area_become_problems(tmp_path):
    data = opened(add(tmp_path, "x", thing("a", 5, 5, 5, 5) + thing("a", 1, 1, 3, 3)))
    assert data.records[0].boxes.tolist() == [[0, 0, 3, 3]]
    assert [problem.kind for problem in data.problems] == ["box without area"]


def test_huge_numbers_are_clipped_without_a_warning(tmp_path):
    data = opened(add(tmp_path, "x", thing("a", -1e300, 1, 1e300, 9)))
    assert data.records[0].boxes.tolist() == [[0, 0, 40, 9]]


def test_rotated_photo_has_the_boxes_and_the_size_that_a_viewer_shows(tmp_path):
    data = opened(add(tmp_path, "x", thing("a", 1, 31, 30, 40), size=(40, 30), orientation=6))
    assert data.records[0].size == (30, 40)
    assert data.records[0].boxes.tolist() == [[0, 30, 30, 40]]
    assert data.sample(0).image.shape == (40, 30, 3)


def test_missing_files_are_listed_and_counted(tmp_path):
    add(tmp_path, "a")
    for id in "bcdefgh":
        add(tmp_path, id, suffix="")
        add(tmp_path, f"{id}2", annotate=False)
    add_list(tmp_path, "train", "abcdefgh")
    add_list(tmp_path, "val", ["a", "b2"])
    with pytest.raises(UserError, match=r"7 of 8 images of split 'train' .*JPEGImages: b, c, d, e, f and 2 more"):
        opened(tmp_path, "train")
    with pytest.raises(UserError, match=r"1 of 2 images of split 'val' .*Annotations: b2"):
        opened(tmp_path, "val")


def test_unreadable_image_is_named(tmp_path):
    add(tmp_path, "a")
    (tmp_path / "JPEGImages" / "a.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"a\.jpg is empty"):
        opened(tmp_path)


def test_sample_gives_pixels_and_ground_truth_of_its_own(tmp_path):
    data = opened(add(tmp_path, "x", thing("a", 1, 2, 10, 20)))
    sample = data.sample(0)
    assert sample.image.shape == (30, 40, 3)
    assert (sample.boxes.dtype, sample.labels.dtype, sample.mask) == (np.float32, np.int64, None)
    sample.boxes[:] = -1
    sample.labels[:] = -1
    assert data.records[0].boxes.tolist() == [[0, 1, 10, 20]]
    assert data.records[0].labels.tolist() == [0]


def test_boxes_shrink_with_an_image_that_is_decoded_smaller(tmp_path):
    # 81 x 60 at one half is 41 x 30: x is scaled by 41 / 81, y by 30 / 60
    data = opened(add(tmp_path, "x", thing("a", 1, 11, 81, 41), size=(81, 60)))
    sample = data.sample(0, at_least=(25, 25))
    assert sample.image.shape == (30, 41, 3)
    np.testing.assert_allclose(sample.boxes, [[0, 5, 41, 20.5]], rtol=1e-6)


def test_data_set_can_be_sent_to_another_process(tmp_path):
    data = opened(add(tmp_path, "x", thing("a", 1, 2, 10, 20)))
    copy = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(copy.sample(0).boxes, data.sample(0).boxes)
