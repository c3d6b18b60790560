"""labelme's JSON files: outlines with names beside their images, drawn as masks of class ids.

Limits: those of the boxes for the file; shapes that cover 4 times the image or 268 million pixels and cross 8 million
rows. A file is read and its mask drawn within 1 GiB and 30 seconds.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.labelme_files import Shape, circle_of, find_files, mask_pixels, read_labelme
from trizoo.data.masks.listing import Listing, examples
from trizoo.data.masks.pair import BACKGROUND, Pair
from trizoo.data.masks.polygons import Ink, paint, put
from trizoo.data.name_files import read_names
from trizoo.data.reading import Problem
from trizoo.data.splits import split_up
from trizoo.ground.conventions import BACKGROUND_NAMES, IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, hint

IGNORED_NAMES = ("__ignore__", "_ignore_", "ignore", "void")
_CIRCLE_CORNERS = 72
_RECTANGLES = ("rectangle", "oriented_rectangle", "rotation")  # the last as X-AnyLabeling calls it
_WITHOUT_AREA = ("line", "linestrip", "point", "points")


@dataclass(frozen=True)
class LabelmeMask:
    """The areas of a labelme file.

    Args:
        size: (width, height) that it says its image has, or None
        problems: the shapes that are left out
        background: whether what no shape covers is a class
    """

    path: Path
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]
    problems: tuple[Problem, ...]
    background: bool = True

    @property
    def names(self):
        """The names that make classes, each once: without those that mean background or ignored."""
        return {shape.name for shape in self.shapes} - {*BACKGROUND_NAMES, *IGNORED_NAMES}

    def draw(self, labels, size):
        """Class ids, uint8 (H, W), for an image of size (width, height); later shapes lie over earlier ones.

        What no shape covers is background, or ignored where there is no such class.

        Args:
            labels: name -> class id

        Raises:
            UserError: for a name that isn't among them, an image of another size than the file's, and shapes that
                cover more than `Ink` allows
        """
        if self.size not in (None, size):
            said, real = (f"{width}x{height}" for width, height in (self.size, size))
            raise UserError(f"{self.path} was drawn on an image of {said}, but its image is {real}")
        ground = labels.get(BACKGROUND, IGNORE)
        canvas = np.full(size[::-1], ground, np.uint8)
        known = {**dict.fromkeys(BACKGROUND_NAMES, ground), **dict.fromkeys(IGNORED_NAMES, IGNORE), **labels}
        ink = Ink(canvas.size)
        for shape in self.shapes:
            if shape.name not in known:
                raise UserError(_unknown_name(self.path, shape.name, labels))
            try:
                if shape.kind == "mask":
                    put(canvas, *mask_pixels(shape), known[shape.name], ink)
                else:
                    paint(canvas, _outline(shape), known[shape.name], ink)
            except ValueError as error:
                raise UserError(f"{self.path}, {shape.where} can't be drawn: {error}") from error
        return canvas


def find_labelme(root, images=None, annotations=None):
    """The `Listing` of labelme's files in a folder and those below it, None where there are none.

    See `trizoo.data.labelme_files.find_files` for which image each is of. Class 0 is the background, unless all files
    have the flag no_background; then come the names of labels.txt, where it has all of them, else by the alphabet.
    """
    files = find_files(root, images, annotations)
    if files is None:
        return None
    pairs, unpaired, problems = {}, [], [*files.problems, *files.doubles]
    for id, path in files.annotations.items():
        if id in files.images:
            pairs[id] = Pair(id, files.images[id], read_areas(path))
            problems += pairs[id].truth.problems
        else:
            unpaired.append(Problem("annotation without image", path, "has no image"))
    if not pairs:
        number = len(files.annotations)
        raise UserError(f"none of the {number} labelme files in {root} has its image there; {examples(unpaired)}")
    for id, image in files.images.items():
        if id not in pairs:
            unpaired.append(Problem("image without annotation", image, "has no labelme file"))
    names = set().union(*(pair.truth.names for pair in pairs.values()))
    splits, notes, listed = split_up(root, pairs, {}, having="a mask")
    classes = _in_order(root, names)
    if any(pair.truth.background for pair in pairs.values()):
        classes = (BACKGROUND, *classes)
    return Listing(root, "labelme", pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _in_order(root, names):
    """Names as labels.txt lists them, with those that no shape has; by the alphabet where it lacks any."""
    path = root / "labels.txt"
    try:
        listed = read_names(path).names if path.is_file() else ()
    except UserError:
        listed = ()
    listed = tuple(name for name in listed if name not in (*BACKGROUND_NAMES, *IGNORED_NAMES))
    return listed if names <= {*listed} else tuple(sorted(names))


def read_areas(path):
    """The `LabelmeMask` of a JSON file.

    Polygons, rectangles, circles and masks are areas; lines and points are none and are left out, which `problems`
    tells, as of shapes without a name or with too few points. Raises UserError where the file is no labelme file, or
    has a shape that can't be drawn.
    """
    content = read_labelme(path)
    shapes, problems = [], []
    for shape in content.shapes:
        if not shape.name:
            text = f"{shape.where} has no label and is left out"
            problems.append(Problem("shape without name", content.path, text))
            continue
        reason = _no_area(shape, content.path)
        if reason is None:
            shapes.append(shape)
        else:
            text = f"{shape.where}: {shape.name} is a {reason}, which covers nothing, and left out"
            problems.append(Problem("shape without area", content.path, text))
    return LabelmeMask(content.path, content.size, tuple(shapes), tuple(problems), content.background)


def _no_area(shape, path):
    """What a shape without area is, None for one that can be drawn. Raises UserError for what can't be read."""
    if shape.kind in _WITHOUT_AREA:
        return shape.kind
    if shape.kind not in ("polygon", *_RECTANGLES, "circle", "mask"):
        raise UserError(
            f"{path}, {shape.where}: {shape.name} is of shape_type {shape.kind!r}; polygon, rectangle, circle and mask "
            f"are known"
        )
    if shape.points is None:
        raise UserError(f"{path}, {shape.where}: {shape.name} has no list of [x, y] in pixels as its points")
    if shape.kind == "mask":
        try:
            mask_pixels(shape)
        except ValueError as error:
            raise UserError(f"{path}, {shape.where}: {shape.name} is a mask with {error}") from error
        return None
    number = len(shape.points)
    enough = number > 2 if shape.kind == "polygon" else number in ((2,) if shape.kind == "circle" else (2, 4))
    return None if enough else f"{shape.kind} of {number} points"


def _outline(shape):
    """float64 (N, 2), x and y of the corners of what isn't a mask."""
    points = shape.points
    if shape.kind == "circle":
        centre, radius = circle_of(points)
        angles = np.arange(_CIRCLE_CORNERS) * (2 * math.pi / _CIRCLE_CORNERS)
        return centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if shape.kind == "polygon":
        return points
    if len(points) == 2:
        (x0, y0), (x1, y1) = points
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    across = points - points.mean(axis=0)  # four corners, which may be written in any order
    return points[np.argsort(np.arctan2(across[:, 1], across[:, 0]))]


def _unknown_name(path, name, labels):
    """The sentence about a name that is no class."""
    known = list(labels)
    return f"{path}: unknown class {name!r}{hint(name, known)}; the classes are {first_few(known)}"
