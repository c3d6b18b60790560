"""YOLO's label files in the arrangements of Ultralytics, Roboflow, Darknet and CVAT, and whatever is wrong in them."""

import contextlib
import random
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.boxes.find import NoBoxesError, find_boxes
from trizoo.data.boxes.yolo import find_yolo, read_annotation
from trizoo.data.check import check
from trizoo.data.name_files import ClassNames
from trizoo.ground.errors import UserError

CATS = ClassNames(("cat", "dog", "emu"))
BOX = "0 0.5 0.5 0.5 0.5\n"  # of 40x20 pixels: 10, 5, 30, 15


def lay(root, **files):
    """Writes files: "images__a.jpg" is a picture of 40x20, other names hold the text."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".jpg", ".png"):
            Image.new("RGB", (40, 20), (90, 120, 60)).save(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def named(**files):
    """The same with the last "_" of a name as a dot, since keywords have none: images__a_jpg."""
    return {".".join(name.rsplit("_", 1)): content for name, content in files.items()}


def splits(listing):
    return {name: sorted(ids) for name, ids in listing.splits.items()}


def read(tmp_path, text, classes=CATS, keypoints=False):
    path = tmp_path / "a.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_annotation(path, classes, keypoints)


def test_lines_are_boxes_by_centre_and_size(tmp_path):
    found = read(tmp_path, "2 0.5 0.5 0.5 0.25\n\n \n0\t.25 .25  .5 .5")
    # 0.5 -+ 0.25, 0.5 -+ 0.125; 0.25 -+ 0.25
    assert [(o.name, o.box, o.where) for o in found.objects] == [
        ("emu", (0.25, 0.375, 0.75, 0.625), "line 1"),
        ("cat", (0, 0, 0.5, 0.5), "line 4"),
    ]
    assert found.relative
    assert found.problems == found.remarks == ()


def test_outlines_and_oriented_boxes_have_their_bounds_as_box(tmp_path):
    found = read(tmp_path, "0 0.1 0.2 0.5 0.1 0.3 0.9\n1 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n")
    assert [o.box for o in found.objects] == [(0.1, 0.1, 0.5, 0.9), (0.1, 0.1, 0.9, 0.9)]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends_and_byte_order_marks(tmp_path, ends, encoding):
    found = read(tmp_path, (BOX + "1 0.5 0.5 1 1\n").replace("\n", ends).encode(encoding))
    assert [(o.name, o.where) for o in found.objects] == [("cat", "line 1"), ("dog", "line 2")]


def test_a_score_after_a_box_plays_no_role(tmp_path):
    found = read(tmp_path, "0 0.5 0.5 0.5 0.5 0.91\n0 0.5 0.5 0.5 0.5 0.7")
    assert [o.box for o in found.objects] == [(0.25, 0.25, 0.75, 0.75)] * 2
    assert [remark.kind for remark in found.remarks] == ["box with a score"]


def test_points_of_a_pose_play_no_role(tmp_path):
    found = read(tmp_path, "0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.2 0.2 1 0.3 0.3", keypoints=True)
    assert [o.box for o in found.objects] == [(0.25, 0.25, 0.75, 0.75)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 nan 0.5 0.5 0.5", "object without box"),
        ("0 0.5 inf 0.5 0.5", "object without box"),
        ("0 0.5 0.5 1e300 0.5", "object without box"),
        ("0 0.1 0.1 0.2 -inf 0.3 0.3", "object without box"),
        ("0 0.5 0.5 0 0.5", "box without area"),
        ("0 0.1 0.1 0.2 0.1 0.3 0.1", "box without area"),
    ],
)
def test_what_is_no_box_is_left_out_and_told(tmp_path, line, kind):
    found = read(tmp_path, BOX + line)
    assert len(found.objects) == 1
    assert [problem.kind for problem in found.problems] == [kind]
    assert found.problems[0].text.startswith("line 2: cat (")


def test_negative_sides_are_put_right_and_told(tmp_path):
    found = read(tmp_path, "0 0.5 0.5 -0.5 0.5")
    assert found.objects[0].box == (0.25, 0.25, 0.75, 0.75)
    assert [problem.kind for problem in found.problems] == ["swapped corners"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cat 0.5 0.5 0.5 0.5", "line 2: 'cat' is no number"),
        ("1.5 0.5 0.5 0.5 0.5", "line 2 begins with 1.5; a class's label"),
        ("-1 0.5 0.5 0.5 0.5", "line 2 begins with -1"),
        ("nan 0.5 0.5 0.5 0.5", "line 2 begins with nan"),
        ("inf 0.5 0.5 0.5 0.5", "line 2 begins with inf"),
        ("0 0.5 0.5 0.5", "line 2 has 3 numbers after the label; 4 "),
        ("0", "line 2 has 0 numbers"),
        ("0 0.1 0.1 0.1 0.1 0.1 0.1 0.1", "line 2 has 7 numbers"),
        ("0 0,5 0,5 0,5 0,5", "line 2: '0,5' is no number; numbers with a point"),
        ("0,0.5,0.5,0.5,0.5", "line 2: '0,0.5,0.5,0.5,0.5' is no number"),
        ("0 0.5 0.5 0.5 1_0", "line 2: '1_0' is no number"),
        ("0 120 80 40.5 20", r"line 2 has pixels, 120 80 40.5 20; shares of the image's width and height"),
        ("0 12 8 40 8 40 20", "line 2 has pixels"),
    ],
)
def test_lines_that_mean_something_else_are_named(tmp_path, line, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, BOX + line)


@pytest.mark.parametrize("label", ["3", "7.0", "99999999999999999999"])
def test_a_label_without_a_name_is_an_unknown_class(tmp_path, label):
    root = lay(pets(tmp_path), **named(labels__train__b_txt=f"\n{label} 0.5 0.5 0.5 0.5"))
    unknown = rf"labels/train/b\.txt, line 2: unknown class 'label {float(label):.0f}'"
    message = f"{unknown}; the classes are cat, pet dog; --classes-map"
    with pytest.raises(UserError, match=message):
        find_boxes(root).open("train")
    assert [finding.kind for finding in check(root).errors] == ["unknown class"]


def test_a_label_may_be_written_with_a_point(tmp_path):
    assert read(tmp_path, "1.0 0.5 0.5 0.5 0.5").objects[0].name == "dog"


DATA = "path: ../datasets/pets\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: 'pet  dog'\n"


def pets(root, yaml=DATA):
    """images/train with a, b (no label file), images/val with c; in Ultralytics' arrangement."""
    files = named(
        images__train__a_jpg="", images__train__b_jpg="", images__val__c_jpg="",
        labels__train__a_txt=BOX, labels__val__c_txt="1 0.5 0.5 1 1\n",
    )  # fmt: skip
    return lay(root, **files, **({"data.yaml": yaml} if yaml else {}))


