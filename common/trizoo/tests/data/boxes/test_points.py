"""Tables of points and COCO's key points as boxes of a pixel, whose centres they are."""

import json

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import find_boxes, first_of_points
from trizoo.data.boxes.points import shared_cells
from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.purpose import find_labels
from trizoo.ground.errors import UserError


@pytest.fixture
def root(tmp_path):
    for name in ("a", "b"):
        Image.new("RGB", (100, 60)).save(tmp_path / f"{name}.png")
    return tmp_path


def marks_of(root, layout=None):
    """{id: [(class, x, y)]} of what is found in a folder."""
    found = first_of_points(find_boxes, root, layout).open()
    return {
        record.id: [
            (found.classes[label], *((box[:2] + box[2:]) / 2).tolist())
            for box, label in zip(record.boxes, record.labels, strict=True)
        ]
        for record in found.records
    }


@pytest.mark.parametrize(
    "table",
    [
        "image,x,y,class\na.png,10.5,20,hole\na.png,99,0.5,pin\nb.png,,,\n",
        "class;cy;cx;filename\nhole;20;10,5;a.png\npin;0,5;99;a.png\n;;;b.png\n",
        "a.png,10.5,20,hole\na.png,99,0.5,pin\nb.png,,,\n",
    ],
)
def test_tables_of_points_are_read(root, table):
    (root / "marks.csv").write_text(table, encoding="utf-8")
    assert marks_of(root) == {"a": [("hole", 10.5, 20), ("pin", 99, 0.5)], "b": []}
    assert find_labels(root, "keypoints")[1].layout == "points"
    assert find_labels(root, None, "points")[0] == "keypoints"


def test_a_table_of_boxes_is_none_of_points(root):
    (root / "boxes.csv").write_text("image,x,y,width,height,class\na.png,1,2,30,20,hole\n", encoding="utf-8")
    with pytest.raises(UserError, match="annotations of the layout points were looked for"):
        find_boxes(root, "points")
    (root / "boxes.csv").write_text("image,xmin,ymin,xmax,ymax,class\na.png,1,2,31,22,hole\n", encoding="utf-8")
    assert marks_of(root) == {"a": [("hole", 16, 12)]}  # boxes, whose centres count


def coco(root, annotations, categories, name="person_keypoints_train.json"):
    images = [{"id": number, "file_name": f"{id}.png", "width": 100, "height": 60} for number, id in enumerate("ab")]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / name).write_text(json.dumps(content), encoding="utf-8")


PERSON = {"id": 1, "name": "person", "keypoints": ["left_eye", "right_eye"]}
TIP = {"id": 2, "name": "tip", "keypoints": ["tip"]}


