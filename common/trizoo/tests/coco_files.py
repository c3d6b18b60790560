"""COCO data sets written for tests."""

import json

from PIL import Image


def write_coco(path, images, annotations=(), categories=("cat", "dog"), **more):
    """A COCO file.

    Args:
        images: file names, with ids from 1, or entries as they are to stand
        annotations: (image id, category id, bbox) with ids from 1, or entries
        categories: names with ids from 1, or entries
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": [
            {"id": number, "file_name": image, "width": 80, "height": 40} if isinstance(image, str) else image
            for number, image in enumerate(images, start=1)
        ],
        "annotations": [
            entry if isinstance(entry, dict) else box_entry(number, *entry)
            for number, entry in enumerate(annotations, start=1)
        ],
        "categories": [
            {"id": number, "name": category, "supercategory": "none"} if isinstance(category, str) else category
            for number, category in enumerate(categories, start=1)
        ],
        **more,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def box_entry(number, image, category, bbox, **more):
    """An annotation as COCO writes it, without an outline."""
    area = bbox[2] * bbox[3]
    entry = {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "area": area, "iscrowd": 0}
    return {**entry, "segmentation": [], **more}


def draw(root, *names, size=(80, 40)):
    """Grey pictures of these names below a folder."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (90, 120, 60)).save(root / name)
