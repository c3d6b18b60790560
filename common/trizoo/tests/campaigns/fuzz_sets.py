"""Small data sets that fuzz.py changes: a layout each.

BOXES, MASKS: layout -> function of a folder that writes the annotations and gives the images' folder.
"""

import json
import zlib

import numpy as np
from PIL import Image

IDS = ("a", "b c", "照片")
SIZE = (64, 48)
CLASSES = np.repeat(np.arange(3, dtype=np.uint8), 16)[:, None] * np.ones(64, np.uint8)  # (48, 64)


def voc(root):
    """XML beside JPEGImages."""
    for id in IDS:
        write(
            root / "Annotations" / f"{id}.xml",
            f"""<?xml version="1.0" encoding="utf-8"?>
<annotation><folder>x</folder><filename>{id}.png</filename><size><width>64</width><height>48</height></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax>
</bndbox></object><object><name>dög</name><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>8</y></pt></polygon></object>
<object><name>e</name><robndbox><cx>9</cx><cy>9</cy><w>5</w><h>4</h><angle>0.5</angle></robndbox></object></annotation>""",
        )
    write(root / "ImageSets" / "Main" / "train.txt", "a\nb c\n")
    return "JPEGImages"


def coco(root):
    """One JSON file."""
    content = {
        "info": {},
        "images": [{"id": i, "file_name": f"{id}.png", "width": 64, "height": 48} for i, id in enumerate(IDS)],
        "categories": [{"id": 3, "name": "cat", "supercategory": "x"}, {"id": 7, "name": "dog"}],
        "annotations": [
            {
                "id": i,
                "image_id": i % 3,
                "category_id": 3 + 4 * (i % 2),
                "bbox": [1, 2, 10.5, 20],
                "area": 200.0,
                "iscrowd": i % 2,
                "segmentation": {"counts": [0, 64 * 48], "size": [48, 64]} if i == 3 else [[1, 2, 10, 2, 10, 20]],
            }
            for i in range(5)
        ],
    }
    write(root / "annotations" / "instances_train.json", json.dumps(content, indent=0))
    return "images"


def yolo(root):
    """A text file an image, and data.yaml."""
    write(root / "data.yaml", "path: .\ntrain: images\nval: images\nnc: 2\nnames: [cat, dög]\n")
    for id in IDS:
        write(root / "labels" / f"{id}.txt", "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.4 0.1 0.4 0.5 0.1 0.5\n")
    return "images"