def test_cocos_key_points_are_read_with_the_classes_that_they_have(root):
    annotations = [
        {"id": 1, "image_id": 0, "category_id": 1, "keypoints": [10, 20, 2, 0, 0, 0], "bbox": [1, 2, 30, 40]},
        {"id": 2, "image_id": 0, "category_id": 2, "keypoints": [50.5, 30, 1]},
        {"id": 3, "image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 1]},
    ]
    coco(root, annotations, [PERSON, TIP])
    assert marks_of(root) == {
        "a": [("left_eye", 10, 20), ("tip", 50.5, 30)],
        "b": [("left_eye", 1, 2), ("right_eye", 3, 4)],
    }
    assert find_labels(root, "keypoints")[1].layout == "coco-keypoints"
    assert find_labels(root)[0] == "detection"  # the boxes of the same file


def test_key_points_of_one_name_in_two_categories_have_both_names(root):
    dog = {"id": 3, "name": "dog", "keypoints": ["left_eye", "tail"]}
    annotations = [
        {"id": 1, "image_id": 0, "category_id": 1, "keypoints": [10, 20, 2, 0, 0, 0]},
        {"id": 2, "image_id": 0, "category_id": 3, "keypoints": [30, 20, 2, 5, 5, 2]},
    ]
    coco(root, annotations, [PERSON, dog])
    assert sorted(marks_of(root)["a"]) == [("dog left_eye", 30, 20), ("person left_eye", 10, 20), ("tail", 5, 5)]


def test_key_points_that_can_not_be_read_are_left_out_and_told_of(root):
    annotations = [
        {"id": 1, "image_id": 0, "category_id": 1, "keypoints": [10, 20, 2]},
        {"id": 2, "image_id": 0, "category_id": 9, "keypoints": [10, 20, 2]},
        {"id": 3, "image_id": 7, "category_id": 2, "keypoints": [10, 20, 2]},
        {"id": 4, "image_id": 0, "category_id": 2, "keypoints": ["x", 20, 2]},
        {"id": 5, "image_id": 0, "category_id": 2, "keypoints": [1e9, 20, 2]},
        {"id": 6, "image_id": 0, "category_id": 2, "keypoints": [10, 20, 2]},
    ]
    coco(root, annotations, [PERSON, TIP])
    found = find_boxes(root, "coco-keypoints").open()
    assert marks_of(root)["a"] == [("tip", 10, 20)]
    texts = [problem.text for problem in found.problems]
    assert any("annotation 1 has 3 numbers as key points, and its category needs 6" in text for text in texts)
    assert any("annotation 2 is of category 9, which isn't listed" in text for text in texts)
    assert any("1 annotation is of an image that isn't listed and is left out" in text for text in texts)
    assert any("annotation 4 has no list of numbers" in text for text in texts)
    assert any("annotation 5 has key points beyond all images" in text for text in texts)


def test_a_coco_file_of_boxes_has_no_key_points(root):
    coco(
        root, [{"id": 1, "image_id": 0, "category_id": 2, "bbox": [1, 2, 30, 40]}], [{"id": 2, "name": "tip"}], "x.json"
    )
    assert marks_of(root) == {"a": [("tip", 16, 22)], "b": []}
    assert np.array_equal(find_boxes(root).open().records[0].boxes, [[1, 2, 31, 42]])


@pytest.mark.parametrize(
    ("row", "kind", "text"),
    [
        ("a.png,x,20,hole", "object without point", "line 3: hole has no number for x and is left out"),
        ("a.png,,,hole", "object without point", "line 3: hole has no number for x, y and is left out"),
        ("a.png,120,20,hole", "point outside the image", "hole (120, 20) lies outside the 100x60 image altogether"),
        ("a.png,10,5,20,hole", "row too long", "line 3 has more fields than the table has columns, as with a decimal"),
        ("b.png,,,", "row without object", "line 3 says that an image has no object, and other lines have some"),
    ],
)
def test_what_is_wrong_is_told_of_points_not_of_boxes(root, row, kind, text):
    rows = ["image,x,y,class", "b.png,5,5,pin", row]
    (root / "marks.csv").write_text("\n".join(rows), encoding="utf-8")
    report = check(root)
    (finding,) = [finding for finding in report.warnings if finding.kind == kind]
    assert finding.count == 1
    assert text in finding.examples[0]
    assert text in " ".join(problem.text for problem in first_of_points(find_boxes, root).open().problems)
    assert "box" not in str(report)


def test_points_that_may_be_shares_are_told(root):
    (root / "marks.csv").write_text("image,x,y,class\na.png,0.25,0.5,pin\nb.png,0.7,0.99,pin\n", encoding="utf-8")
    assert "all 2 points lie in the first pixel; are these shares of the image's size?" in str(check(root))
    (note,) = first_of_points(find_boxes, root).open().notes[-1:]
    assert note.endswith("are these shares of the image's size?")
    (root / "marks.csv").write_text("image,x,y,class\na.png,0.25,0.5,pin\nb.png,0.7,9,pin\n", encoding="utf-8")
    assert "these shares" not in str(check(root))


def test_a_check_counts_points_that_share_a_cell(root):
    rows = ["image,x,y,class", *(f"a.png,{x},5,pin" for x in (1, 15.5, 17, 33, 47)), "b.png,1,5,pin"]
    (root / "marks.csv").write_text("\n".join(rows), encoding="utf-8")
    report = check(root)
    assert report.crowded == {32: 3, 16: 2}
    assert "Key points beyond one a cell, where images are as they are\n  3 of 32x32, 2 of 16x16" in str(report)
    assert report.box_sizes == {}
    assert check(root, task="keypoints").crowded == report.crowded


def test_points_share_a_cell_where_another_came_before():
    points = np.array([[0, 0], [31.9, 31.9], [32, 0], [0, 32], [1, 1]])
    assert shared_cells(points, 32) == 2
    assert shared_cells(points, 8) == 1
    assert shared_cells(points[:0], 8) == 0


def labelme(root, **images):
    """labelme's files; of each image (label, shape_type, points) of its shapes."""
    for id, shapes in images.items():
        entries = [{"label": label, "shape_type": kind, "points": points} for label, kind, points in shapes]
        content = {"imagePath": f"{id}.png", "imageHeight": 60, "imageWidth": 100, "shapes": entries}
        (root / f"{id}.json").write_text(json.dumps(content), encoding="utf-8")


def test_labelmes_points_count_and_so_do_the_centres_of_its_boxes(root):
    pin, hole = ("pin", "point", [[10.5, 20]]), ("hole", "rectangle", [[20, 20], [40, 50]])
    labelme(root, a=[pin, hole, ("pin", "point", [[99, 0.5]]), ("__ignore__", "point", [[1, 1]])], b=[])
    assert marks_of(root) == {"a": [("pin", 10.5, 20), ("hole", 30, 35), ("pin", 99, 0.5)], "b": []}
    assert find_labels(root, "keypoints")[1].layout == "labelme-points"
    assert find_labels(root)[0] == "detection"  # where points are left out
    labelme(root, a=[hole], b=[])
    assert find_labels(root, "keypoints")[1].layout == "labelme"


def test_cvats_points_count_each_by_itself(root):
    (root / "annotations.xml").write_text(
        """<annotations><version>1.1</version>
        <image id="0" name="a.png" width="100" height="60">
            <points label="pin" points="10.5,20;99,0.5"/><box label="hole" xtl="20" ytl="20" xbr="40" ybr="50"/>
            <skeleton label="hand"/>
        </image><image id="1" name="b.png" width="100" height="60"/></annotations>""",
        encoding="utf-8",
    )
    assert marks_of(root) == {"a": [("pin", 10.5, 20), ("pin", 99, 0.5), ("hole", 30, 35)], "b": []}
    assert find_labels(root, "keypoints")[1].layout == "cvat-points"
    assert find_labels(root)[0] == "detection"


def pose(root, text, names="", shape="[2, 3]"):
    for folder in ("images/train", "labels/train"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for id in "ab":
        Image.new("RGB", (100, 50)).save(root / "images" / "train" / f"{id}.png")
    (root / "labels" / "train" / "a.txt").write_text(text, encoding="utf-8")
    (root / "labels" / "train" / "b.txt").touch()
    (root / "data.yaml").write_text(f"train: images/train\nnames: [hand, foot]\nkpt_shape: {shape}\n{names}", "utf-8")


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ("", ("hand 0", "hand 1")),
        ("kpt_names: {0: [thumb, wrist]}", ("thumb", "wrist")),
        ("kpt_names: [thumb, wrist]", ("thumb", "wrist")),
        ("kpt_names: {0: [thumb]}", ("hand 0", "hand 1")),
    ],
)
def test_the_points_of_yolos_poses_are_read(tmp_path, names, called):
    pose(tmp_path, "0 .5 .5 .4 .4 .1 .2 2 .9 .8 1\n0 .5 .5 .4 .4 0 0 0 .5 .25 2\n", names)
    found = marks_of(tmp_path)
    assert [name for name, *_ in found["train/a"]] == [called[0], called[1], called[1]]
    places = [place for _, *place in found["train/a"]]
    np.testing.assert_allclose(places, [[10, 10], [90, 40], [50, 12.5]], atol=1e-4)
    assert found["train/b"] == []
    assert find_labels(tmp_path, "keypoints")[1].layout == "yolo-pose"
    boxes = find_boxes(tmp_path).open()
    assert (boxes.layout, boxes.records[0].boxes[0].tolist()) == ("yolo", [30, 15, 70, 35])


