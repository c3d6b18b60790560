"""COCO's layout: images, and annotations/instances_SPLIT.json."""

import json

import numpy as np

from trizoo.data.masks.pair import BACKGROUND
from trizoo.data.run_lengths import compress, encode_runs
from trizoo.data.write.content import hard_link_notes
from trizoo.ground.conventions import IGNORE


def write_coco(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    All images lie in one folder, so an image may be in several splits; its id, and those of its objects, are the same
    in all of them. Ids count from 1, categories are in the order of the labels. Boxes: x, y, width, height, exact; an
    object that is difficult has "ignore": 1, of which pycocotools takes no notice.

    Masks: one object for each class in an image, not one a connected region, which would be no instance either; its
    segmentation is a compressed run length, exact. Pixels that are ignored are a crowd of each class of the image. The
    background is no category; where there is no such class, "info" has "background": false.
    """
    for name in ("images", "annotations"):
        (folder / name).mkdir()
    first = 1 if content.mask and content.classes[0] == BACKGROUND else 0
    categories = [
        {"id": number, "name": name, "supercategory": name}
        for number, name in enumerate(content.classes[first:], start=1)
    ]
    outside = set(content.in_no_split)
    places = [place for place in range(len(content)) if place not in outside]

    def write(place):
        hard = content.put_image(place, folder / "images")
        objects = _of_mask(content.mask(place), first) if content.mask else _of_boxes(content.records[place])
        return hard, [_inside({"image_id": place + 1, **entry}) for entry in objects]

    hard, found = zip(*content.each(write, places), strict=True)
    objects = dict(zip(places, found, strict=True))
    starts, next_id = {}, 1
    for place in places:
        starts[place], next_id = next_id, next_id + len(objects[place])
    for split, members in content.splits.items():
        with (folder / "annotations" / f"instances_{split}.json").open("w", encoding="utf-8", newline="\n") as file:
            info = {"description": split, **({"background": False} if content.without_background else {})}
            file.write('{"info": ' + json.dumps(info, ensure_ascii=False) + ', "licenses": [],\n')
            file.write('"categories": ' + json.dumps(categories, ensure_ascii=False) + ',\n"images": [')
            file.write(",".join(f"\n{_image(content, place)}" for place in members))
            file.write('\n],\n"annotations": [')
            entries = (
                f'\n{{"id": {starts[place] + number}, {entry}'
                for place in members
                for number, entry in enumerate(objects[place])
            )
            for number, entry in enumerate(entries):
                file.write(f",{entry}" if number else entry)
            file.write("\n]}\n")
    return [*content.left_out(), *hard_link_notes(hard)]


def _inside(entry):
    """A mapping's JSON without its first brace."""
    return json.dumps(entry, ensure_ascii=False)[1:]


def _image(content, place):
    width, height = content.records[place].size
    entry = {"id": place + 1, "file_name": content.file_name(place), "width": width, "height": height}
    return json.dumps(entry, ensure_ascii=False)


def _of_boxes(record):
    """The annotations of an image's boxes."""
    boxes = np.asarray(record.boxes, np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    columns = (boxes[:, :2].tolist(), sides.tolist(), sides.prod(axis=1).tolist(), record.labels.tolist())
    flags = (record.crowd.tolist(), record.difficult.tolist())
    return [
        {
            "category_id": label + 1,
            "bbox": [_short(number) for number in (*corner, *extent)],
            "area": _short(area),
            "iscrowd": int(crowd),
            "segmentation": [],
            **({"ignore": 1} if difficult else {}),
        }
        for corner, extent, area, label, crowd, difficult in zip(*columns, *flags, strict=True)
    ]


def _of_mask(mask, first):
    """The annotations of an image's mask; first: the lowest class id that is a category."""
    there = [label for label in np.unique(mask).tolist() if first <= label < IGNORE]
    parts = [(label, mask == label, 0) for label in there]
    ignored = mask == IGNORE
    if ignored.any():
        parts += [(label, ignored, 1) for label in there or [first]]
    return [
        {
            "category_id": label - first + 1,
            "bbox": _bounds(pixels),
            "area": int(pixels.sum()),
            "iscrowd": crowd,
            "segmentation": {"size": list(mask.shape), "counts": compress(encode_runs(pixels))},
        }
        for label, pixels, crowd in parts
    ]


def _bounds(pixels):
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]


def _short(number):
    """A whole number without a point."""
    return int(number) if number == int(number) else number
