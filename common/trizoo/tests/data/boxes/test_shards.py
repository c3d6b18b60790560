import pickle

import numpy as np
import pytest

from trizoo.data.boxes.find import NoBoxesError, find_boxes
from trizoo.data.boxes.kept import open_boxes
from trizoo.data.check import check
from trizoo.data.convert import convert
from trizoo.data.finding import is_there
from trizoo.data.split_lists import split
from trizoo.data.synthetic import synthesize
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.tests.shard_files import boxes, picture, sample, write
from trizoo.training.batch import batch_plan
from trizoo.training.dataset import TrainingSet

CAT, DOG = ("cat", 1, 2, 30.5, 20), ("dog", 5, 5, 20, 20)


@pytest.fixture
def root(tmp_path):
    """Three images to train on and one to validate on, without a file of names."""
    write(tmp_path / "train-0.tar", *sample("b", DOG), *sample("a", CAT, DOG), *sample("none"))
    write(tmp_path / "val-0.tar", *sample("c", CAT))
    return tmp_path


def test_boxes_and_splits_are_those_of_the_shards(root):
    listing = find_boxes(root)
    assert (listing.layout, listing.root) == ("shards", root)
    data = listing.open("train")
    assert data.classes == ("cat", "dog")
    assert [record.id for record in data.records] == ["b", "a", "none"]
    assert data.records[1].boxes.tolist() == [[1, 2, 30.5, 20], [5, 5, 20, 20]]
    assert data.records[1].labels.tolist() == [0, 1]
    assert data.records[1].size == (40, 30)
    assert len(data.records[2].boxes) == 0
    assert [record.id for record in listing.open("val").records] == ["c"]
    assert data.sample(0).image.shape == (30, 40, 3)
    assert data.sample(0, at_least=(8, 6)).image.shape[0] < 30
    assert data.problems == data.notes == []
    assert check(root).findings == ()


def test_one_shard_and_a_pattern_are_data_sets_too(root):
    assert [record.id for record in find_boxes(root / "val-0.tar").open("val").records] == ["c"]
    listing = find_boxes(f"{root}/{{train,val}}-0.tar")
    assert (listing.root, [*listing.splits]) == (root, ["train", "val"])
    assert is_there(f"{root}/{{train,val}}-0.tar")
    assert not is_there(f"{root}/{{train,val}}-0")
    with pytest.raises(UserError, match="the layout is 'voc'; one of shards is needed"):
        find_boxes(root / "val-0.tar", "voc")


def test_flags_size_and_numbers_for_labels_are_read(tmp_path):
    content = boxes((1, 1, 2, 30, 20), (0, 30, 20, 5, 5), difficult=[True, False], crowd=[False, True], size=[30, 40])
    write(tmp_path / "train.tar", ("a.jpg", picture()), ("a.json", content))
    with pytest.raises(UserError, match=r"a\.json has the label 1, and no file says its name; labels.txt beside"):
        find_boxes(tmp_path).open()
    (tmp_path / "labels.txt").write_text("horse\ncat\nnever\n", encoding="utf-8")
    data = find_boxes(tmp_path).open()
    assert data.classes == ("horse", "cat", "never")
    (record,) = data.records
    assert (record.labels.tolist(), record.difficult.tolist(), record.crowd.tolist()) == (
        [1, 0],
        [True, False],
        [False, True],
    )
    assert record.boxes[1].tolist() == [5, 5, 30, 20]
    assert [problem.kind for problem in data.problems] == ["swapped corners"]
    assert {finding.kind for finding in check(tmp_path).findings} >= {"swapped corners", "size tag"}


def test_names_that_the_file_lacks_are_unknown_classes(root):
    (root / "labels.txt").write_text("cat\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"train-0\.tar.*b\.json, box 0: unknown class 'dog'"):
        find_boxes(root).open("train")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"boxes": [[1, 2, 3]], "labels": ["a"]}', "isn't what shards say of boxes"),
        (b'{"boxes": [[1, 2, 3, 4]], "labels": []}', "has 1 boxes and 0 of labels"),
        (b'{"boxes": [], "labels": [], "crowd": [true]}', "has 0 boxes and 1 of crowd"),
        (b'{"boxes": [[1, 2, 3, "4"]], "labels": ["a"]}', "isn't what shards say of boxes"),
        (b'{"boxes": ' + b"[" * 100_000, "isn't what shards say of boxes"),
        (b'{"boxes": [], "labels": []}' + b" " * (4 << 20), "has 4,194,331 bytes; JSON of an image's boxes has at"),
    ],
)
def test_json_that_is_not_of_boxes_costs_its_image_one_sentence(root, content, told):
    write(root / "train-1.tar", ("z.jpg", picture()), ("z.json", content))
    data = find_boxes(root).open("train")
    assert [record.id for record in data.records] == ["b", "a", "none"]
    (problem,) = data.problems
    assert told in problem.text
    assert "z.json" in problem.text


