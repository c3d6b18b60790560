import json
import shutil

import numpy as np
import pytest
from PIL import Image

from trizoo.data.boxes.find import find_boxes
from trizoo.data.convert import convert
from trizoo.data.masks.find import find_masks
from trizoo.data.split_lists import same_bytes, split
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import touch
from trizoo.tests.voc_files import add, add_list, thing


@pytest.fixture
def root(tmp_path):
    """Twenty images with a frequent and a rare class, without lists."""
    root = tmp_path / "我的 set"
    for number in range(20):
        name = thing("common", 1, 1, 9, 9) + (thing("rare", 2, 2, 8, 8) if number % 4 == 0 else "")
        add(root, f"图 {number:02d}", name, size=(40, 30 + number))
    return root


def test_lists_are_where_readers_find_them_with_every_class_in_each(root):
    done = split(root, (0.6, 0.2, 0.2))
    assert done.folder == root / "ImageSets" / "Main"
    listing = find_boxes(root)
    assert listing.splits == done.ids
    assert {name: len(ids) for name, ids in done.ids.items()} == {"train": 12, "val": 4, "test": 4}
    assert sorted(id for ids in done.ids.values() for id in ids) == sorted(listing.annotations)
    # 5 images hold the rare class: 3, 1 and 1 of them are three, one and one fifth
    assert [int(done.holders[name][1]) for name in done.ids] == [3, 1, 1]
    assert done.objects["train"].tolist() == [12, 3]


def test_a_table_says_how_classes_are_shared_out(root):
    lines = [" ".join(line.split()) for line in str(split(root, (0.6, 0.2, 0.2))).splitlines()]
    assert lines == [
        "class all train val test",
        "images 20 12 60.0 % 4 20.0 % 4 20.0 %",
        "common images 20 12 60.0 % 4 20.0 % 4 20.0 %",
        "objects 20 12 60.0 % 4 20.0 % 4 20.0 %",
        "rare images 5 3 60.0 % 1 20.0 % 1 20.0 %",
        "objects 5 3 60.0 % 1 20.0 % 1 20.0 %",
    ]


def test_classes_that_no_image_to_train_on_holds_are_named(root, monkeypatch):
    assert split(root).lacking() == []
    monkeypatch.setattr("trizoo.data.split_lists.stratify", lambda label_sets, *_: np.array([2] * len(label_sets)))
    found = split(root, out=root / "other")
    assert found.lacking() == list(found.classes)


def test_two_ratios_are_train_and_val_and_a_seed_decides(root):
    first = split(root, (75, 25), seed=1)
    assert [*first.ids] == ["train", "val"]
    assert split(root, (75, 25), seed=1).ids == first.ids
    assert split(root, (75, 25), seed=2).ids != first.ids


def test_pictures_of_the_same_bytes_stay_together(root):
    pictures = sorted((root / "JPEGImages").iterdir())
    for path in pictures[1:10]:
        shutil.copyfile(pictures[0], path)
    done = split(root, (0.5, 0.5))
    assert done.twins == 9
    twins = {path.stem for path in pictures[:10]}
    assert any(twins <= set(ids) for ids in done.ids.values())


def test_files_of_one_size_are_told_apart_by_their_bytes(tmp_path):
    for name, data in (("a", b"xy"), ("b", b"xz"), ("c", b"xy"), ("d", b"xyz")):
        (tmp_path / name).write_bytes(data)
    a, b, c, d = same_bytes([tmp_path / name for name in "abcd"])
    assert a == c
    assert len({a, b, d}) == 3


