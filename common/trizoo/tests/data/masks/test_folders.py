import pytest

from trizoo.data.masks.find import find_masks
from trizoo.data.masks.folders import pair_stems
from trizoo.ground.errors import UserError
from trizoo.tests.mask_files import pairs, touch, unpaired


@pytest.mark.parametrize(
    ("images", "masks"), [("images", "masks"), ("image", "mask"), ("img", "label"), ("Images", "SegmentationClassPNG")]
)
def test_two_folders_beside_each_other(tmp_path, images, masks):
    touch(tmp_path, f"{images}/猫 1.jpg", f"{masks}/猫 1.png", f"{images}/2.JPG", f"{masks}/2.PNG")
    (tmp_path / images / "Thumbs.db").touch()
    listing = find_masks(tmp_path)
    assert (listing.layout, listing.unpaired) == ("folders", ())
    assert pairs(listing) == {
        "2": (f"{images}/2.JPG", f"{masks}/2.PNG"),
        "猫 1": (f"{images}/猫 1.jpg", f"{masks}/猫 1.png"),
    }
    assert {name: len(ids) for name, ids in listing.splits.items()} == {"train": 1, "val": 1}
    assert "names' hashes split its 2 images into train (1) and val (1)" in listing.notes[0]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("train/images/a.jpg", "train/masks/a.png"),
        ("images/training/a.jpg", "masks/training/a.png"),
        ("train/a.jpg", "train_masks/a_mask.gif"),
        ("train/a.png", "trainannot/a.png"),
        (
            "leftImg8bit/train/ulm/ulm_0_leftImg8bit.png",
            "gtFine/train/ulm/ulm_0_gtFine_labelIds.png",
        ),
        ("archive/data/Train/Images/a.jpg", "archive/data/Train/Labels/a.png"),
    ],
)
def test_folders_of_splits(tmp_path, image, mask):
    def val(name):
        return name.replace("training", "validation").replace("train", "val").replace("Train", "valid")

    touch(tmp_path, image, mask, val(image), val(mask))
    listing = find_masks(tmp_path)
    assert {name: len(ids) for name, ids in listing.splits.items()} == {"train": 1, "val": 1}
    (id,) = listing.splits["train"]
    assert listing.pairs[id].image == tmp_path / image
    assert listing.pairs[id].truth.path == tmp_path / mask
    assert listing.notes == ()


def test_of_cityscapes_files_the_train_ids_count(tmp_path):
    names = ("color", "instanceIds", "labelIds", "labelTrainIds")
    touch(tmp_path, "leftImg8bit/val/a/x_leftImg8bit.png", *(f"gtFine/val/a/x_gtFine_{name}.png" for name in names))
    listing = find_masks(tmp_path)
    assert [pair.truth.path.stem for pair in listing.pairs.values()] == ["x_gtFine_labelTrainIds"]
    assert listing.unpaired == ()


def test_stems_pair_exactly_then_without_case_then_without_what_tools_append():
    images = {stem: f"{stem}.jpg" for stem in ("a", "B", "c", "a_mask", "d_rgb", "e", "x/f")}
    masks = {stem: f"{stem}.png" for stem in ("a", "b", "c_Label", "a_mask", "D-gt", "g", "y/f")}
    found, alone, without = pair_stems(images, masks)
    assert found == {
        "a": ("a.jpg", "a.png"),
        "B": ("B.jpg", "b.png"),
        "c": ("c.jpg", "c_Label.png"),
        "a_mask": ("a_mask.jpg", "a_mask.png"),
        "d_rgb": ("d_rgb.jpg", "D-gt.png"),
    }
    assert (alone, without) == (["e.jpg", "x/f.jpg"], ["g.png", "y/f.png"])


def test_what_has_no_other_half_is_named(tmp_path):
    touch(tmp_path, "images/a.png", "masks/a.png", "images/b.png", "masks/c.png")
    assert unpaired(find_masks(tmp_path)) == [("image without mask", "b.png"), ("mask without image", "c.png")]
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(
        UserError, match=r"no image in .*images has a mask in .*masks.*there are a\.png, b\.png, c\.png"
    ):
        find_masks(tmp_path)


def test_a_folder_of_that_name_without_images_is_passed_over(tmp_path):
    touch(tmp_path, "images/a.png", "gt/a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 1 1", encoding="utf-8")  # YOLO's boxes
    assert pairs(find_masks(tmp_path)) == {"a": ("images/a.png", "gt/a.png")}


def test_folders_of_any_names_can_be_named(tmp_path):
    touch(tmp_path, "what I saw/a.png", "what it is/a_mask.png")
    assert pairs(find_masks(tmp_path, "folders", "what I saw", "what it is")) == {
        "a": ("what I saw/a.png", "what it is/a_mask.png")
    }


@pytest.mark.parametrize(
    ("root", "image", "masks", "id"),
    [
        ("set/images", "set/images/a.png", "set/masks", "a"),
        ("set", "set/a.png", "set/truth", "a"),
        ("set", "set/photos taken/a.png", "set/truth", "a"),
        ("set", "set/train/a.png", "set/truth", "train/a"),
    ],
)
@pytest.mark.parametrize("layout", [None, "folders"])
def test_a_folder_of_masks_alone_can_be_named(tmp_path, root, image, masks, id, layout):
    touch(tmp_path, image, f"{masks}/{id}.png", "set/test/b.png" if id != "a" else f"{masks}/b.png")
    listing = find_masks(tmp_path / root, layout, annotations=str(tmp_path / masks))
    assert [(pair.id, pair.image) for pair in listing.pairs.values()] == [(id, tmp_path / image)]
    assert listing.pairs[id].truth.path == tmp_path / masks / f"{id}.png"


def test_of_several_folders_of_masks_the_named_one_counts(tmp_path):
    touch(tmp_path, "images/a.png", "masks/a.png", "others/a.png")
    assert pairs(find_masks(tmp_path, annotations="others")) == {"a": ("images/a.png", "others/a.png")}
    touch(tmp_path, "empty/b.png")
    with pytest.raises(UserError, match=r"has a mask in .*empty, whose name must be the same"):
        find_masks(tmp_path, annotations="empty")