@pytest.mark.parametrize(
    ("corners", "kind"),
    [([1, 2, 1, 9], "box without area"), ([1, 2, 1e9, 3], "object without box"), ([50, 2, 60, 9], "box outside")],
)
def test_boxes_that_are_none_are_left_out_and_told(tmp_path, corners, kind):
    write(tmp_path / "train.tar", *sample("a", CAT, ("cat", *corners), ("", 1, 2, 3, 4)))
    data = find_boxes(tmp_path).open()
    assert data.records[0].boxes.tolist() == [[1, 2, 30.5, 20]]
    assert any(problem.kind.startswith(kind) for problem in data.problems)
    assert any(problem.kind == "object without name" for problem in data.problems)


def test_missing_halves_are_told(root):
    write(root / "train-1.tar", ("lonely.json", boxes(CAT)))
    with pytest.raises(UserError, match=r"1 of 4 images of split 'train' have no file in .*: lonely"):
        find_boxes(root).open("train")
    write(root / "train-1.tar", ("bare.jpg", picture()))
    assert len(find_boxes(root).open("train")) == 3
    assert [(finding.kind, finding.severity) for finding in check(root).findings] == [("image in no split", "warning")]


def test_damaged_images_in_shards_are_left_out(root):
    write(root / "train-1.tar", ("z.jpg", picture()[:300]), ("z.json", boxes()), ("y.jpg", b""), ("y.json", boxes()))
    data = find_boxes(root).open("train")
    assert len(data) == 3
    assert sorted(problem.file.name for problem in data.problems) == ["y.jpg", "z.jpg"]


def test_tars_of_other_things_are_no_data_set(tmp_path):
    write(tmp_path / "a.tar", ("a.jpg", picture()), ("a.json", b'{"caption": "a cat"}'), ("b.txt", b""))
    with pytest.raises(NoBoxesError):
        find_boxes(tmp_path)


def test_the_kept_index_goes_with_the_shards(root, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("TRIZOO_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setattr("trizoo.data.boxes.kept._WORTH_IT", 0)
    for place in (root, f"{root}/train-{{0..0}}.tar"):
        first = open_boxes(place)
        again = open_boxes(place)
        assert first.open("train").sample(1).boxes.tolist() == again.open("train").sample(1).boxes.tolist()
        records = pickle.loads(pickle.dumps(again.open("train").records))
        assert records[0].image == first.open("train").records[0].image
    write(root / "train-0.tar", *sample("new", CAT))
    for place in (root, f"{root}/train-{{0..0}}.tar"):
        assert [record.id for record in open_boxes(place).open("train").records] == ["new"]


def test_shards_can_be_split_by_lists(tmp_path):
    write(tmp_path / "set" / "0.tar", *(member for key in "abcdefghij" for member in sample(key, CAT)))
    write(tmp_path / "set" / "1.tar", ("k.jpg", picture(colour=(1, 2, 3))), ("k.json", boxes(DOG)))
    write(tmp_path / "set" / "2.tar", ("l.jpg", picture(colour=(9, 2, 3))), ("l.json", boxes(DOG)))
    found = split(tmp_path / "set", (0.8, 0.1, 0.1))
    assert found.twins == 9
    assert {name: [*ids] for name, ids in find_boxes(tmp_path / "set").splits.items()} == found.ids


def test_training_gets_the_same_batches_to_the_last_bit_as_from_files(tmp_path):
    files = synthesize(tmp_path / "files", images=24, size=(96, 72))
    convert(files, tmp_path / "shards", "shards", task="detection", shard_size=40_000)
    assert len([*(tmp_path / "shards").glob("train-*.tar")]) > 1
    recipe = load(Recipe, file="yolov4", overrides=[("input_size", [64, 64], "test")]).recipe
    batches = []
    for root in (files, tmp_path / "shards"):
        source = find_boxes(root).open("train")
        made = TrainingSet(source, range(len(source)), recipe, model_spec("yolov4", len(source.classes)))
        plans = [batch_plan(step, 1, step * 4, 4, len(source), 0) for step in range(3)]
        batches.append([pickle.loads(pickle.dumps(made))(plan) for plan in plans])
    for file, shard in zip(*batches, strict=True):
        assert file.ids == shard.ids
        assert np.array_equal(file.images, shard.images)
        assert all(np.array_equal(file.targets[name], shard.targets[name]) for name in file.targets)
