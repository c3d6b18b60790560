"""One data set in several formats is the same data set."""

import random

import pytest
from PIL import Image, ImageDraw

from trizoo.data.boxes.find import find_boxes
from trizoo.data.splits import split_by_hash
from trizoo.tests import cvat_files, labelme_files
from trizoo.tests.voc_files import add, thing

CLASSES = ("cat", "dog", "emu")


@pytest.fixture(scope="module")
def scenes():
    """Name of an image -> its size and its (class, xmin, ymin, xmax, ymax), corners in whole pixels."""
    rng = random.Random(7)
    found = {}
    for number in range(100):
        width, height = rng.randint(30, 90), rng.randint(30, 90)
        objects = []
        for _ in range(rng.randint(0, 5)):
            left, top = rng.randint(0, width - 9), rng.randint(0, height - 9)
            objects.append((rng.choice(CLASSES), left, top, rng.randint(left + 2, width), rng.randint(top + 2, height)))
        found[f"scene {number}"] = ((width, height), objects)
    return found


def draw(path, size, objects):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, (90, 120, 60))
    for name, left, top, right, bottom in objects:
        ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), CLASSES.index(name) * 9)
    image.save(path)


def as_voc(root, scenes):
    for name, (size, objects) in scenes.items():
        things = [thing(label, left + 1, top + 1, right, bottom) for label, left, top, right, bottom in objects]
        add(root, name, "".join(things), size)  # VOC counts from 1 and includes the last pixel
        draw(root / "JPEGImages" / f"{name}.jpg", size, objects)


def as_labelme(root, scenes):
    for name, (size, objects) in scenes.items():
        draw(root / f"{name}.jpg", size, objects)
        shapes = []
        for number, (label, left, top, right, bottom) in enumerate(objects):
            corners = [[right, top], [left, bottom]] if number % 2 else [[left, top], [right, bottom]]
            shapes.append(labelme_files.shape(label, corners, "rectangle"))
        labelme_files.write(root / f"{name}.json", *shapes, size=size, image=f"{name}.jpg")


def as_cvat(root, scenes):
    entries = []
    for name, (size, objects) in scenes.items():
        draw(root / "images" / f"{name}.jpg", size, objects)
        entries.append(
            cvat_files.image(f"{name}.jpg", *(cvat_files.box(*described) for described in objects), size=size)
        )
    cvat_files.write(root / "annotations.xml", *entries, labels=CLASSES)


@pytest.mark.parametrize("write", [as_voc, as_labelme, as_cvat])
def test_a_data_set_reads_the_same_in_every_format(tmp_path, scenes, write):
    write(tmp_path, scenes)
    listing = find_boxes(tmp_path)
    assert listing.layout == write.__name__.removeprefix("as_")
    data = listing.open()
    assert (data.classes, data.problems) == (CLASSES, [])
    assert len(data.records) == len(scenes)
    for record in data.records:
        size, objects = scenes[record.id]
        assert (record.image.name, record.size) == (f"{record.id}.jpg", size)
        assert [data.classes[label] for label in record.labels] == [name for name, *_ in objects]
        assert record.boxes.tolist() == [corners for _, *corners in objects]
    assert listing.splits == split_by_hash(scenes)