def test_its_own_lists_are_replaced_and_others_left_alone(root):
    split(root)
    done = split(root, (0.5, 0.5))  # test.txt of before is no list any more
    assert find_boxes(root).splits == done.ids
    listed = root / "ImageSets" / "Main" / "val.txt"
    listed.write_text("图 00\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"were changed since: .*val\.txt; remove them first, or --out DIR"):
        split(root)
    assert listed.read_text(encoding="utf-8") == "图 00\n"


@pytest.mark.parametrize("name", ["train", "default", "cat_train"])
def test_lists_of_a_person_are_never_written_over(root, name):
    add_list(root, name, ["图 00"])
    with pytest.raises(UserError, match=rf"there are lists already .*{name}\.txt"):
        split(root)
    assert len(list((root / "ImageSets" / "Main").iterdir())) == 1


def test_lists_in_another_place_count_too(root):
    (root / "train.txt").write_text("图 00\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"there are lists already .*set/train\.txt"):
        split(root)
    assert not (root / "ImageSets").exists()


def test_another_folder_takes_lists_whatever_the_data_set_has(root, tmp_path):
    add_list(root, "train", ["图 00"])
    done = split(root, out=tmp_path / "lists")
    assert (tmp_path / "lists" / "val.txt").read_text(encoding="utf-8").splitlines() == done.ids["val"]
    assert find_boxes(root).splits == {"train": ["图 00"]}
    (tmp_path / "lists" / "mine.txt").touch()
    with pytest.raises(UserError, match=r"mine\.txt"):
        split(root, out=tmp_path / "lists")


def test_masks_are_split_by_the_classes_they_hold(tmp_path):
    root = synthesize(tmp_path / "set", images=20, size=(40, 40))
    shutil.rmtree(root / "ImageSets")
    done = split(root, (0.5, 0.5), task="segmentation")
    assert done.folder == root / "ImageSets" / "Segmentation"
    assert find_masks(root).splits == done.ids
    assert done.objects is None
    assert "objects" not in str(done)
    assert done.classes[0] == "background"
    assert [int(done.holders[name][0]) for name in ("train", "val")] == [10, 10]


def test_other_layouts_have_their_lists_in_splits(tmp_path):
    root = tmp_path / "set"
    root.mkdir()
    for number in range(10):
        Image.new("RGB", (20, 10 + number)).save(root / f"a {number}.png")
        shape = {"label": "cell", "points": [[0, 0], [6, 6]], "shape_type": "rectangle"}
        content = {"imagePath": f"a {number}.png", "shapes": [shape]}
        (root / f"a {number}.json").write_text(json.dumps(content), encoding="utf-8")
    done = split(root, (0.8, 0.2))
    assert done.folder == root / "splits"
    assert find_boxes(root).splits == done.ids


def test_splits_by_folders_are_kept_and_nothing_is_left_behind(tmp_path):
    root = tmp_path / "set"
    for place in ("train", "val"):
        for number in range(3):
            touch(root, f"{place}/images/{number}.png", f"{place}/masks/{number}.png", size=(4, 3 + number))
    (root / "labels.txt").write_text("ground\ncell\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"the folders train/, val/ of .*set say what its splits are"):
        split(root)
    assert sorted(path.name for path in root.iterdir()) == ["labels.txt", "train", "val"]


def test_folders_of_voc_annotations_are_kept_too(tmp_path):
    for place in ("train", "valid"):
        for number in range(3):
            add(tmp_path / place, f"{number}", thing("x", 1, 1, 9, 9), size=(40, 30 + number))
    with pytest.raises(UserError, match=r"the folders train/, valid/ of .* say what its splits are; --out DIR"):
        split(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "valid"]
    assert split(tmp_path, out=tmp_path / "lists").ids


def test_a_name_that_can_stand_in_no_list_is_named(tmp_path):
    for number in range(4):
        add(tmp_path, f"{number} #a", thing("x", 1, 1, 9, 9), size=(40, 30 + number))
    with pytest.raises(UserError, match=r"can't be split by lists: 4 names are read .*, such as '\d #a'; call these"):
        split(tmp_path, (0.5, 0.5))
    assert not (tmp_path / "ImageSets").exists() or not any((tmp_path / "ImageSets").iterdir())


def test_splits_that_stand_in_a_coco_file_are_kept(root, tmp_path):
    convert(root, tmp_path / "coco", "coco")
    with pytest.raises(UserError, match=r"stands in .*instances_train\.json, .*which count before lists"):
        split(tmp_path / "coco", (0.5, 0.5))
    assert sorted(path.name for path in (tmp_path / "coco").iterdir()) == ["annotations", "images"]


def test_lists_that_hold_the_boxes_are_kept(tmp_path):
    for number in range(4):
        touch(tmp_path, f"{number}.png", size=(20, 10 + number))
    lines = [f"{number}.png 1,1,9,9,0" for number in range(4)]
    (tmp_path / "train.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match=r"what the splits are stands in .*train\.txt, which count before lists"):
        split(tmp_path, (0.5, 0.5))


@pytest.mark.parametrize(
    ("ratios", "sentence"),
    [
        ((0.8, 0.1), "the ratios 0.8 0.1 add up to 0.9; 1 is needed, or 100"),
        ((1.0,), "the ratios are 1; two or three above 0 are needed"),
        ((0.9, 0.1, 0.0), "the ratios are 0.9 0.1 0; two or three above 0 are needed"),
        ((0.5, float("nan"), 0.5), "the ratios are 0.5 nan 0.5; two or three above 0 are needed"),
    ],
)
def test_wrong_ratios_are_one_sentence(root, ratios, sentence):
    with pytest.raises(UserError, match=sentence):
        split(root, ratios)


def test_fewer_pictures_than_splits_are_refused(tmp_path):
    for number, name in enumerate("abcd"):
        add(tmp_path, name, thing("x", 1, 1, 9, 9), size=(40, 30 + number % 2))
    with pytest.raises(UserError, match="has 2 different pictures, too few for train, val, test"):
        split(tmp_path)