def test_a_pose_of_x_and_y_alone_lacks_points_at_the_corner_and_outside(tmp_path):
    pose(tmp_path, "1 .5 .5 .4 .4 .1 .2\n1 .5 .5 .4 .4 0 0\n1 .5 .5 .4 .4 -1 .5\n0 .5 .5 .4 .4 .1\n", shape="[1, 2]")
    listing = find_boxes(tmp_path, "yolo-pose")
    data = listing.open()
    assert data.classes == ("foot",)
    assert marks_of(tmp_path)["train/a"] == [("foot", pytest.approx(10, abs=1e-4), pytest.approx(10, abs=1e-4))]
    assert [problem.text for problem in data.problems] == [
        "line 4: hand has 5 numbers, and 6 are needed, so it is left out"
    ]


@pytest.mark.parametrize("shape", ["17", "[0, 3]", "[2, 4]", "[a, b]", "[2]", "[true, 3]"])
def test_a_pose_of_no_shape_is_none(tmp_path, shape):
    pose(tmp_path, "0 .5 .5 .4 .4 .1 .2 2 .9 .8 1\n", shape=shape)
    assert find_labels(tmp_path, "keypoints")[1].layout == "yolo"


def test_points_at_the_edge_stay_where_they_are_and_those_beyond_it_go(root):
    rows = ["image,x,y,class", "a.png,0,0,pin", "a.png,100,60,pin", "a.png,99.9,0.1,pin", "a.png,100.2,5,pin"]
    (root / "marks.csv").write_text("\n".join(rows), encoding="utf-8")
    places = [place for _, *place in marks_of(root)["a"]]
    np.testing.assert_allclose(places, [[0, 0], [100, 60], [99.9, 0.1]], atol=1e-5)
    assert {finding.kind: finding.count for finding in check(root).warnings}["point outside the image"] == 1


def test_a_table_of_points_is_written_of_cocos_key_points_and_not_of_their_boxes(root, tmp_path_factory):
    annotation = {"id": 1, "image_id": 0, "category_id": 2, "keypoints": [50.5, 30, 1], "bbox": [1, 2, 30, 40]}
    coco(root, [annotation], [PERSON, TIP])
    out = tmp_path_factory.mktemp("out") / "points"
    assert convert(root, out, "points").classes == ("left_eye", "right_eye", "tip")
    assert "images/a.png,50.5,30,tip" in (out / "train.csv").read_text(encoding="utf-8")
