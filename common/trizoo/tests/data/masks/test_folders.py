import pytest
from PIL import Image

from trizoo.data.masks.find import list_masks
from trizoo.data.masks.folders import pair_stems
from trizoo.ground.errors import UserError


def touch(root, *names, size=(4, 3)):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(path)


def pairs(listing):
    root = listing.root
    return {
        id: (pair.image.relative_to(root).as_posix(), pair.truth.path.relative_to(root).as_posix())
        for id, pair in listing.pairs.items()
    }


def unpaired(listing):
    return sorted((problem.kind, problem.file.name) for problem in listing.unpaired)


@pytest.mark.parametrize(
    ("images", "masks"), [("images", "masks"), ("image", "mask"), ("img", "label"), ("Images", "SegmentationClassPNG")]
)
def test_two_folders_beside_each_other(tmp_path, images, masks):
    touch(tmp_path, f"{images}/猫 1.jpg", f"{masks}/猫 1.png", f"{images}/2.JPG", f"{masks}/2.PNG")
    (tmp_path / images / "Thumbs.db").touch()
    listing = list_masks(tmp_path)
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
    listing = list_masks(tmp_path)
    assert {name: len(ids) for name, ids in listing.splits.items()} == {"train": 1, "val": 1}
    (id,) = listing.splits["train"]
    assert listing.pairs[id].image == tmp_path / image
    assert listing.pairs[id].truth.path == tmp_path / mask
    assert listing.notes == ()


def test_of_cityscapes_files_the_train_ids_count(tmp_path):
    names = ("color", "instanceIds", "labelIds", "labelTrainIds")
    touch(tmp_path, "leftImg8bit/val/a/x_leftImg8bit.png", *(f"gtFine/val/a/x_gtFine_{name}.png" for name in names))
    listing = list_masks(tmp_path)
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
    assert unpaired(list_masks(tmp_path)) == [("image without mask", "b.png"), ("mask without image", "c.png")]
    (tmp_path / "masks" / "a.png").unlink()
    with pytest.raises(
        UserError, match=r"no image in .*images has a mask in .*masks.*there are a\.png, b\.png, c\.png"
    ):
        list_masks(tmp_path)


def test_a_folder_of_that_name_without_images_is_passed_over(tmp_path):
    touch(tmp_path, "images/a.png", "gt/a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 1 1", encoding="utf-8")  # YOLO's boxes
    assert pairs(list_masks(tmp_path)) == {"a": ("images/a.png", "gt/a.png")}


def test_voc_takes_its_segmentation_lists(tmp_path):
    touch(tmp_path, *(f"JPEGImages/{name}.jpg" for name in "abcd"), *(f"SegmentationClass/{name}.png" for name in "ab"))
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n", encoding="utf-8")
    listing = list_masks(tmp_path)
    assert (listing.layout, listing.splits) == ("voc", {"train": ["a", "b"]})
    assert listing.unpaired == ()  # images without masks are VOC's own way
    (lists / "val.txt").write_text("c\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 of 1 images of .*val\.txt lack an image in .* or a mask in .*: c"):
        list_masks(tmp_path)


def test_voc_lists_for_boxes_are_cut_down_to_images_with_masks(tmp_path):
    touch(tmp_path, *(f"JPEGImages/{name}.jpg" for name in "abc"), "SegmentationClass/a.png", "SegmentationClass/z.png")
    main = tmp_path / "ImageSets" / "Main"
    main.mkdir(parents=True)
    (main / "train.txt").write_text("a\nb\n", encoding="utf-8")
    (main / "val.txt").write_text("c\n", encoding="utf-8")
    listing = list_masks(tmp_path)
    assert listing.splits == {"train": ["a"]}
    assert unpaired(listing) == [("mask without image", "z.png")]
