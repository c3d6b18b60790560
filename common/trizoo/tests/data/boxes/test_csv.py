"""Tables of boxes: TensorFlow's, Roboflow's, Open Images' and keras-retinanet's, and tables that are none."""

import contextlib
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from trizoo.data.boxes.csv import find_csv
from trizoo.data.boxes.find import find_boxes
from trizoo.data.check import check
from trizoo.ground.errors import UserError
from trizoo.tests.bccd import BCCD, needs_bccd
from trizoo.tests.voc_files import add, thing

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


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


def boxes(listing):
    """Id -> [(class, box)]."""
    return {id: [(o.name, o.box) for o in listing.read(id).objects] for id in sorted(listing.annotations)}


TABLES = {
    "images/a.jpg": "",
    "images/b.jpg": "",
    "images/c.jpg": "",
    "train_labels.csv": HEAD + "a.jpg,40,20,pet  cat,1,2,30,19\nb.jpg,40,20,dog,0,0,5.5,6\na.jpg,40,20,dog,3,4,5,6\n",
    "test_labels.csv": HEAD + "c.jpg,40,20,dog,1,1,40,20\n",
}
READ = {"a": [("pet cat", (1, 2, 30, 19)), ("dog", (3, 4, 5, 6))], "b": [("dog", (0, 0, 5.5, 6))]}


def test_tensorflow(tmp_path):
    listing = find_boxes(lay(tmp_path, **TABLES))
    assert listing.layout == "csv"
    assert boxes(listing) == READ | {"c": [("dog", (1, 1, 40, 20))]}
    assert [o.where for o in listing.read("a").objects] == ["line 2", "line 4"]
    assert listing.splits == {"train": ["a", "b"], "test": ["c"]}
    assert listing.lists.files["test"] == tmp_path / "test_labels.csv"
    data = listing.open("train")
    assert data.classes == ("dog", "pet cat")
    np.testing.assert_allclose(data.records[0].boxes, [[1, 2, 30, 19], [3, 4, 5, 6]])
    assert check(tmp_path).findings == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_delimiters_encodings_and_line_ends(tmp_path, delimiter, encoding, ends):
    text = "x1,Y_Min,x2,y max,Label Name,image_path\n1,2,30,19,猫,images/a.jpg\n\n0,0,5.5,6,dog,C:\\x\\b.jpg\n"
    table = text.replace(",", delimiter).replace("\n", ends).encode(encoding)
    listing = find_csv(lay(tmp_path, **{"images/a.jpg": "", "images/b.jpg": "", "t.csv": table}))
    assert boxes(listing) == {"a": [("猫", (1, 2, 30, 19))], "b": [("dog", (0, 0, 5.5, 6))]}
    assert listing.read("b").objects[0].where == "line 4"


def test_decimal_commas_between_semicolons_and_quoted_fields(tmp_path):
    table = 'image;xmin;ymin;xmax;ymax;class\n"a;1.jpg";"1,5";2;30;19;"cat; big"\n'
    listing = find_csv(lay(tmp_path, **{"a;1.jpg": "", "t.csv": table}))
    assert boxes(listing) == {"a;1": [("cat; big", (1.5, 2, 30, 19))]}


def test_roboflow_has_a_table_in_each_folder(tmp_path):
    files = {f"{split}/a.jpg": "" for split in ("train", "valid")} | {"train/b.jpg": ""}
    for split, row in (("train", "a.jpg,40,20,cat,1,2,3,4\n"), ("valid", "a.jpg,40,20,cat,5,6,7,8\n")):
        files[f"{split}/_annotations.csv"] = HEAD + row
    listing = find_boxes(lay(tmp_path, **files))
    assert listing.splits == {"train": ["train/a"], "val": ["valid/a"]}
    assert boxes(listing) == {"train/a": [("cat", (1, 2, 3, 4))], "valid/a": [("cat", (5, 6, 7, 8))]}


def test_keras_retinanet(tmp_path):
    files = {
        "imgs/img 1.jpg": "",
        "imgs/2.jpg": "",
        "imgs/3.jpg": "",
        "annotations.csv": "/data/imgs/img 1.jpg,1,2,30,19,dog\nimgs/2.jpg,,,,,\n/data/imgs/img 1.jpg,3,4,5,6,cat\n",
        "classes.csv": "cat,0\nemu,2\ndog,1\n",
    }
    listing = find_boxes(lay(tmp_path, **files))
    assert (listing.layout, listing.classes) == ("csv", ("cat", "dog", "emu"))
    assert boxes(listing) == {"2": [], "img 1": [("dog", (1, 2, 30, 19)), ("cat", (3, 4, 5, 6))]}
    assert sorted(map(len, listing.splits.values())) == [1, 1]
    lay(tmp_path, **{"annotations.csv": files["annotations.csv"] + "imgs/3.jpg,1,2,3,4,emo\n"})
    with pytest.raises(UserError, match=r"annotations\.csv, line 4: unknown class 'emo', did you mean 'emu'"):
        find_boxes(tmp_path).open()