def test_ultralytics(tmp_path):
    listing = find_boxes(pets(tmp_path))
    assert (listing.layout, listing.classes) == ("yolo", ("cat", "pet dog"))
    assert splits(listing) == {"train": ["train/a", "train/b"], "val": ["val/c"]}
    data = listing.open("train")
    np.testing.assert_allclose(data.records[0].boxes, [[10, 5, 30, 15]])
    assert len(data.records[1].boxes) == 0
    assert (data.problems, data.notes) == ([], [])
    assert listing.open("val").records[0].labels.tolist() == [1]
    assert check(tmp_path).findings == ()
    assert check(tmp_path, layout="yolo").findings == ()


def test_without_a_file_that_describes_them(tmp_path):
    root = pets(tmp_path, None)
    listing = find_boxes(root)
    assert listing.classes == ("class_0", "class_1")
    assert splits(listing) == {"train": ["train/a", "train/b"], "val": ["val/c"]}
    lay(root, **{"classes.txt": "\ufeffcat\r\n\r\npet  dog\r\n"})
    assert find_boxes(root).classes == ("cat", "pet dog")


@pytest.mark.parametrize(
    "yaml",
    [
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 2\nnames: [cat, dog]\n",
        "train: /content/pets-3/train/images\nval: /content/pets-3/valid/images\nnc: 2\nnames: ['cat', 'dog']\n",
        "path: C:\\data\\pets\ntrain: train\\images\nval: [valid\\images]\nnames: {0: cat, 1: dog}\n",
        "train: train/images\nval: valid\nnames:\n- cat\n- dog\n",
    ],
)
def test_roboflow_and_paths_of_other_machines(tmp_path, yaml):
    files = named(
        train__images__a_jpg="", train__labels__a_txt=BOX, valid__images__a_jpg="", valid__labels__a_txt=BOX * 2
    )
    listing = find_boxes(lay(tmp_path / "pets" / "pets-3", **files, **{"data.yaml": yaml}).parent)
    assert listing.root == tmp_path / "pets" / "pets-3"
    assert splits(listing) == {"train": ["train/a"], "val": ["valid/a"]}
    assert listing.classes == ("cat", "dog")
    notes = listing.open("val").notes
    assert len(notes) == ("test:" in yaml)
    assert not notes or "'../test/images' for test, which isn't in" in notes[0]
    assert [len(listing.open(split).records[0].boxes) for split in ("train", "val")] == [1, 2]


