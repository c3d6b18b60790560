"""Small data sets as writers get them."""

import numpy as np
from PIL import Image

from trizoo.data.write.content import Content, file_names
from trizoo.ground.sample import Record

# xmin, ymin, xmax, ymax, label, difficult, crowd of the objects of each image
OBJECTS = {
    "train/照片 1": [(0, 1, 10, 20, 0, False, False), (4.25, 4.5, 40, 30, 1, True, False)],
    "val/照片 1": [(0.1, 0.2, 33.3, 29.9, 1, False, False), (3, 3, 20, 20, 0, False, True)],
    "train/empty": [],
    "train/b": [(1e-3, 2 / 3, 39.999, 1 + 2 / 3 + 1e-3, 1, False, False)],
}
SPLITS = {"train": [0, 2, 3], "trainval": [0, 1, 2, 3], "val": [1]}
CLASSES = ("a & b", "狗: 'c'")
SIZE = (40, 30)


def boxes(folder, **options):
    """A `Content` with boxes; its images are drawn in a folder."""
    records = []
    for number, (id, objects) in enumerate(OBJECTS.items()):
        path = folder / f"{number}.PNG"
        Image.new("RGB", SIZE, (number, 9, 9)).save(path)
        table = np.array([row[:4] for row in objects], np.float32).reshape(-1, 4)
        labels, difficult, crowd = (
            np.array([row[column] for row in objects], kind) for column, kind in ((4, np.int64), (5, bool), (6, bool))
        )
        records.append(Record(id, path, SIZE, table, labels, difficult, crowd))
    return Content(CLASSES, records, file_names([*OBJECTS]), SPLITS, **options)


def masks(folder, drawn, classes=("background", "cell", "图"), **options):
    """A `Content` with masks, one image each; the first trains and the others validate."""
    records = []
    for number, mask in enumerate(drawn):
        path = folder / f"m{number}.png"
        Image.new("RGB", mask.shape[::-1], (number, 9, 9)).save(path)
        records.append(Record(f"m{number}", path, mask.shape[::-1]))
    names = [record.id for record in records]
    splits = {"train": [0], "val": [*range(1, len(records))]}
    return Content(classes, records, names, splits, mask=lambda place: drawn[place], **options)


def ragged(seed=0, values=(0, 1, 2, 255)):
    """Two masks with regions of all shapes: single pixels, holes in holes, corners that touch."""
    random = np.random.default_rng(seed)
    fine = random.choice(np.array(values, np.uint8), (17, 23))
    coarse = np.kron(random.choice(np.array(values, np.uint8), (4, 5)), np.ones((3, 4), np.uint8)).astype(np.uint8)
    coarse[4:8, 5:15] = values[1]
    coarse[5:7, 7:12] = values[0]
    coarse[6, 9] = values[-2]
    return [fine, coarse]
