"""Small data sets of points and of classes that fuzz.py changes: a layout each.

POINTS, CLASSES: layout -> function of a folder that writes the annotations and gives the images' folder.
"""

import json

from trizoo.tests.campaigns.fuzz_sets import IDS, check_within, made, write

LABELS = ("\tcat\tdög", "\tcat", "\t")


def points(root):
    """A table with a point a row."""
    rows = "".join(f"{id}.png,{10 + place},20.5,{name}\n" for id in IDS for place, name in enumerate(("cat", "dög")))
    write(root / "train.csv", f"image,x,y,class\n{rows}")
    write(root / "classes.txt", "cat\ndög\n")
    return "images"


def coco_keypoints(root):
    """Objects with a key point, and with several that have names."""
    named = {"id": 7, "name": "dog", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}
    annotations = [
        {
            "id": number,
            "image_id": number % 3,
            "category_id": 3 + 4 * (number % 2),
            "keypoints": [10, 20.5, 2, 30, 40, 1] if number % 2 else [5, 6, 2],
            "num_keypoints": 1 + number % 2,
            "iscrowd": 0,
        }
        for number in range(5)
    ]
    images = [{"id": i, "file_name": f"{id}.png", "width": 64, "height": 48} for i, id in enumerate(IDS)]
    categories = [{"id": 3, "name": "cat", "keypoints": ["eye"]}, named]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write(root / "annotations" / "person_keypoints_train.json", json.dumps(content, indent=0))
    return "images"


def labelme_points(root):
    """Points among shapes."""
    for id in IDS:
        shapes = [
            {"label": "cat", "shape_type": "point", "points": [[30.5, 40]], "flags": {}, "group_id": None},
            {"label": "dog", "shape_type": "points", "points": [[1, 2], [30, 4]], "flags": {}},
            {"label": "dog", "shape_type": "rectangle", "points": [[1, 2], [30, 4]], "flags": {}},
        ]
        content = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": f"{id}.png", "imageData": None}
        write(root / f"{id}.json", json.dumps({**content, "imageHeight": 48, "imageWidth": 64}))
    return "."


def cvat_points(root):
    """CVAT's points, and a skeleton's."""
    images = "".join(
        f"""<image id="{i}" name="{id}.png" width="64" height="48">
<points label="cat" occluded="0" points="1,2;30.5,4" z_order="0"/><points label="dog" points="20,30"/>
<skeleton label="dog"><points label="nose" outside="0" points="9,8"/></skeleton></image>\n"""
        for i, id in enumerate(IDS)
    )
    labels = "<labels><label><name>cat</name></label><label><name>dog</name></label></labels>"
    write(
        root / "annotations.xml",
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>{labels}</task></meta>'
        f"{images}</annotations>",
    )
    return "images"


def yolo_pose(root):
    """A text file an image with a box and two points a line, and data.yaml."""
    names = "names: {0: cat, 1: dög}\nkpt_names:\n  0: [nose, tail]\n"
    write(root / "data.yaml", f"path: .\ntrain: images\nval: images\nkpt_shape: [2, 3]\nflip_idx: [0, 1]\n{names}")
    for id in IDS:
        write(root / "labels" / f"{id}.txt", "0 0.5 0.5 0.25 0.5 0.5 0.5 2 0.1 0.2 1\n1 .1 .1 .1 .1 .1 .2 2 0 0 0\n")
    return "images"


def class_lists(root):
    """An image, a tab and its class a line."""
    for split in ("train", "val"):
        write(root / f"{split}.txt", "".join(f"images/{id}.png\t{'cat' if id == 'a' else 'dög'}\n" for id in IDS))
    return "images"


def label_lists(root):
    """An image and its labels a line, of any number."""
    write(root / "train.txt", "".join(f"images/{id}.png{label}\n" for id, label in zip(IDS, LABELS, strict=True)))
    write(root / "val.txt", f"images/{IDS[0]}.png\tcat\tdög\n")
    return "images"


def class_table(root):
    """The same as CSV, whose splits stand in lists of ids."""
    rows = "".join(f'"images/{id}.png",{"cat" if id == "a" else "dög"}\n' for id in IDS)
    write(root / "labels.csv", f"image,class\n{rows}")
    write(root / "splits" / "train.txt", "a\nb c\n")
    write(root / "splits" / "val.txt", "照片\n")
    write(root / "classes.txt", "dög\ncat\n")
    return "images"


def class_folders(root):
    """A folder a class: the lists of ids and the order of classes are changed."""
    write(root / "splits" / "train.txt", "a\nb c\nother/d\n")
    write(root / "splits" / "val.txt", "照片\n")
    write(root / "classes.txt", "other\ncat\n")
    return "cat"


POINTS = {
    "points": points,
    "coco-keypoints": coco_keypoints,
    "labelme-points": labelme_points,
    "cvat-points": cvat_points,
    "yolo-pose": yolo_pose,
}
CLASSES = {
    "class-lists": class_lists,
    "class-lists, CSV": class_table,
    "class-folders": class_folders,
    "label-lists": label_lists,
}


def classes_of(layout, root):
    """A data set with a class an image: the files to change, and what opens it as training does."""
    from trizoo.data.classes.find import find_classes, find_label_sets

    find = find_label_sets if layout == "label-lists" else find_classes
    files = made(CLASSES[layout], root)
    if layout == "class-folders":
        (root / "other").mkdir()
        (root / "other" / "d.png").write_bytes((root / "cat" / "a.png").read_bytes())

    def read():
        found = find(root, layout.partition(",")[0])
        for split in (None, *found.splits):
            for record in found.open(split).records:
                check_within(record.image, root)

    return files, read


def gallery_list(root):
    """A picture and its name a line, as a gallery is built from: the files to change, and what reads them."""
    from trizoo.gallery.pictures import find_pictures

    def write_list(root):
        write(root / "list.tsv", "".join(f"{id}.png\tname of {id}\n" for id in IDS))
        return "."

    def read():
        for picture in find_pictures(root / "list.tsv"):
            check_within(picture.path, root)

    return made(write_list, root), read
