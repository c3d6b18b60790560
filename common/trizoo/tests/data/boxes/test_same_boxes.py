"""One data set written in every format reads back as the same images, classes and boxes."""

import json
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from trizoo.data.boxes.find import FINDERS, find_boxes
from trizoo.data.check import check
from trizoo.ground.sample import Detections
from trizoo.metrics.detection import evaluate
from trizoo.tests import cvat_files, labelme_files, shard_files
from trizoo.tests.voc_files import add, add_list, thing

NAMES = ("cat", "big dog", "猫", *(f"class {number}" for number in range(17)))
COUNT = 100


def drawn():
    """Id -> (split, size, [(name, whole xmin, ymin, xmax, ymax from 0, the last two not within)]).

    Of the images whose number ends with 3 every object is difficult, where a format has a word for that.
    """
    draw, images = random.Random(7), {}
    for index in range(COUNT):
        size = draw.randint(40, 90), draw.randint(40, 90)
        objects = []
        for _ in range(draw.randint(0, 4)):
            xs, ys = (sorted(draw.sample(range(0, side + 1, 2), 2)) for side in size)  # VOC has no boxes of one pixel
            objects.append((draw.choice(NAMES), xs[0], ys[0], xs[1], ys[1]))
        images[f"{index:03}"] = "val" if index % 5 == 4 else "train", size, objects
    return images


DRAWN = drawn()


