"""Which images of a data set a run trains on, chooses its best epoch by, and is measured on."""

import shutil

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Data
from trizoo.tests.mask_files import write_masks
from trizoo.training.data import as_typed, final_set, moved, open_data


@pytest.fixture
def root(tmp_path):
    return synthesize(tmp_path / "set", images=40, size=(48, 48))


def opened(root, model="yolov3-tiny", **data):
    said = []
    recipe, sources = open_data(Recipe(model={"name": model}, data={"root": str(root), **data}), said.append)
    ids = [sources.training.records[place].id for place in sources.members]
    return recipe, sources, ids, "\n".join(said)


def lists(root, kind, **moves):
    for old, new in moves.items():
        path = root / "ImageSets" / kind / f"{old}.txt"
        if new is None:
            path.unlink()
        else:
            path.rename(path.with_name(f"{new}.txt"))


@pytest.mark.parametrize(("model", "kind"), [("yolov3-tiny", "Main"), ("deeplabv3plus-mobilenetv2", "Segmentation")])
def test_without_a_validation_split_a_fifth_is_held_back_and_never_the_test_split(root, model, kind):
    lists(root, kind, val=None)
    recipe, sources, ids, said = opened(root, model)
    held = [record.id for record in sources.validation.records]
    assert not set(ids) & set(held)
    # 40 images: 14 of 20 are for training, so 28, and about a fifth of these is held back
    assert len(ids) + len(held) == 28
    assert 3 <= len(held) <= 8
    assert f"a fifth of train ({len(held)} images, always the same) is held back" in said
    assert (sources.validation.split, sources.test.split) == ("held back of train", "test")
    assert opened(root, model)[2] == ids
    assert final_set(recipe).split == "test"


def test_a_trainval_list_alone_keeps_some_back_for_the_final_metrics_too(root):
    lists(root, "Main", val=None, test=None, train="trainval")
    recipe, sources, ids, _ = opened(root)
    assert sources.validation.split == sources.test.split == "held back of trainval"
    measured = final_set(recipe)
    assert [record.id for record in measured.records] == [record.id for record in sources.validation.records]
    assert not {record.id for record in measured.records} & set(ids)


def test_a_split_that_is_asked_for_chooses_the_best_epoch(root):
    lists(root, "Main", val=None)
    _, sources, ids, said = opened(root, validation="test")
    assert (sources.validation.split, len(ids)) == ("test", 28)
    assert "held back" not in said


def test_a_single_image_is_not_held_back(tmp_path):
    root = synthesize(tmp_path / "one", images=1, size=(48, 48))
    _, sources, ids, said = opened(root)
    assert (len(ids), len(sources.validation.records)) == (1, 1)
    assert "1 of the 1 validation images (train) are trained on" in said


@pytest.mark.parametrize(("model", "kind"), [("yolov3-tiny", "Main"), ("deeplabv3plus-mobilenetv2", "Segmentation")])
def test_a_limit_is_of_the_images_that_are_trained_on_alone(root, model, kind):
    _, sources, ids, said = opened(root, model, limit=5)
    assert len(ids) == len(set(ids)) == 5
    assert "trained on 5 of these 28 images, chosen so that classes are balanced" in said
    assert len(sources.validation.records) == len(sources.test.records) == 6  # 3 of 20 for each
    assert opened(root, model, limit=5)[2] == ids
    _, _, others, said = opened(root, model, limit=1000)
    assert len(others) == 28
    lists(root, kind, val=None)
    _, sources, ids, said = opened(root, model, limit=5)
    assert not {record.id for record in sources.validation.records} & set(ids)
    assert len(ids) == 5


def test_a_class_map_holds_for_every_split(root):
    recipe, sources, _, _ = opened(root, classes_map={"circle": "round", "triangle": "", "square": "round"})
    assert recipe.classes == sources.validation.classes == ("round",)
    assert recipe.data.classes_map == (("circle", "round"), ("triangle", ""), ("square", "round"))
    assert {label for record in sources.test.records for label in record.labels.tolist()} == {0}
    assert final_set(recipe).classes == ("round",)