def test_open_images(tmp_path):
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
    files = {
        "train/0001.jpg": "",
        "val/0002.jpg": "",
        "train-annotations-bbox.csv": head + "0001,x,/m/01g317,1,0.25,0.75,0.5,1,0,0,1\n",
        "validation-annotations-bbox.csv": head + "0002,x,/m/0cat,1,0,1.0001,0,0.5,0,0,0\n",
        "class-descriptions-boxable.csv": 'LabelName,DisplayName\n/m/01g317,Person\n/m/0cat,"Cat"\n',
    }
    listing = find_boxes(lay(tmp_path, **files))
    assert listing.splits == {"train": ["train/0001"], "val": ["val/0002"]}
    train = listing.open("train")
    assert train.classes == ("Cat", "Person")
    np.testing.assert_allclose(train.records[0].boxes, [[10, 10, 30, 20]])  # of 40x20 pixels
    assert train.records[0].crowd.tolist() == [True]
    np.testing.assert_allclose(listing.open("val").records[0].boxes, [[0, 0, 40, 10]])


def test_labels_are_those_of_a_class_file_or_numbered(tmp_path):
    files = {"a.jpg": "", "t.csv": "image,xmin,ymin,xmax,ymax,label\na.jpg,1,2,3,4,2.0\na.jpg,1,2,3,5,0\n"}
    listing = find_csv(lay(tmp_path, **files))
    assert listing.classes == ("class_0", "class_1", "class_2")
    assert [o.name for o in listing.read("a").objects] == ["class_2", "class_0"]
    listing = find_csv(lay(tmp_path, **{"classes.txt": "cat\ndog\n"}))
    with pytest.raises(UserError, match=r"t\.csv, line 2: unknown class 'label 2'; the classes are cat, dog"):
        listing.open()
    assert find_csv(lay(tmp_path, **{"classes.txt": "cat\ndog\nemu"})).read("a").objects[0].name == "emu"


def test_numbers_too_high_for_labels_are_names(tmp_path):
    rows = "".join(f"a.jpg,1,2,3,{4 + i},{name}\n" for i, name in enumerate((20231, 100000, 9)))
    listing = find_csv(lay(tmp_path, **{"a.jpg": "", "t.csv": "image,xmin,ymin,xmax,ymax,label\n" + rows}))
    assert listing.classes == ("9", "20231", "100000")
    assert listing.open().records[0].labels.tolist() == [1, 2, 0]


@pytest.mark.parametrize(
    ("row", "kind", "text"),
    [
        ("a.jpg,40,20,cat,9,2,3,4", "swapped corners", "line 3: cat (9, 2, 3, 4) has its corners swapped"),
        ("a.jpg,40,20,cat,3,2,3,4", "box without area", "line 3: cat (3, 2, 3, 4) has no area and is left out"),
        (
            "a.jpg,40,20,cat,nan,2,inf,4",
            "object without box",
            "line 3: cat has no number for xmin, xmax and is left out",
        ),
        (
            "a.jpg,40,20,cat,1e9,2,3_0,4",
            "object without box",
            "line 3: cat has no number for xmin, xmax and is left out",
        ),
        (
            "a.jpg,40,20,cat",
            "object without box",
            "line 3: cat has no number for xmin, ymin, xmax, ymax and is left out",
        ),
        ("a.jpg,40,20, ,1,2,3,4", "object without name", "line 3: an object without a class is left out"),
    ],
)
def test_rows_that_are_not_right_are_told(tmp_path, row, kind, text):
    listing = find_csv(lay(tmp_path, **{"a.jpg": "", "t.csv": HEAD + "a.jpg,40,20,cat,1,2,3,4\n" + row}))
    found = listing.read("a")
    assert [(problem.kind, problem.text) for problem in found.problems] == [(kind, text)]
    assert [o.box for o in found.objects] == [(1, 2, 3, 4)] + [(3, 2, 9, 4)] * (kind == "swapped corners")


def test_rows_without_an_image_and_images_that_are_missing(tmp_path):
    table = HEAD + "a.jpg,4,2,cat,1,2,3,4\n,4,2,cat,1,2,3,4\nx/b.jpg,40,20,cat,1,2,3,4\n"
    listing = find_csv(lay(tmp_path, **{"a.jpg": "", "t.csv": table}))
    assert [(p.kind, p.text) for p in listing.problems] == [
        ("row without image", "line 3 names no image and is left out")
    ]
    assert {f.kind: f.count for f in check(tmp_path, layout="csv").findings} == {
        "missing image": 1, "row without image": 1, "size tag": 1
    }  # fmt: skip
    with pytest.raises(UserError, match=r"1 of 2 images have no file in .*: x/b$"):
        listing.open()


