import json

import numpy as np
import pytest
from PIL import Image

from common.data.mask_layouts import has_masks, list_masks, pair_stems
from common.errors import UserError


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


def test_lists_say_the_splits(tmp_path):
    touch(tmp_path, *(f"{folder}/{name}.png" for folder in ("images", "masks") for name in "abc"))
    (tmp_path / "train.txt").write_text("a.png\nb\nb\n", encoding="utf-8")
    (tmp_path / "valid.txt").write_text("images/c.png masks/c.png\r\n", encoding="utf-8-sig")
    (tmp_path / "readme.txt").write_text("text", encoding="utf-8")
    listing = list_masks(tmp_path)
    assert listing.splits == {"train": ["a", "b"], "val": ["c"]}
    assert [problem.kind for problem in listing.problems] == ["listed twice"]
    (tmp_path / "train.txt").write_text("a\nz", encoding="utf-8")
    with pytest.raises(UserError, match=r"1 lines of .*train\.txt name no image with a mask: z"):
        list_masks(tmp_path)


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


def labelme(path, image, *names):
    shapes = [{"label": name, "points": [[0, 0], [4, 0], [4, 3]], "shape_type": "polygon"} for name in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"imageData": "x" * 100_000, "imageHeight": 3, "imagePath": image, "imageWidth": 4, "shapes": shapes}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_labelme_files_beside_their_images_or_elsewhere(tmp_path):
    touch(tmp_path, "train/a.jpg", "train/b.jpg", "val/pictures/c.jpg", "val/d.jpg")
    labelme(tmp_path / "train" / "a.json", "a.jpg", "dog", "cat")
    labelme(tmp_path / "train" / "b.json", "..\\somewhere\\b.jpg", "cat")
    labelme(tmp_path / "val" / "json" / "c.json", "../pictures/c.jpg", "__ignore__")
    labelme(tmp_path / "val" / "json" / "e.json", "e.jpg")
    listing = list_masks(tmp_path)
    assert (listing.layout, listing.classes) == ("labelme", ("background", "cat", "dog"))
    assert pairs(listing)["train/b"] == ("train/b.jpg", "train/b.json")
    assert listing.splits == {"train": ["train/a", "train/b"], "val": ["val/json/c"]}
    assert unpaired(listing) == [("annotation without image", "e.json"), ("image without annotation", "d.jpg")]


def coco(path, names, size=(4, 3), panoptic=False, categories=({"id": 3, "name": "cat"},)):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": i, "file_name": name, "width": size[0], "height": size[1]} for i, name in enumerate(names)]
    annotations = [
        {"image_id": i, "file_name": f"{i}.png", "segments_info": []}
        if panoptic
        else {"id": i, "image_id": i, "category_id": 3, "segmentation": [[0, 0, 4, 0, 4, 3]]}
        for i in range(len(names))
    ]
    content = {"images": images, "annotations": annotations, "categories": list(categories)}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_coco_as_it_is_published(tmp_path):
    touch(tmp_path, "train2017/a.jpg", "images/val2017/b.jpg")
    coco(tmp_path / "annotations" / "instances_train2017.json", ["a.jpg"])
    coco(tmp_path / "annotations" / "instances_val2017.json", ["b.jpg", "c.jpg"])
    coco(tmp_path / "annotations" / "captions_val2017.json", ["b.jpg"])
    coco(tmp_path / "annotations" / "panoptic_val2017.json", ["b.jpg"], panoptic=True)
    touch(tmp_path, "annotations/panoptic_val2017/0.png")
    listing = list_masks(tmp_path)
    assert (listing.layout, listing.classes) == ("coco", ("background", "cat"))
    assert listing.splits == {"train": ["train/a"], "val": ["val/b"]}
    assert listing.pairs["val/b"].image == tmp_path / "images" / "val2017" / "b.jpg"
    assert [problem.text[:14] for problem in listing.unpaired] == ["c.jpg is not i"]
    listing = list_masks(tmp_path, "panoptic")
    assert (listing.classes, listing.splits) == (("cat",), {"val": ["val/b"]})
    assert listing.pairs["val/b"].truth.mask == tmp_path / "annotations" / "panoptic_val2017" / "0.png"


def test_coco_files_in_the_folders_of_their_images(tmp_path):
    touch(tmp_path, "train/a.jpg", "valid/b.jpg")
    coco(tmp_path / "train" / "_annotations.coco.json", ["a.jpg"])
    coco(tmp_path / "valid" / "_annotations.coco.json", ["b.jpg"])
    listing = list_masks(tmp_path)
    assert listing.splits == {"train": ["train/a"], "val": ["val/b"]}
    coco(tmp_path / "valid" / "_annotations.coco.json", ["b.jpg"], categories=[{"id": 3, "name": "cats"}])
    with pytest.raises(UserError, match=r"valid.*json has other categories than .*train"):
        list_masks(tmp_path)


def test_one_coco_file_of_any_name_is_split_by_hash(tmp_path):
    touch(tmp_path, *(f"images/{i}.jpg" for i in range(10)))
    coco(tmp_path / "result.json", [f"{i}.jpg" for i in range(10)])
    listing = list_masks(tmp_path)
    assert sum(len(ids) for ids in listing.splits.values()) == 10
    assert set(listing.splits) == {"train", "val"}
    assert len(listing.notes) == 1


def test_a_hashed_split_stays_when_images_come(tmp_path):
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20)))
    before = list_masks(tmp_path).splits
    touch(tmp_path, *(f"{folder}/{i}.png" for folder in ("images", "masks") for i in range(20, 30)))
    after = list_masks(tmp_path).splits
    assert all(set(before[name]) <= set(after[name]) for name in ("train", "val"))
    assert len(after["val"]) == 5


def test_where_nothing_is_found_it_says_what_was_looked_for(tmp_path):
    (tmp_path / "annotations.json").write_text("{}", encoding="utf-8")
    assert not has_masks(tmp_path)
    with pytest.raises(UserError, match=r"no data set with masks in .*: VOC .SegmentationClass., folders of"):
        list_masks(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        list_masks(tmp_path / "none")
    with pytest.raises(UserError, match="the layout is 'mask'; one of voc, folders"):
        list_masks(tmp_path, "mask")
    touch(tmp_path, "images/a.png", "masks/a.png")
    assert has_masks(tmp_path)
    with pytest.raises(UserError, match="labelme was looked for"):
        list_masks(tmp_path, "labelme")
    assert np.all([pair.image.is_file() for pair in list_masks(tmp_path).pairs.values()])
