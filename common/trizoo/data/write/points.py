"""Tables of points: images, and SPLIT.csv with a point a row."""

import csv

import numpy as np

from trizoo.data.write.content import hard_link_notes, write_lines
from trizoo.ground.boxes import centres
from trizoo.ground.errors import UserError

HEADER = ("image", "x", "y", "class")


def write_points(content, folder):
    """Writes a `Content` into an empty folder -> notes.

    An image is in one split, train before val before test before any other. Its objects become the middles of their
    boxes, in continuous pixels from the upper left corner; one without any has a row with its name alone. Difficult
    objects are objects like others, crowds are left out. The names of classes are in classes.txt.

    Raises UserError for masks.
    """
    if content.mask:
        raise UserError("tables of points hold no masks; another layout, or --task detection, would do")
    splits, notes = content.once()
    images = folder / "images"
    images.mkdir()
    write_lines(folder / "classes.txt", content.classes)

    def write(place):
        record = content.records[place]
        hard = content.put_image(place, images)
        kept = ~record.crowd
        points = centres(np.asarray(record.boxes, np.float64))[kept].round(4).tolist()
        named = [content.classes[label] for label in record.labels[kept].tolist()]
        name = f"images/{content.file_name(place)}"
        rows = [(name, *map(_number, point), label) for point, label in zip(points, named, strict=True)]
        return rows or [(name, "", "", "")], hard, int(record.difficult[kept].sum()), int((~kept).sum())

    places = sorted({*range(len(content))} - {*content.in_no_split})
    rows, hard, flagged, crowds = zip(*content.each(write, places), strict=True)
    rows = dict(zip(places, rows, strict=True))
    for split, members in splits.items():
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(HEADER)
            table.writerows(row for place in members for row in rows[place])
    notes += [*content.left_out(), *hard_link_notes(hard)]
    if sum(flagged):
        notes.append(f"tables of points have no flag for difficult objects, so these are like others: {sum(flagged)}")
    if sum(crowds):
        notes.append(f"tables of points know no crowds, so these are left out: {sum(crowds)}")
    return notes


def _number(value):
    return f"{value:.4f}".rstrip("0").rstrip(".")