def paint(path, size, objects):
    """The picture of an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, (90, 120, 60))
    for name, *corners in objects:
        ImageDraw.Draw(image).rectangle(corners, fill=(40 + 10 * NAMES.index(name), 30, 60))
    image.save(path)


def write_voc(root):
    for id, (_, size, objects) in DRAWN.items():
        corners = [(name, x0 + 1, y0 + 1, x1, y1) for name, x0, y0, x1, y1 in objects]  # VOC counts from 1
        flag = f"<difficult>{int(id.endswith('3'))}</difficult>"
        add(root, id, "".join(thing(*described, flag) for described in corners), size)
        paint(root / "JPEGImages" / f"{id}.jpg", size, objects)
    for split in ("train", "val"):
        add_list(root, split, [id for id, drawn in DRAWN.items() if drawn[0] == split])


def write_yolo(root):
    for id, (split, (width, height), objects) in DRAWN.items():
        paint(root / "images" / split / f"{id}.png", (width, height), objects)
        lines = [
            f"{NAMES.index(n)} {(a + c) / 2 / width:.6f} {(b + d) / 2 / height:.6f} {(c - a) / width:.6f} "
            f"{(d - b) / height:.6f}\n"
            for n, a, b, c, d in objects
        ]
        (root / "labels" / split).mkdir(parents=True, exist_ok=True)
        if lines:
            (root / "labels" / split / f"{id}.txt").write_text("".join(lines), encoding="utf-8")
    text = f"train: images/train\nval: images/val\nnc: 20\nnames: [{', '.join(NAMES)}]\n"
    (root / "data.yaml").write_text(text, encoding="utf-8")


def write_outlines(root):
    for id, (split, (width, height), objects) in DRAWN.items():
        paint(root / split / "images" / f"{id}.jpg", (width, height), objects)
        (root / split / "labels").mkdir(parents=True, exist_ok=True)
        lines = [
            f"{NAMES.index(n)} {a / width} {b / height} {c / width} {b / height} {c / width} {d / height}\n"
            for n, a, b, c, d in objects
        ]
        (root / split / "labels" / f"{id}.txt").write_text("".join(lines), encoding="utf-8")
    (root / "classes.txt").write_text("\n".join(NAMES), encoding="utf-8")


def write_csv(root):
    rows = {split: ["filename,width,height,class,xmin,ymin,xmax,ymax"] for split in ("train", "val")}
    for id, (split, (width, height), objects) in DRAWN.items():
        paint(root / "images" / f"{id}.jpg", (width, height), objects)
        corners = [",".join(map(str, (name, *box))) for name, *box in objects] or [",,,,"]
        rows[split] += [f"{id}.jpg,{width},{height},{described}" for described in corners]
    for split, lines in rows.items():
        (root / f"{split}_labels.csv").write_text("\n".join(lines), encoding="utf-8")


def write_retinanet(root):
    rows = {"train": [], "val": []}
    for id, (split, size, objects) in DRAWN.items():
        paint(root / "images" / f"{id}.jpg", size, objects)
        corners = [",".join(map(str, (*box, name))) for name, *box in objects] or [",,,,"]
        rows[split] += [f"/somewhere/images/{id}.jpg,{described}" for described in corners]
    for split, lines in rows.items():
        (root / f"{split}.csv").write_text("\n".join(lines), encoding="utf-8")
    labels = [f"{name},{label}" for label, name in enumerate(NAMES)]
    (root / "names.csv").write_text("\n".join(labels), encoding="utf-8")


def write_lists(root):
    lines = {"train": [], "val": []}
    for id, (split, size, objects) in DRAWN.items():
        paint(root / "my images" / f"{id}.jpg", size, objects)
        corners = [",".join(map(str, (*box, NAMES.index(name)))) for name, *box in objects]
        lines[split].append(" ".join([f"my images/{id}.jpg", *corners]))
    for split, written in lines.items():
        (root / f"2007_{split}.txt").write_text("\n".join(written), encoding="utf-8")
    (root / "classes.txt").write_text("\n".join(NAMES), encoding="utf-8")


def write_coco(root):
    for split in ("train", "val"):
        images, annotations = [], []
        for id, (own, (width, height), objects) in DRAWN.items():
            if own != split:
                continue
            paint(root / "images" / f"{id}.jpg", (width, height), objects)
            images.append({"id": int(id), "file_name": f"{id}.jpg", "width": width, "height": height})
            for name, a, b, c, d in objects:
                entry = {"id": len(annotations), "image_id": int(id), "category_id": 3 * NAMES.index(name) + 1}
                entry.update(bbox=[a, b, c - a, d - b], area=(c - a) * (d - b), iscrowd=0, ignore=int(id.endswith("3")))
                annotations.append(entry)
        categories = [{"id": 3 * label + 1, "name": name} for label, name in enumerate(NAMES)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(content), encoding="utf-8")


def write_labelme(root):
    for id, (split, size, objects) in DRAWN.items():
        paint(root / split / f"{id}.jpg", size, objects)
        flags = {"difficult": id.endswith("3")}
        shapes = [  # either corner may come first
            {**labelme_files.shape(name, [[c, b], [a, d]] if a % 4 else [[a, b], [c, d]], "rectangle"), "flags": flags}
            for name, a, b, c, d in objects
        ]
        labelme_files.write(root / split / f"{id}.json", *shapes, size=size, image=f"{id}.jpg")


def write_cvat(root):
    entries = []
    for id, (split, size, objects) in DRAWN.items():
        paint(root / "images" / split / f"{id}.jpg", size, objects)
        hard = f'<attribute name="difficult">{"true" if id.endswith("3") else "false"}</attribute>'
        boxes = [cvat_files.box(*described).replace("</box>", f"{hard}</box>") for described in objects]
        entries.append(cvat_files.image(f"{split}/{id}.jpg", *boxes, size=size, subset=split))
    cvat_files.write(root / "annotations.xml", *entries, labels=NAMES)


def write_shards(root):
    members = {"train": [], "val": []}
    for id, (split, size, objects) in DRAWN.items():
        paint(root / "painted.jpg", size, objects)
        content = shard_files.boxes(*objects, difficult=[id.endswith("3")] * len(objects), size=size)
        members[split] += [(f"{id}.jpg", (root / "painted.jpg").read_bytes()), (f"{id}.json", content)]
    (root / "painted.jpg").unlink()
    for split, listed in members.items():
        shard_files.write(root / f"{split}-000000.tar", *listed)


WRITERS = {
    "voc": ("voc", write_voc),
    "yolo": ("yolo", write_yolo),
    "yolo outlines": ("yolo", write_outlines),
    "csv": ("csv", write_csv),
    "retinanet": ("csv", write_retinanet),
    "lists": ("lists", write_lists),
    "coco": ("coco", write_coco),
    "labelme": ("labelme", write_labelme),
    "cvat": ("cvat", write_cvat),
    "shards": ("shards", write_shards),
}
KNOW_DIFFICULT = ("voc", "coco", "labelme", "cvat", "shards")


@pytest.mark.parametrize("written", WRITERS)
def test_a_data_set_reads_back_the_same(tmp_path, written):
    layout, write = WRITERS[written]
    write(tmp_path)
    listing = find_boxes(tmp_path)
    assert (listing.layout, layout in FINDERS) == (layout, True)
    for split in ("train", "val"):
        data = listing.open(split)
        assert data.problems == []
        assert set(data.classes) == set(NAMES)
        expected = {id: image for id, image in DRAWN.items() if image[0] == split}
        assert [record.id.rpartition("/")[2] for record in data.records] == [*expected]
        for record, (_, size, objects) in zip(data.records, expected.values(), strict=True):
            assert record.size == size
            assert [data.classes[label] for label in record.labels] == [name for name, *_ in objects]
            boxes = np.array([box for _, *box in objects], np.float32).reshape(-1, 4)
            np.testing.assert_allclose(record.boxes, boxes, atol=1e-3)  # 6 decimals of up to 90 pixels
            known = layout in KNOW_DIFFICULT and record.id.endswith("3")
            assert record.difficult.tolist() == [known] * len(objects)
    report = check(tmp_path)
    assert report.errors == []
    assert sum(row["objects"] for row in report.splits.values()) == sum(len(image[2]) for image in DRAWN.values())


def found(id):
    """What a middling detector finds on an image: boxes a few pixels off, some of another class, some missing."""
    draw, objects = random.Random(id), DRAWN[id][2]
    boxes = [[side + draw.randint(-2, 2) for side in box] for _, *box in objects if draw.random() < 0.9]
    names = [name for name, *_ in objects][: len(boxes)]
    labels = [NAMES.index(name) if draw.random() < 0.8 else draw.randrange(len(NAMES)) for name in names]
    scores = sorted((draw.random() for _ in boxes), reverse=True)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


def test_a_detector_has_the_same_map_in_every_format(tmp_path):
    maps = {}
    for written, (layout, write) in WRITERS.items():
        write(tmp_path / written)
        records = find_boxes(tmp_path / written).open("train", NAMES).records
        metrics = evaluate([found(record.id.rpartition("/")[2]) for record in records], records, NAMES)
        maps.setdefault(layout in KNOW_DIFFICULT, []).append(metrics["mAP"])
    assert len(maps[True]) == 5
    assert len(maps[False]) == 5
    for values in maps.values():
        assert max(values) - min(values) < 1e-6
        assert 0.1 < values[0] < 0.9
    assert maps[True][0] != maps[False][0]