def test_a_split_of_lists(tmp_path):
    root = pets(tmp_path, "train: [train_1.txt, ./lists/more.txt]\nval: val.txt\nnc: 2\n")
    lay(
        root,
        **{
            "train_1.txt": "# comment\n/old/place/images/train/a.jpg\n",
            "lists/more.txt": "..\\images\\train\\b.jpg\r\n",
            "val.txt": "./images/val/c.jpg\nimages/val/a.jpg\n",
        },
    )
    listing = find_boxes(root)
    assert listing.classes == ("class_0", "class_1")
    # val/a isn't there; train/a isn't taken for it
    assert listing.splits == {"train": ["train/a", "train/b"], "val": ["val/c", "val/a"]}
    assert listing.lists.files == {"val": root / "val.txt"}
    with pytest.raises(UserError, match="1 of 2 images of split 'val' have no file in"):
        listing.open("val")


def test_darknet_as_cvat_writes_it(tmp_path):
    files = {
        "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
        "obj.names": "cat\ndog\n",
        "train.txt": "data/obj_train_data/sub/a.jpg\ndata/obj_train_data/b.png\n",
        "valid.txt": "data/obj_valid_data/a.jpg\n",
        "readme.txt": "0 1 2 3 4 boxes\n",
        "obj_train_data/sub/a.jpg": "",
        "obj_train_data/sub/a.txt": BOX,
        "obj_train_data/b.png": "",
        "obj_train_data/b.txt": "",
        "obj_valid_data/a.jpg": "",
        "obj_valid_data/a.txt": "1 0.5 0.5 0.1 0.1",
    }
    listing = find_boxes(lay(tmp_path, **files))
    assert listing.classes == ("cat", "dog")
    assert splits(listing) == {"train": ["b", "sub/a"], "val": ["obj_valid_data/a"]}
    assert [len(record.boxes) for record in listing.open("train").records] == [1, 0]
    assert set(listing.annotations) == {"b", "sub/a", "obj_valid_data/a"}


def test_labels_beside_images_and_texts_that_are_none(tmp_path):
    files = {f"{i}.jpg": "" for i in range(10)} | {f"{i}.txt": BOX for i in range(8)}
    texts = {"classes.txt": "cat\n", "readme.txt": "0 0.5 0.5 0.5 0.5", "notes.txt": "hello", "train.txt": "1.jpg\n"}
    listing = find_boxes(lay(tmp_path, **files, **texts))
    assert set(listing.annotations) == {str(i) for i in range(10)}
    assert listing.classes == ("cat",)
    assert listing.splits == {"train": ["1"]}
    lay(tmp_path, **{"x.txt": BOX})
    assert {f.kind: f.examples for f in check(tmp_path).errors} == {
        "missing image": (f"x.txt: x has no image in {tmp_path.name}",)
    }


