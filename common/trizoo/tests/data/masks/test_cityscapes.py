import numpy as np
import pytest
from PIL import Image

from trizoo.data.check.masks import check_masks
from trizoo.data.masks.cityscapes_labels import CLASSES
from trizoo.data.masks.encoding import parse_palette
from trizoo.data.masks.find import find_masks
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load, parse_assignment
from trizoo.recipes.schema import Recipe
from trizoo.tests.mask_files import pairs

NAMES = tuple(CLASSES)


def add(root, split, name, values, kind="labelIds", truth="gtFine"):
    """An image of Cityscapes, and a mask of one row with these values."""
    image = root / "leftImg8bit" / split / "ulm" / f"{name}_leftImg8bit.png"
    mask = root / truth / split / "ulm" / f"{name}_{truth}_{kind}.png"
    for path in (image, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
    values = np.array([values], np.uint8)
    Image.new("RGB", values.shape[::-1]).save(image)
    Image.fromarray(values).save(mask)
    return root


def row(root, split="train", classes=None):
    return find_masks(root).open(split, classes).mask(0)[0].tolist()


def test_label_ids_become_the_19_classes_and_the_others_are_ignored(tmp_path):
    add(tmp_path, "train", "ulm_0", range(34))
    add(tmp_path, "val", "ulm_1", [255, 7])
    data = find_masks(tmp_path).open("train")
    assert (data.layout, len(data.classes), data.splits.keys()) == ("cityscapes", 19, {"train", "val"})
    labels = data.mask(0)[0].tolist()
    # road 7, sidewalk 8, building 11 to fence 13, pole 17, traffic light 19 to bus 28, train 31 to bicycle 33
    ids = [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
    assert [labels[id] for id in ids] == list(range(19))
    assert {label for id, label in enumerate(labels) if id not in ids} == {255}
    assert (data.classes[0], data.classes[13], data.classes[18]) == ("road", "car", "bicycle")
    assert row(tmp_path, "val") == [255, 0]
    report = check_masks(find_masks(tmp_path))
    assert (report.errors, report.classes["road"]) == ([], {"pixels": 2, "masks": 2})


def test_training_ids_stay_as_they_are_and_are_preferred(tmp_path):
    add(tmp_path, "train", "ulm_0", [7, 8, 33])
    add(tmp_path, "train", "ulm_0", [0, 18, 255], "labelTrainIds")
    add(tmp_path, "train", "ulm_0", [1, 2, 3], "instanceIds")
    listing = find_masks(tmp_path)
    assert pairs(listing) == {
        "train/ulm/ulm_0_leftImg8bit": (
            "leftImg8bit/train/ulm/ulm_0_leftImg8bit.png",
            "gtFine/train/ulm/ulm_0_gtFine_labelTrainIds.png",
        )
    }
    assert row(tmp_path) == [0, 18, 255]


def test_classes_go_by_name(tmp_path):
    add(tmp_path, "train", "ulm_0", [7, 33, 0])
    assert row(tmp_path, classes=NAMES[::-1]) == [18, 0, 255]
    with pytest.raises(UserError, match="have the class 'bicycle', which isn't among road, "):
        row(tmp_path, classes=NAMES[:-1])


def test_test_images_whose_classes_are_withheld_are_left_out(tmp_path):
    add(add(tmp_path, "train", "ulm_0", [7, 8]), "test", "berlin_0", [3, 1])
    listing = find_masks(tmp_path)
    assert (list(listing.splits), len(listing.pairs)) == (["train"], 1)
    assert listing.notes == ("the 1 test images are left out: Cityscapes keeps their classes to itself",)
    add(tmp_path, "test", "berlin_0", [3, 7])
    assert list(find_masks(tmp_path).splits) == ["test", "train"]


def test_coarse_masks_and_a_folder_in_a_folder_will_do(tmp_path):
    add(tmp_path / "cityscapes", "train", "ulm_0", [7], truth="gtCoarse")
    assert (find_masks(tmp_path).layout, row(tmp_path)) == ("cityscapes", [0])


def test_what_is_no_id_is_one_sentence(tmp_path):
    add(tmp_path, "train", "ulm_0", [7, 34, 99])
    with pytest.raises(UserError, match=r"labelIds\.png holds 34, 99; Cityscapes' label ids are 0 to 33, and 255 is"):
        row(tmp_path)
    add(tmp_path, "train", "ulm_0", [7, 19], "labelTrainIds")
    with pytest.raises(UserError, match="training ids are 0 to 18"):
        row(tmp_path)
    Image.new("L", (5, 5)).save(tmp_path / "gtFine/train/ulm/ulm_0_gtFine_labelTrainIds.png")
    with pytest.raises(UserError, match="is 5x5; ids in a mask of its image's size, 2x1, are needed"):
        row(tmp_path)
    assert find_masks(tmp_path, "folders").layout == "folders"
    (tmp_path / "leftImg8bit/train/ulm/ulm_0_leftImg8bit.png").unlink()
    with pytest.raises(UserError, match=r"no image in .*leftImg8bit has a mask in .*gtFine"):
        find_masks(tmp_path)


def test_its_colours_are_a_palette_by_name():
    palette, ignored = parse_palette("cityscapes")
    assert (len(palette), palette[0], palette[18], len(ignored)) == (19, (128, 64, 128), (119, 11, 32), 10)
    assert len({*palette, *ignored}) == 29
    assert load(Recipe, overrides=[parse_assignment("data.palette=cityscapes")]).recipe.data.palette == palette