def test_masks_alone_are_nothing_for_a_detector(root):
    for name in ("Annotations", "ImageSets/Main"):
        shutil.rmtree(root / name)
    with pytest.raises(UserError, match="has 40 masks and no annotations, and a detector needs boxes; a segmentation"):
        opened(root)


def test_what_is_left_out_of_any_split_is_told_before_training(root):
    test = (root / "ImageSets" / "Main" / "test.txt").read_text().split()
    image = root / "JPEGImages" / f"{test[0]}.jpg"
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    _, sources, _, said = opened(root)
    assert len(sources.test.records) == len(test) - 1
    assert "warning: 1 thing in the images of test put right or left out, such as one image left out: image" in said
    assert f"{test[0]}.jpg is truncated or damaged" in said


def test_masks_of_one_class_alone_are_a_warning(tmp_path):
    root = write_masks(tmp_path, {name: np.zeros((8, 8), np.uint8) for name in "abcdef"})
    (root / "labels.txt").write_text("ground\ncell\n", encoding="utf-8")
    said = opened(root, "deeplabv3plus-mobilenetv2")[-1]
    assert "warning: the masks hold nothing but ground" in said.splitlines()


def test_places_below_the_root_are_named_from_there_and_found_where_it_is_moved(root, tmp_path):
    """By a whole path, from the root, or from the folder one works in; those elsewhere stay whole paths."""
    for place in ("JPEGImages", root / "JPEGImages"):
        recipe = opened(root, images=str(place))[0]
        assert (recipe.data.root, recipe.data.images) == (str(root), "JPEGImages")
    moved = tmp_path / "moved"
    root.rename(moved)
    again = recipe.data.model_copy(update={"root": str(moved)})
    assert len(open_data(recipe.model_copy(update={"data": again}), lambda line: None)[1].members) == 28
    pictures = tmp_path / "pictures"
    (moved / "JPEGImages").rename(pictures)
    assert opened(moved, images=str(pictures))[0].data.images == str(pictures)


@pytest.mark.parametrize("key", ["layout", "images", "annotations"])
def test_where_labels_lie_needs_the_data_set(key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(data={key: "voc" if key == "layout" else "JPEGImages"})
    with pytest.raises(UserError, match=rf"data\.{key} says how the files of a data set lie; give --data ROOT"):
        open_data(recipe, lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_places_of_moved_data_hold_where_they_are_there_too(root, tmp_path):
    new = tmp_path / "new"
    (new / "JPEGImages").mkdir(parents=True)
    data = Data(root=str(root), layout="voc", images="JPEGImages", annotations=str(root / "Annotations"))
    found = moved(data, new)
    assert (found.root, found.layout, found.images, found.annotations) == (str(new), "voc", "JPEGImages", None)
    (new / "Annotations").mkdir()
    assert moved(data, new).annotations == "Annotations"
    elsewhere = data.model_copy(update={"images": str(new / "JPEGImages")})
    assert moved(elsewhere, tmp_path / "third").images == str(new / "JPEGImages")


def test_a_data_section_is_typed_with_the_flags_by_which_its_files_are_read():
    assert as_typed(Data(root="my set")) == "'my set'"
    data = Data(root="a", layout="yolo", images="pics", mask_map={255: 1, "0-9": 0}, palette=[[0, 0, 0], [255, 128, 0]])
    assert as_typed(data, "b") == "b --layout yolo --images pics --mask-map 0-9=0,255=1 --palette 000000,ff8000"
    ignoring = Data(root="a", palette="voc", ignore_colours=["e0e0c0"])
    assert as_typed(ignoring).endswith(",e0e0c0=255")


def test_data_that_is_not_there_is_said_before_its_places_are(tmp_path):
    with pytest.raises(UserError, match=r"data set .*/nowhere does not exist"):
        open_data(Recipe(data={"root": str(tmp_path / "nowhere"), "images": "pics"}), print)