def test_captions_and_other_texts_are_no_labels(tmp_path):
    lay(tmp_path, **named(a_jpg="", a_txt="a photo of a cat", b_jpg="", b_txt="1 2 3"))
    with pytest.raises(NoBoxesError):
        find_boxes(tmp_path)
    for text in ("Car 0.00 0 -1.58 587.01 173.33 614.12 200.12", "12.5 3 4 5 6 7 8 9 plane 0", "1,1,912,484,97,109,0"):
        lay(tmp_path, **named(a_txt=text))
        assert find_yolo(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web: {image: x}\nnames: {a: b}\n",
        "model: {name: yolov3-tiny}\ndata: {root: pets}\n",
        "nc: 80\nbackbone:\n- [-1, 1, Conv, [64]]\n",
        "train: 3\nname: x\n",
        "train: x\nnames: [cat]\n",  # a data set's, but its images aren't here
    ],
)
def test_other_yaml_files_are_left_alone(tmp_path, text):
    assert find_yolo(lay(tmp_path, **{"a.yaml": text, "b.jpg": "", "data.yaml": text})) is None
    listing = find_yolo(lay(tmp_path, **{"b.txt": BOX}))
    assert listing.splits["train"] == ["b"]
    assert listing.classes == (("cat",) if "[cat]" in text else ("class_0",))


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i + 1}: &a{i + 1} [{f'*a{i}, ' * 9}]\n" for i in range(12))


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (DATA + BOMB, r"data\.yaml line 8: this is no YAML: the alias \*a0 has no place here"),
        (DATA + "download: [\n", r"data\.yaml line 8: this is no YAML"),
        (DATA + "x: !!python/name:os.system\n", "has no place here"),
        (DATA + "#" * (1 << 17), r"data\.yaml is no file of at most 128 KiB"),
        (DATA + "names: [a]\n", "line 7: the key 'names' is there already"),
        ("train: images/train\nnames: [cat, ' cat ']\n", "line 2: classes 0 and 1 are both called 'cat'"),
        ("train: images/train\nnames: [cat, '']\n", "line 2: class 1 has no name"),
        ("train: images/train\nnames: [[cat]]\n", "line 2: a name is a list; text is needed"),
        ("train: images/train\nnames: {cat: 0}\n", "line 2: 'cat' is no label"),
        ("train: images/train\nnames: {0: cat, 00: dog}\n", "the label 0 has two names"),
        ("train: images/train\nnames: {99999999: cat}\n", "'99999999' is no label"),
        ("train: images/train\nnames: 12\n", "line 2: names is 12; a list"),
        ("train: images/train\nnames:\n", "line 2: names is None; a list"),
        ("train: images/train\nnames: []\n", "line 2 names 0 classes"),
        ("- names:\n- train\n", "is no mapping"),
        ("- cat\n- dog\n", "is no mapping"),
        ("cat, dog", "is no mapping"),
    ],
)
def test_a_data_yaml_that_cannot_be_used_is_named(tmp_path, yaml, message):
    root = pets(tmp_path, yaml)
    with pytest.raises(UserError, match=message):
        find_boxes(root)
    with pytest.raises(UserError, match=message):
        find_boxes(root, annotations="data.yaml")


def test_names_in_a_mapping_with_a_hole_and_another_count(tmp_path):
    listing = find_boxes(pets(tmp_path, "train: images/train\nnc: 7\nnames: {2: emu, 0: no, 1: 3}\n"))
    assert listing.classes == ("no", "3", "emu")
    assert [problem.text for problem in listing.problems] == ["nc is 7, but names has 3, which count"]
    assert find_boxes(pets(tmp_path, "train: images/train\nnames: {2: emu}\n")).classes == ("class_0", "class_1", "emu")


def test_an_empty_data_yaml_and_names_in_a_file_that_is_not_there_are_named(tmp_path):
    root = pets(tmp_path, " \n")
    with pytest.raises(UserError, match=r"data\.yaml is empty"):
        find_boxes(root)
    lay(root, **{"data.yaml": "train: images/train\nnames: coco.names\n"})
    with pytest.raises(UserError, match=r"data\.yaml says that the names of classes are in 'coco.names', and no such"):
        find_boxes(root)
    assert find_boxes(lay(root, **{"coco.names": "cat\ndog\n"})).classes == ("cat", "dog")


def test_a_label_that_names_skip_is_an_unknown_class(tmp_path):
    root = pets(tmp_path, "train: images/train\nval: images/val\nnames: {0: cat, 5: dog}\n")
    with pytest.raises(UserError, match="unknown class 'label 1'"):
        find_boxes(root).open()


