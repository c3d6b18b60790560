"""labelme's JSON files: the bounds of what is drawn on each image.

Limits: 512 MiB, of which the shapes have 16 MiB: within 1 GiB and 20 seconds a file.
"""

import numpy as np

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.boxes.points import HALF, some
from trizoo.data.labelme_files import circle_of, find_files, mask_pixels, read_labelme
from trizoo.data.name_files import order_files
from trizoo.data.reading import Problem
from trizoo.data.splits import find_lists
from trizoo.ground.boxes import around
from trizoo.ground.errors import UserError

# shape_type -> how many points it has at least and at most
_POINTS = {
    "polygon": (3, None),
    "rectangle": (2, 4),
    "oriented_rectangle": (4, 4),
    "rotation": (4, 4),  # as X-AnyLabeling calls it
    "circle": (2, 2),
    "line": (2, 2),
    "linestrip": (2, None),
    "mask": (1, None),
}
_LINES = ("line", "linestrip")
_DOTS = ("point", "points")
NO_CLASS = ("_background_", "__ignore__")  # names of what is no object


def find_labelme(root, images=None, annotations=None):
    """The `Listing` of labelme's files in a folder and those below it, None where there are none.

    See `trizoo.data.labelme_files.find_files` for which image each is of; labels.txt or classes.txt in the folder
    may say the order of classes.
    """
    files = find_files(root, images, annotations)
    return None if files is None else _listing(root, files, images, annotations)


def find_labelme_points(root, images=None, annotations=None):
    """The same where files have points, each of which is an object here with a box of one pixel about it; else None."""
    files = find_files(root, images, annotations)
    if files is None or not any(_has_points(path) for path in some(files.annotations.values())):
        return None
    return _listing(root, files, images, annotations, points=True)


def _listing(root, files, images, annotations, points=False):
    return Listing(
        root,
        "labelme-points" if points else "labelme",
        files.images,
        files.annotations,
        lambda id: read_annotation(files.annotations[id], points),
        find_lists(root, files.annotations, others=files.images),
        problems=files.problems,
        remarks=files.doubles,
        image_folder=images,
        annotation_folder=annotations,
        order_files=order_files(root),
    )


def _has_points(path):
    try:
        return any(shape.kind in _DOTS for shape in read_labelme(path).shapes)
    except UserError:  # told when it is read for good
        return False


def read_annotation(path, points=False):
    """The `Annotation` of one labelme file.

    labelme's coordinates are continuous and count from 0, so they stay as they are. Shapes with the same label and the
    same group_id are the parts of one object. What has no area is left out, which `problems` tells.

    Args:
        points: whether points count, each as an object of its own; else they are left out too

    Raises:
        UserError: for what is no labelme file
    """
    content = read_labelme(path)
    problems, remarks = [], []
    parts = {}  # name and group, or place -> [(shape, bounds)]
    for shape in content.shapes:
        if not shape.name:
            text = f"{shape.where}: an object without a name is left out"
            problems.append(Problem("object without name", content.path, text))
            continue
        if points and shape.kind in _DOTS and shape.points is not None and shape.name not in NO_CLASS:
            parts.update({(shape.where, n): [(shape, around(point, HALF))] for n, point in enumerate(shape.points)})
            continue
        bounds = _bounds(shape)
        if isinstance(bounds, tuple):
            kind, text = bounds
            problems.append(Problem(kind, content.path, f"{shape.where}: {shape.name} {text} and is left out"))
        elif shape.name in NO_CLASS:
            text = f"{shape.where}: {shape.name} is no class and is left out"
            remarks.append(Problem("shape of no class", content.path, text))
        else:
            key = (shape.name, shape.group) if shape.group is not None else shape.where
            parts.setdefault(key, []).append((shape, bounds))
    objects = []
    for members in parts.values():
        shapes, bounds = zip(*members, strict=True)
        where = ", ".join(shape.where for shape in shapes)
        name = shapes[0].name
        corners = np.array(bounds)
        box = (*corners[:, :2].min(axis=0).tolist(), *corners[:, 2:].max(axis=0).tolist())
        if box[0] == box[2] or box[1] == box[3]:
            written = ", ".join(f"{side:g}" for side in box)
            text = f"{where}: {name} ({written}) has no area and is left out"
            problems.append(Problem("box without area", content.path, text))
            continue
        if len(shapes) > 1:
            text = f"{where}: {name} are one object, of group {shapes[0].group}"
            remarks.append(Problem("object of several shapes", content.path, text))
        elif shapes[0].kind in _LINES:
            remarks.append(Problem("line as box", content.path, f"{where}: {name} is a {shapes[0].kind}"))
        objects.append(AnnotatedObject(name, box, any(shape.difficult for shape in shapes), where=where))
    return Annotation(
        content.path, tuple(objects), tuple(problems), tuple(remarks), content.size, _file_name(content.image_name)
    )


def _file_name(path):
    return path.replace("\\", "/").rpartition("/")[2]


def _bounds(shape):
    """xmin, ymin, xmax, ymax of a shape as an array (4,), or a pair of what is wrong and its sentence."""
    if shape.kind in _DOTS:
        return "point as object", "is a point, which has no box"
    if shape.kind not in _POINTS:
        return "shape of unknown kind", f"is of shape_type {shape.kind!r}; {', '.join(_POINTS)} are known"
    if shape.points is None:
        return "object without box", "has no list of [x, y] in pixels as its points"
    least, most = _POINTS[shape.kind]
    number = len(shape.points)
    if number < least or (most and number > most) or (shape.kind == "rectangle" and number == 3):
        return "box without area", f"is a {shape.kind} of {number} points, which covers nothing,"
    if shape.kind == "circle":
        centre, radius = circle_of(shape.points)
        return np.concatenate([centre - radius, centre + radius])
    if shape.kind == "mask":
        return _mask_bounds(shape)
    return np.concatenate([shape.points.min(axis=0), shape.points.max(axis=0)])


def _mask_bounds(shape):
    try:
        pixels, corner = mask_pixels(shape)
    except ValueError as error:
        return "object without box", f"is a mask with {error}"
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return "box without area", "is a mask without a pixel"
    inside = np.array([(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)], np.float64)
    return (inside + corner).ravel()