def labelme(root):
    """A JSON file an image."""
    for id in IDS:
        shapes = [
            {"label": "cat", "shape_type": "rectangle", "points": [[1, 2], [30.5, 40]], "flags": {}, "group_id": None},
            {"label": "dog", "shape_type": "polygon", "points": [[1, 2], [30, 4], [20, 30]], "flags": {}},
            {"label": "dog", "shape_type": "circle", "points": [[20, 20], [20, 25]], "flags": {}},
        ]
        content = {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": f"{id}.png", "imageData": None}
        write(root / f"{id}.json", json.dumps({**content, "imageHeight": 48, "imageWidth": 64}))
    return "."


def cvat(root):
    """CVAT XML for images 1.1."""
    images = "".join(
        f"""<image id="{i}" name="{id}.png" width="64" height="48" subset="train">
<box label="cat" occluded="0" xtl="1.0" ytl="2" xbr="30" ybr="40" rotation="10" z_order="0"/>
<polygon label="dog" points="1,2;30,4;20,30" z_order="1"/><ellipse label="dog" cx="20" cy="20" rx="5" ry="4"/>
<mask label="cat" rle="2, 3, 4" left="3" top="3" width="3" height="3"/></image>\n"""
        for i, id in enumerate(IDS)
    )
    labels = "<labels><label><name>cat</name></label><label><name>dog</name></label></labels>"
    write(
        root / "annotations.xml",
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>{labels}</task></meta>'
        f"{images}</annotations>",
    )
    return "images"


def csv(root):
    """TensorFlow's object detection CSV."""
    rows = "".join(f"{id}.png,64,48,{name},1,2,30,40\n" for id in IDS for name in ("cat", "dog"))
    write(root / "train.csv", f"filename,width,height,class,xmin,ymin,xmax,ymax\n{rows}")
    return "images"


def lists(root):
    """Lines of an image and its boxes."""
    write(root / "train.txt", "".join(f"images/{id}.png 1,2,30,40,0 5,6,20,21,1\n" for id in IDS))
    write(root / "classes.txt", "cat\ndog\n")
    return "images"


def folders(root):
    """Masks of ids beside the images, and the classes' names."""
    draw(root, "masks/{}.png")
    write(root / "classes.txt", "background\ncat\ndog\n")
    return "images"


def shards(root):
    """A tar of images and JSON, one name of it long."""
    from trizoo.tests import shard_files

    image = shard_files.picture(SIZE, kind="PNG")
    described = shard_files.boxes(("cat", 1, 2, 30, 40), ("dog", 5, 6, 20, 21), size=SIZE, crowd=[False, True])
    parts = ("png", image), ("json", described)
    members = [(f"{key}.{kind}", data) for key in (*IDS, "照" * 60) for kind, data in parts]
    shard_files.write(root / "train-0.tar", *members)
    return "."


def voc_masks(root):
    """VOC's palette masks and lists."""
    draw(root, "SegmentationClass/{}.png")
    write(root / "ImageSets" / "Segmentation" / "train.txt", "a\nb c\n")
    return "JPEGImages"


def cityscapes(root):
    """Masks of label ids."""
    draw(root, "gtFine/train/x/{}_gtFine_labelIds.png", values=CLASSES * 7)
    return "leftImg8bit/train/x"


def panoptic(root):
    """COCO's PNGs of segment ids, and the JSON that says what they are."""
    segments = [{"id": number, "category_id": 3 + 4 * (number % 2), "iscrowd": 0} for number in (1, 2)]
    annotations = [
        {"image_id": number, "file_name": f"{id}.png", "segments_info": segments} for number, id in enumerate(IDS)
    ]
    images = [{"id": number, "file_name": f"{id}.png", "width": 64, "height": 48} for number, id in enumerate(IDS)]
    categories = [{"id": 3, "name": "cat", "isthing": 1}, {"id": 7, "name": "dog", "isthing": 0}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    write(root / "annotations" / "panoptic_train.json", json.dumps(content))
    draw(root, "annotations/panoptic_train/{}.png", values=np.stack([CLASSES, 0 * CLASSES, 0 * CLASSES], axis=-1))
    return "train"


def sbd(root):
    """MATLAB's files, packed as SBD's are."""
    for id in IDS:
        path = root / "cls" / f"{id}.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(matlab(CLASSES))
    write(root / "train.txt", "a\nb c\n")
    return "img"


def matlab(values):
    """GTcls.Segmentation (H, W) uint8 in a MATLAB 5 file."""

    def element(kind, data):
        return kind.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data + bytes(-len(data) % 8)

    def matrix(kind, shape, name, *parts):
        sides = np.array(shape, "<i4").tobytes()
        return element(
            14, b"".join((element(6, bytes([kind]) + bytes(7)), element(5, sides), element(1, name), *parts))
        )

    pixels = matrix(9, values.shape, b"", element(2, values.tobytes(order="F")))
    names = element(5, (13).to_bytes(4, "little")) + element(1, b"Segmentation\0")
    packed = zlib.compress(matrix(2, (1, 1), b"GTcls", names, pixels))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    return head + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed


def draw(root, place, values=CLASSES):
    """A PNG of these values for each id."""
    for id in IDS:
        path = root / place.format(id)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)


def write(path, text):
    """A text file, its folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


BOXES = {
    "voc": voc,
    "coco": coco,
    "yolo": yolo,
    "labelme": labelme,
    "cvat": cvat,
    "csv": csv,
    "lists": lists,
    "shards": shards,
}
MASKS = {
    **{"folders": folders, "voc": voc_masks, "cityscapes": cityscapes, "panoptic": panoptic, "sbd": sbd},
    **{"coco": coco, "labelme": labelme, "cvat": cvat, "yolo": yolo},
}


def boxes_of(layout, root, layouts=BOXES):
    """A data set with boxes: the files to change, and what opens it as training does.

    Args:
        layouts: BOXES, or those of points
    """
    from trizoo.data.boxes.find import find_boxes

    def read():
        for record in find_boxes(root, layout).open().records:
            check_within(record.image, root)

    return made(layouts[layout], root), read


def masks_of(layout, root):
    """A data set with masks: the files to change, and what opens it and draws its masks."""
    from trizoo.data.masks.find import find_masks

    def read():
        data = find_masks(root, layout).open()
        for number, record in enumerate(data.records):
            check_within(record.image, root)
            data.mask(number)

    return made(MASKS[layout], root), read


def made(make, root):
    """Draws the images of a data set whose annotations `make` writes: the files to change, all but the images."""
    images = root / make(root)
    images.mkdir(parents=True, exist_ok=True)
    seen = []
    for id in IDS:
        seen.append(images / f"{id}{'_leftImg8bit' if images.parts[-3:-2] == ('leftImg8bit',) else ''}.png")
        Image.new("RGB", SIZE, (90, 120, 60)).save(seen[-1])
    return [path for path in sorted(root.rglob("*")) if path.is_file() and path not in seen]


def check_within(path, root):
    """RuntimeError for a file outside of the data set."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise RuntimeError(f"{path} lies outside of the data set")