def test_boxes_of_an_image_in_several_tables_are_those_of_a_splits(tmp_path):
    root = lay(tmp_path, **TABLES, **{"all.csv": HEAD + "a.jpg,40,20,cow,1,1,9,9\n"})
    listing = find_csv(root)
    assert boxes(listing) == READ | {"c": [("dog", (1, 1, 40, 20))]}
    assert [(p.kind, p.file.name) for p in listing.problems] == [("annotated twice", "all.csv")]
    assert boxes(find_csv(root, annotations=root / "all.csv")) == {"a": [("cow", (1, 1, 9, 9))]}


@pytest.mark.parametrize(
    "table",
    [
        "",
        "\n\n",
        "epoch,loss,xmin\n1,2,3\n",
        "filename,class\na.jpg,cat\n",
        "image_id,x,y,width,height,label\na.jpg,1,2,3,4,cat\n",
        "a.jpg,1,2,3,4\n",
        "a.jpg,1,2,3,x,cat\n",
        "a.txt,1,2,3,4,cat\n",
        "cat,0\ndog,1\n",
        b"\xff\x00\x81" * 50,
        b"\x00" * 100,
        '"' * 100,
        "x" * 3_000_000,
    ],
)
def test_other_tables_are_left_alone(tmp_path, table):
    assert find_csv(lay(tmp_path, **{"a.jpg": "", "t.csv": table})) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (b"a.jpg,40,20,caf\xe9,1,2,3,4\n", r"t\.csv is not utf-8 text, after line \d; save it as UTF-8"),
        (b'a.jpg,40,20,"cat,1,2,3,4\n' + b"a.jpg,40,20,cat,1,2,3,4\n" * 9000, r"line \d+ is no row of a table"),
        (b"a.jpg,40,20," + b"c" * 1001 + b",1,2,3,4\n", r"t\.csv, line 2: the class name 'cc.* has 1,001 characters"),
        (b"a" * 3_000_000, "line 2 has more than 1 MiB"),
        (b"", "has no row that names an image"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        find_csv(lay(tmp_path, **{"a.jpg": "", "t.csv": HEAD.encode() + rows}))


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secret.jpg", "C:\\secret.jpg", "~/secret.jpg", "x" * 4000])
def test_nothing_outside_is_read(tmp_path, name):
    lay(tmp_path, **{"secret.jpg": "", "data/a/b.jpg": "", "data/a/t.csv": HEAD + f"{name},40,20,cat,1,2,3,4\n"})
    listing = find_csv(tmp_path / "data" / "a")
    assert [*listing.images] == ["b"]
    with pytest.raises(UserError, match="1 of 1 images have no file in"):
        listing.open()


def test_voc_comes_first(tmp_path):
    root = add(tmp_path, "a", thing("cat", 1, 1, 9, 9))
    lay(root, **{"test.csv": "filename,cell_type,xmin,xmax,ymin,ymax,class\na.jpg,x,1,2,3,4,c\n"})
    assert find_boxes(root).layout == "voc"
    assert find_boxes(root, "csv").splits == {"test": ["a"]}


@needs_bccd
def test_bccd_is_voc():
    assert find_boxes(BCCD).layout == "voc"


CELLS = st.text("0123456789.-eEnaif \t\r\n,;_\"'/", max_size=80).map(str.encode)


@given(st.binary(max_size=80) | CELLS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_end_in_boxes_or_a_sentence(tmp_path, data):
    if not (tmp_path / "a.jpg").exists():
        lay(tmp_path, **{"a.jpg": ""})
    (tmp_path / "t.csv").write_bytes(HEAD.encode() + b"a.jpg,40,20,cat,1,2,3,4\na.jpg,40,20," + data)
    with contextlib.suppress(UserError):
        listing = find_csv(tmp_path)
        for id in listing.annotations:
            assert np.isfinite([o.box for o in listing.read(id).objects]).all()


@pytest.mark.parametrize("name", ["train_labels.csv", "classes.csv"])
def test_damaged_tables_end_in_a_listing_or_a_sentence(tmp_path, name):
    root, draw = lay(tmp_path, **TABLES, **{"classes.csv": "dog,0\npet cat,1\n"}), random.Random(name)
    whole = (root / name).read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data) + 1)
            more = draw.choice((b"", bytes([draw.randrange(256)]), b",", b"\n", b'"', b"9"))
            data[at : at + draw.choice((0, 1, 1, 5))] = more
        (root / name).write_bytes(data)
        with contextlib.suppress(UserError):
            find_csv(root).open()