@pytest.mark.parametrize("name", ["data.yaml", "dataset.yml", "classes.txt", "obj.names", "labels.txt", "obj.data"])
def test_a_pointer_in_place_of_the_names_is_named(tmp_path, name):
    root = lay(pets(tmp_path, None), **{name: POINTER})
    with pytest.raises(UserError, match=rf"{re.escape(name)} is a Git LFS pointer and not the file itself; `git lfs"):
        find_boxes(root)


def test_pointers_in_place_of_labels_and_lists_are_named(tmp_path):
    root = lay(tmp_path, **{"images/a.jpg": "", "labels/a.txt": POINTER, "classes.txt": "cat\n"})
    listing = find_boxes(root)
    with pytest.raises(UserError, match=r"a\.txt is a Git LFS pointer"):
        listing.read("a")
    lay(root, **{"labels/a.txt": BOX, "train.txt": POINTER})
    with pytest.raises(UserError, match=r"train\.txt is a Git LFS pointer"):
        print(find_boxes(root).splits)


def test_of_several_data_sets_one_has_to_be_named(tmp_path):
    root = lay(pets(tmp_path, None), **{"a.yaml": DATA, "b.yaml": DATA.replace("cat", "cow")})
    with pytest.raises(UserError, match="several files of YOLO data sets, name one by --annotations"):
        find_boxes(root)
    assert find_boxes(root, annotations="b.yaml").classes[0] == "cow"
    lay(root, **{"deep/c.yaml": DATA})
    (root / "b.yaml").write_text(DATA, encoding="utf-8")
    assert find_boxes(root).classes[0] == "cat"


def test_images_and_labels_in_folders_that_a_person_names(tmp_path):
    root = pets(tmp_path / "x", None)
    (root / "labels").rename(root / "truth")
    (root / "images").rename(tmp_path / "photos")
    assert find_yolo(root) is None
    listing = find_boxes(root, images=tmp_path / "photos", annotations="truth")
    assert splits(listing) == {"train": ["train/a", "train/b"], "val": ["val/c"]}
    assert len(listing.open("train").records[0].boxes) == 1
    assert find_yolo(root, tmp_path / "photos", tmp_path / "nothing.csv") is None


def test_labels_in_a_folder_of_another_name_are_found_by_their_names(tmp_path):
    root = pets(tmp_path, None)
    (root / "labels").rename(root / "boxes_2")
    listing = find_boxes(root)
    assert {id: path.name for id, path in listing.annotations.items()} == {
        "train/a": "a.txt",
        "train/b": "b.jpg",
        "val/c": "c.txt",
    }


def test_a_label_of_another_split_is_not_taken_for_an_image(tmp_path):
    root = lay(pets(tmp_path), **named(labels__val__b_txt=BOX))
    listing = find_boxes(root)
    assert listing.annotations["train/b"].name == "b.jpg"
    assert [f.examples for f in check(root).errors] == [("labels/val/b.txt: val/b has no image in " + tmp_path.name,)]


def test_a_split_without_any_label_is_no_split(tmp_path):
    root = lay(pets(tmp_path, DATA + "test: images/test\n"), **named(images__test__d_jpg=""))
    listing = find_boxes(root)
    assert splits(listing).keys() == {"train", "val"}
    assert listing.open("train").notes == ["none of the 1 images of test has a label file, so it is no split"]
    assert "test/d" not in listing.annotations


@pytest.mark.parametrize("entry", ["/etc", "../../../../etc", "..", "/", "~", "\\\\host\\share", "a" * 5000, "[*]"])
def test_nothing_outside_is_read(tmp_path, entry):
    root = lay(pets(tmp_path / "a" / "b"), **{"../secret/x.jpg": "", "../secret/x.txt": BOX, "../train.txt": "x.jpg"})
    for text in (f"train: '{entry}'", f"path: '{entry}'\ntrain: ../secret", f"train: '{entry}/../../secret/train.txt'"):
        (root / "data.yaml").write_text(f"{text}\nval: images/val\nnames: ['cat', 'dog']\n", encoding="utf-8")
        listing = find_boxes(root)
        assert not any("secret" in str(path) for path in (*listing.images.values(), *listing.annotations.values()))
        assert set(listing.splits) <= {"train", "val"}


