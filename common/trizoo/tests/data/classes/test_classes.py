"""Data sets of classes: folders, lists, what is refused, what a check says, how they are split."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.main import main
from trizoo.data.check import check
from trizoo.data.classes.find import find_classes
from trizoo.data.classes.index import make_index
from trizoo.data.purpose import find_labels
from trizoo.data.synthetic import synthesize
from trizoo.gallery.pictures import find_pictures
from trizoo.ground.errors import UserError


def image(path, grey=0, size=(40, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), grey, np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path):
    """train and valid of two classes, two images each."""
    for number, (split, name) in enumerate((s, n) for s in ("train", "valid") for n in ("cat", "wild dog")):
        for copy in range(2):
            image(tmp_path / split / name / f"{copy}.png", 10 * number + copy)
    return tmp_path


def test_folders_of_splits_hold_folders_of_classes(folders):
    index = find_classes(folders)
    assert (index.layout, index.class_names) == ("class-folders", ("cat", "wild dog"))
    assert {name: list(ids) for name, ids in index.splits.items()} == {
        "train": ["train/cat/0", "train/cat/1", "train/wild dog/0", "train/wild dog/1"],
        "val": ["valid/cat/0", "valid/cat/1", "valid/wild dog/0", "valid/wild dog/1"],
    }
    source = index.open("val")
    assert [record.label for record in source.records] == [0, 0, 1, 1]
    sample = source.sample(2)
    assert (sample.size, sample.label, source.records[2].size, source.labels_in(2)) == ((40, 24), 1, (40, 24), {1})


def test_folders_of_classes_alone_are_split_by_hash_and_what_lies_in_none_is_left_out(tmp_path):
    for name in ("train", "plane", "ship"):  # a class may be called as a split is
        for copy in range(5):
            image(tmp_path / name / f"{copy}.png")
    image(tmp_path / "ship" / "old" / "0.png")
    image(tmp_path / "stray.png")
    index = find_classes(tmp_path)
    assert index.class_names == ("plane", "ship", "train")
    assert sum(map(len, index.splits.values())) == len(index) == 16
    assert [problem.file.name for problem in index.problems] == ["stray.png"]


def test_a_check_notes_folders_of_classes_without_images(folders, capsys):
    assert find_classes(folders).notes == ()
    (folders / "train" / "leer").mkdir()
    assert main(["data", "check", str(folders)]) == 0
    assert "note: train/leer holds no images\n" in capsys.readouterr().out
    (folders / "train" / "owl").mkdir()
    (folders / "train" / "owl" / "0.txt").touch()
    (folders / "runs").mkdir()
    assert find_classes(folders).notes == ("train/leer, train/owl hold no images",)


def test_beside_folders_of_classes_without_splits_empty_ones_alone_are_noted(folders):
    root = folders / "train"
    for name in ("leer", "splits", ".git"):
        (root / name).mkdir()
    (root / "splits" / "train.txt").write_text("cat/0\nwild dog/0\n", encoding="utf-8")
    assert find_classes(root).notes == ("leer holds no images",)


def test_folders_of_a_data_set_of_boxes_or_masks_are_no_classes(tmp_path):
    for name in ("JPEGImages", "SegmentationClass"):
        image(tmp_path / name / "0.png")
    with pytest.raises(UserError, match="no data set of classes in"):
        find_classes(tmp_path)
    with pytest.raises(UserError, match="has no folder of a name with pictures"):
        find_pictures(tmp_path)
    image(tmp_path / "cat" / "0.png")
    assert find_classes(tmp_path).class_names == ("JPEGImages", "SegmentationClass", "cat")


def test_the_order_of_classes_is_that_of_a_file(folders):
    (folders / "classes.txt").write_text("wild dog\ncat\n", encoding="utf-8")
    source = find_classes(folders).open("train")
    assert source.classes == ("wild dog", "cat")
    assert [record.label for record in source.records] == [1, 1, 0, 0]


def test_lists_name_images_and_their_class(folders):
    (folders / "train.txt").write_text(
        "train/cat/0.png\tcat\n\nC:\\old\\train\\cat\\1.png\ta kitten\n", encoding="utf-8"
    )
    (folders / "val.csv").write_text('path,class\n"valid/cat/0.png",cat\n', encoding="utf-8")
    index = find_classes(folders)
    assert (index.layout, index.class_names) == ("class-lists", ("a kitten", "cat"))
    assert {name: list(ids) for name, ids in index.splits.items()} == {
        "train": ["train/cat/0", "train/cat/1"],
        "val": ["valid/cat/0"],
    }
    named = find_classes(folders, annotations="val.csv")
    assert [list(ids) for ids in named.splits.values()] == [["valid/cat/0"]]


def test_a_list_may_begin_with_a_space(folders):
    (folders / "train.csv").write_text(' "train/cat/0.png",cat\n', encoding="utf-8")
    assert [list(ids) for ids in find_classes(folders).splits.values()] == [["train/cat/0"]]


def test_a_remark_may_begin_with_a_space(folders):
    (folders / "labels.csv").write_text(" #train/cat/0.png,dog\ntrain/cat/1.png,cat\n", encoding="utf-8")
    assert find_classes(folders, annotations="labels.csv").class_names == ("cat",)


def test_a_set_without_images_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="lists no images"):
        make_index(tmp_path, "class-lists", tmp_path, [], [], {}).open()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "train/cat/0.png\tcat\ntrain/cat/1.png cat\n",
            r"line 2 is 'train/cat/1.png cat', which has no tab",
        ),
        ("train/cat/0.png\tcat\tdog\ntrain/cat/1.png\tcat\n", r"line 1 is .* has 3 columns; an image and a class"),
        ("train/cat/0.png\tcat\ntrain/cat/1.png\t\n", r"line 2 is .*; an image and a class are needed"),
        ("train/cat/0.png\tcat\nnowhere.png\tcat\n", r"1 line of .* names no image below .*: line 2: nowhere"),
        (
            "train/cat/0.png\tcat\ntrain/cat/0.png\tdog\n",
            r"line 2: .* class 'dog', and of 'cat' in .*, line 1",
        ),
    ],
    ids=["space", "columns", "empty", "missing", "two classes"],
)
def test_a_wrong_line_is_named(folders, text, says):
    (folders / "train.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        find_classes(folders)


def test_a_list_with_spaces_throughout_is_an_error_where_nothing_else_is_there(tmp_path):
    image(tmp_path / "a.png")
    (tmp_path / "train.txt").write_text("a.png cat\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"train.txt, line 1 is 'a.png cat', which has no tab; an image, a tab"):
        find_classes(tmp_path)


def test_other_classes_than_those_given_and_other_splits_are_refused(folders):
    index = find_classes(folders)
    with pytest.raises(UserError, match=r"cat.0.png is of the class 'cat', which isn't among car, wild dog"):
        index.open("train", ("car", "wild dog"))
    with pytest.raises(UserError, match=r"has no split 'dev'; there are train, val"):
        index.open("dev")
    with pytest.raises(UserError, match=r"no data set of classes in .*it holds cat/"):
        find_classes(folders / "train", "class-lists")


def test_images_that_cannot_be_read_are_left_out(folders):
    (folders / "train" / "cat" / "0.png").write_bytes(b"no image")
    source = find_classes(folders).open("train")
    assert len(source) == 3
    assert [problem.file.name for problem in source.problems] == ["0.png"]


def test_classes_are_found_where_neither_boxes_nor_masks_are(folders):
    assert find_labels(folders)[0] == "classification"
    assert find_labels(folders, layout="class-folders")[0] == "classification"


def test_a_check_counts_classes_and_names_what_is_wrong(folders, capsys):
    shutil.copy(folders / "train" / "cat" / "0.png", folders / "train" / "wild dog" / "same.png")
    shutil.copy(folders / "train" / "cat" / "1.png", folders / "valid" / "cat" / "same.png")
    (folders / "train" / "cat" / "broken.png").write_bytes(b"no image")
    image(folders / "train" / "owl" / "0.png", 77)
    report = check(folders)
    assert report.classes["wild dog"] == {"train": 3, "val": 2}
    assert {finding.kind: finding.count for finding in report.errors} == {
        "unreadable image": 1,
        "picture of two classes": 1,
        "picture in two splits": 1,
    }
    (lacking,) = (finding for finding in report.warnings if finding.kind == "class missing in a split")
    assert lacking.examples == ("split val has no image of owl",)
    assert main(["data", "check", str(folders)]) == 1
    assert "3         2   wild dog" in capsys.readouterr().out
    assert [error.kind for error in check(folders, ["cat", "owl"]).errors].count("unknown class") == 1


def test_split_shares_every_class_out_and_the_lists_are_read(tmp_path, capsys):
    for name in ("a", "b"):
        for number in range(10):
            image(tmp_path / name / f"{number}.png", number, (40, 24 if name == "a" else 25))
    assert main(["data", "split", str(tmp_path)]) == 0
    index = find_classes(tmp_path)
    assert {split: len(ids) for split, ids in index.splits.items()} == {"train": 16, "val": 2, "test": 2}
    assert [int(index.labels[rows].sum()) for rows in index.rows_of.values()] == [8, 1, 1]
    capsys.readouterr()


def test_lists_that_split_wrote_elsewhere_are_read_as_annotations_of_folders(folders, tmp_path_factory, capsys):
    lists = tmp_path_factory.mktemp("my lists")
    assert main(["data", "split", str(folders), "--ratios", "0.5", "0.5", "--out", str(lists)]) == 0
    assert f"note: --annotations '{lists}' reads these lists\n" in capsys.readouterr().out
    written = {name: (lists / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("train", "val")}
    index = find_classes(folders, annotations=lists)
    assert {name: list(ids) for name, ids in index.splits.items()} == written
    assert {id.partition("/")[0] for id in written["train"]} == {"train", "valid"}
    assert main(["data", "check", str(folders), "--annotations", str(lists), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"] == {"train": 4, "val": 4}


def test_annotations_that_folders_of_classes_have_no_use_for_are_refused(folders, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    for text in (None, "", "elsewhere/0\n"):
        if text is not None:
            (lists / "train.txt").write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=r"the annotations .*lists are no folder of lists .* name images of"):
            find_classes(folders, annotations="lists")
    (folders / "notes.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"the annotations .*notes.json are no folder of lists"):
        find_classes(folders, "class-folders", annotations="notes.json")
    with pytest.raises(UserError, match="have no others; leave them out"):
        find_labels(folders, annotations="lists")


def test_a_check_of_data_for_embeddings_knows_that_splits_have_classes_of_their_own(tmp_path, capsys):
    for number, place in enumerate(("train/cat/0", "train/cat/1", "val/dog/0", "val/dog/1", "val/owl/0")):
        image(tmp_path / f"{place}.png", 10 * number)
    warnings = check(tmp_path, task="classification", own_classes=True).warnings
    (alone,) = [finding for finding in warnings if "split" in finding.kind or "one image" in finding.kind]
    assert (alone.kind, alone.examples) == ("class of one image", ("split val has one image alone of owl",))
    assert main(["data", "check", str(tmp_path), "--task", "embedding"]) == 0
    assert "class missing in a split" not in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path)]) == 0
    assert "class missing in a split: 3" in capsys.readouterr().out


def test_show_draws_a_page_of_classes(folders, tmp_path, capsys):
    out = tmp_path / "page"
    assert main(["data", "show", str(folders), "--out", str(out), "--augmented", "--count", "2"]) == 0
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "one of 2 classes each" in page
    assert "wild dog" in page
    capsys.readouterr()


def test_synthetic_data_are_the_same_from_the_same_seed_and_hold_every_class(tmp_path, capsys):
    drawn = [synthesize(tmp_path / name, 40, (48, 48), ("star", "ring"), kind="classification") for name in "ab"]
    files = [sorted(path.relative_to(root) for path in root.glob("*/*/*.jpg")) for root in drawn]
    assert files[0] == files[1]
    assert all((drawn[0] / file).read_bytes() == (drawn[1] / file).read_bytes() for file in files[0])
    report = check(drawn[0])
    assert report.splits == {"train": 28, "val": 6, "test": 6}
    assert report.classes["star"] == {"train": 14, "val": 3, "test": 3}
    assert synthesize(drawn[0], 40, (48, 48), ("star", "ring"), kind="classification") == drawn[0]  # it is there
    with pytest.raises(UserError, match=r"class 'a/b' can't be the name of a folder"):
        synthesize(tmp_path / "c", 40, (48, 48), ("a/b",), kind="classification")
    flags = ["--task", "classification", "--images", "8", "--size", "48"]
    assert main(["synth", str(tmp_path / "d"), *flags]) == 0
    assert json.loads((tmp_path / "d" / "synthetic.json").read_text(encoding="utf-8"))["singles"]
    capsys.readouterr()
