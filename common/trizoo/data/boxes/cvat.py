"""CVAT's XML for images 1.1: the bounds of what is drawn on each image.

Limits: 1,000,000 images, 2,000,000 shapes and 16 MiB a tag, however long the file is: within 1 GiB and 60 seconds.
"""

import numpy as np

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.boxes.points import HALF
from trizoo.data.cvat_files import find_files
from trizoo.data.reading import Problem
from trizoo.data.splits import Lists, find_lists
from trizoo.ground.boxes import around

_DOTS = "points"
_WITHOUT_BOX = (_DOTS, "skeleton")


def find_cvat(root, images=None, annotations=None):
    """The `Listing` of CVAT's XML files in a folder and those below it, None where there are none.

    See `trizoo.data.cvat_files.find_files` for which image each entry is of. Subsets are splits. Raises UserError for
    XML that can't be read, and for the tracks of a video.
    """
    files = find_files(root, images, annotations)
    return None if files is None else _listing(root, files, images, annotations)


def find_cvat_points(root, images=None, annotations=None):
    """The same where images have points, each of which is an object here with a box of one pixel about it; else None.

    Skeletons are left out here too.
    """
    files = find_files(root, images, annotations)
    if files is None or not any(shape.kind == _DOTS for entry in files.entries.values() for shape in entry.shapes):
        return None
    return _listing(root, files, images, annotations, points=True)


def _listing(root, files, images, annotations, points=False):
    lists = Lists(files.splits) if files.splits else find_lists(root, files.entries, others=files.images)
    return Listing(
        root,
        "cvat-points" if points else "cvat",
        files.images,
        {id: entry.file for id, entry in files.entries.items()},
        lambda id: as_annotation(files.entries[id], points),
        lists,
        files.labels,
        problems=files.problems,
        remarks=files.doubles,
        image_folder=images,
        annotation_folder=annotations,
    )


def as_annotation(entry, points=False):
    """The `Annotation` of a `trizoo.data.cvat_xml.CvatImage`.

    CVAT's coordinates are continuous and count from 0, so they stay as they are. A turned box or ellipse becomes its
    bounds; attributes called difficult and is_crowd are flags. Skeletons and what has no area are left out, which
    `problems` tells.

    Args:
        points: whether points count, each as an object of its own; else they are left out too
    """
    objects, problems, remarks = [], [], []
    for shape in entry.shapes:
        where = f"line {shape.line}"
        if shape.kind == "tag":
            remarks.append(Problem("tag of an image", entry.file, f"{where}: {shape.name} is of the whole image"))
            continue
        if points and shape.kind == _DOTS and shape.name and shape.numbers:
            for point in zip(shape.numbers[::2], shape.numbers[1::2], strict=False):
                box = tuple(around(np.array(point), HALF).tolist())
                objects.append(AnnotatedObject(shape.name, box, shape.difficult, shape.crowd, where))
            continue
        bounds = _bounds(shape)
        if len(bounds) == 2:
            kind, text = bounds
            problems.append(Problem(kind, entry.file, f"{where}: {text} and is left out"))
            continue
        if shape.kind == "polyline":
            remarks.append(Problem("line as box", entry.file, f"{where}: {shape.name} is a polyline"))
        objects.append(AnnotatedObject(shape.name, bounds, shape.difficult, shape.crowd, where))
    return Annotation(
        entry.file,
        tuple(objects),
        tuple(problems),
        tuple(remarks),
        entry.size,
        entry.name.replace("\\", "/").rpartition("/")[2],
    )


def _bounds(shape):
    """xmin, ymin, xmax, ymax of a shape, or what is wrong with it, in few words and as a sentence."""
    if not shape.name:
        return "object without name", f"a {shape.kind} without a label"
    if shape.kind in _WITHOUT_BOX:
        return "point as object", f"{shape.name} is of the kind {shape.kind}, which has no box,"
    if shape.numbers is None:
        return "object without box", f"{shape.name} is a {shape.kind} without numbers in pixels"
    left, top, right, bottom = bounds = shape.bounds()
    if left == right or top == bottom:
        return "box without area", f"{shape.name} ({left:g}, {top:g}, {right:g}, {bottom:g}) has no area"
    return bounds
