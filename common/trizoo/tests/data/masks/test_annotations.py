import json

import pytest
from PIL import Image

from trizoo.data.masks.find import list_masks
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
