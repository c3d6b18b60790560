"""Data sets of images with any number of labels: lists, what is refused, what a check says, how they are split."""

import json

import numpy as np
import pytest
from PIL import Image

from trizoo.commands.main import main
from trizoo.data.check import check
from trizoo.data.classes.find import find_classes, find_label_sets
from trizoo.data.purpose import find_labels
from trizoo.data.statistics import of_classes
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError


@pytest.fixture
def lists(tmp_path):
    """train.txt and val.csv of six images, one of them without a label."""
    for number in range(6):
        pixels = np.full((24, 40, 3), 10 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    text = "0.png\tcat\twild  dog\n1.png\t\n\n2.png\twild dog\twild dog\n3.png\ttree\tcat\tcar\n"
    (tmp_path / "train.txt").write_text(text, encoding="utf-8")
    (tmp_path / "val.csv").write_text('path,first,second\n4.png,cat,tree\n"5.png",car\n', encoding="utf-8")
    return tmp_path


def test_a_line_has_an_image_and_its_labels(lists):
    index = find_label_sets(lists)
    assert (index.layout, index.class_names) == ("label-lists", ("car", "cat", "tree", "wild dog"))
    source = index.open("train")
    assert [source.labels_in(number) for number in range(4)] == [{1, 3}, set(), {3}, {0, 1, 2}]
    assert [record.labels.tolist() for record in source.records] == [[1, 3], [], [3], [0, 1, 2]]
    assert {record.label for record in source.records} == {None}
    assert source.sample(3).shares == {0: 1.0, 1: 1.0, 2: 1.0}
    assert (source.sample(1).shares, source.sample(1).label) == ({}, None)
    assert index.class_names_of("val") == ("car", "cat", "tree")
    assert of_classes(source).images.tolist() == [1, 2, 1, 2]
    assert find_labels(lists, "multilabel")[0] == "multilabel"


def test_a_list_called_labels_is_not_taken_for_the_order_of_classes(lists):
    (lists / "train.txt").rename(lists / "labels.txt")
    (lists / "val.csv").unlink()
    assert not any("order of classes" in note for note in find_label_sets(lists).notes)
    (lists / "labels.txt").write_text("0.png\tcat\n1.png\tdog\n", encoding="utf-8")
    (lists / "classes.txt").write_text("dog\ncat\n", encoding="utf-8")
    index = find_classes(lists)
    assert index.class_names == ("dog", "cat")
    assert not any("lacks" in note for note in index.notes)


def test_folders_of_classes_are_told_of_where_labels_are_looked_for(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name / "0.png")
    with pytest.raises(UserError, match=r"no data set of labels .*it holds folders of classes, which models for class"):
        find_label_sets(tmp_path)


def test_a_list_may_begin_with_images_without_labels(lists):
    (lists / "val.csv").unlink()
    text = "0.png\t\n1.png\t\n2.png\t\n3.png\t\n4.png\tcat\n"
    (lists / "train.txt").write_text(text, encoding="utf-8")
    index = find_label_sets(lists)
    assert (len(index), index.class_names) == (5, ("cat",))


def test_classes_may_be_given_in_another_order(lists):
    source = find_label_sets(lists).open("val", ("zebra", "tree", "cat", "car"))
    assert [source.labels_in(number) for number in range(2)] == [{1, 2}, {3}]
    with pytest.raises(UserError, match=r"0.png is of the class 'wild dog', which isn't among car, cat, tree"):
        find_label_sets(lists).open("train", ("car", "cat", "tree"))


def test_a_classifier_of_one_class_says_what_is_for_several(lists):
    says = (
        r"which has 3 columns; .* or a model for several labels \(multilabel-…; trizoo data takes --task multilabel\)$"
    )
    with pytest.raises(UserError, match=says):
        find_classes(lists)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.png\tcat\tdog\n1.png cat\n", "line 2 is '1.png cat', which has no tab"),
        ("0.png\tcat\tdog\n9.png\tcat\n", r"1 line of .* names no image below .*: line 2: 9.png"),
        ("0.png\tcat\tdog\n0.png\tcat\n", r"line 2: 0.png is of cat, and of cat, dog in .*, line 1; all labels of an"),
    ],
    ids=["space", "missing", "twice"],
)
def test_a_wrong_line_is_named(lists, text, says):
    (lists / "train.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        find_label_sets(lists)


def test_a_folder_without_lists_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no data set of labels in .*: lists with an image and its labels a line"):
        find_label_sets(tmp_path)


def test_a_check_counts_labels_and_tells_pictures_with_others(lists):
    (lists / "5.png").write_bytes((lists / "0.png").read_bytes())
    report = check(lists, task="multilabel")
    assert report.classes["cat"] == {"train": 2, "val": 1}
    (found,) = report.errors
    assert found.kind == "picture of two classes"
    assert "is of car, not of cat, wild dog" in found.examples[0]


def test_images_are_split_so_that_each_label_is_shared_out(tmp_path, capsys):
    root = synthesize(tmp_path / "set", 60, (48, 48), ("star", "ring", "bar"), kind="multilabel")
    lines = [line for name in ("train", "val", "test") for line in (root / f"{name}.txt").read_text().splitlines()]
    assert len(lines) == 60
    assert any(line.endswith("\t") for line in lines)  # without a label
    for name in ("train", "val", "test"):
        (root / f"{name}.txt").unlink()
    (root / "labels.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["data", "split", str(root), "--task", "multilabel", "--ratios", "0.5", "0.5"]) == 0
    counts = [len(ids) for ids in find_label_sets(root).splits.values()]
    assert sum(counts) == 60
    assert abs(counts[0] - counts[1]) < 6
    capsys.readouterr()
    assert main(["data", "check", str(root), "--task", "multilabel", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layout"] == "label-lists"