def test_labels_too_high_without_names_are_refused(tmp_path):
    root = lay(tmp_path, **named(a_jpg="", a_txt="123456789 0.5 0.5 0.5 0.5"))
    with pytest.raises(UserError, match="is 123456789; without names of classes"):
        find_boxes(root)


def test_a_label_file_that_is_huge_a_folder_or_a_link_to_nowhere(tmp_path):
    root = pets(tmp_path)
    (root / "labels" / "train" / "a.txt").write_bytes(BOX.encode() * 300_000)
    with pytest.raises(UserError, match=r"a\.txt is no file of at most 2 MiB"):
        find_boxes(root).read("train/a")
    (root / "labels" / "train" / "b.txt").symlink_to("nowhere")
    (root / "labels" / "train" / "c.txt").mkdir()
    listing = find_boxes(root)
    assert "train/c" not in listing.annotations
    with pytest.raises(UserError, match=r"b\.txt is no file of at most 2 MiB"):
        listing.read("train/b")


def test_two_files_of_one_id_are_told(tmp_path):
    root = lay(pets(tmp_path), **named(images__train__a_png="", train__labels__a_txt=BOX))
    assert [(remark.kind, remark.file.name) for remark in find_boxes(root).remarks] == [
        ("same id", "a.txt"),
        ("same id", "a.png"),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels/train/a.txt", "0 " + " ".join(["1" * 500] * 6) + " x"),
        ("labels/train/a.txt", "0 " + "0.5 " * 500_000),
        ("labels/train/a.txt", "9" * 2_000_000),
        ("labels/train/a.txt", "0 0.5 0.5 0 0.5\n" * 120_000),
        ("val.txt", "," * 4000),
        ("val.txt", "a" + " " * 1_000_000 + "b"),
        ("val.txt", "a" + "\u0301\u0316" * 100_000),
        ("val.txt", ",a" * 2000),
        ("data.yaml", DATA + "test: a" + "\u0301\u0316" * 25_000),
        ("data.yaml", DATA + "test: [" + "a," * 60_000 + "]"),
        ("data.yaml", DATA + "x: " + "[" * 100_000),
        ("classes.txt", "a" + "\u0301\u0316" * 100_000),
        ("classes.txt", "a\n" * 400_000),
    ],
)
def test_no_file_takes_long(tmp_path, name, text):
    root = pets(tmp_path, DATA.replace("images/val", "val.txt").split("names")[0] + "nc: 2\n")
    lay(root, **{"val.txt": "images/val/c.jpg\n", name: text})
    if name == "classes.txt":
        (root / "data.yaml").unlink()
    with contextlib.suppress(UserError):
        find_yolo(root).open()


def survive(root):
    """Finds, reads and opens whatever is there; anything but a UserError comes through."""
    with contextlib.suppress(UserError):
        listing = find_yolo(root)
        for id in listing.annotations if listing else ():
            with contextlib.suppress(UserError):
                listing.read(id)
        if listing:
            listing.open()


@given(st.binary(max_size=60) | st.text("0123456789.-eEnaif \t\r\n,;_", max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_of_a_label_file_end_in_boxes_or_a_sentence(tmp_path, data):
    with contextlib.suppress(UserError):
        for found in read(tmp_path, data).objects:
            assert np.isfinite(found.box).all()
            assert found.box[0] < found.box[2]
            assert found.box[1] < found.box[3]


@pytest.mark.parametrize("name", ["data.yaml", "labels/train/a.txt", "labels/val/c.txt", "val.txt", "classes.txt"])
def test_damaged_files_end_in_a_listing_or_a_sentence(tmp_path, name):
    root = pets(tmp_path, DATA.replace("images/val", "val.txt"))
    lay(root, **{"val.txt": "images/val/c.jpg\n", "classes.txt": "cat\ndog\n"})
    path, draw = root / name, random.Random(name)
    whole = path.read_bytes()
    for _ in range(80):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data) + 1)
            data[at : at + draw.choice((0, 1, 1, 5))] = draw.choice(
                (b"", bytes([draw.randrange(256)]), b"*a", b"\n", b"9")
            )
        path.write_bytes(data)
        survive(root)
