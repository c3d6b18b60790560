"""labelme's JSON files: outlines with names beside their images, drawn as masks of class ids."""

import base64
import io
import json
import math
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from trizoo.data.coco_files import is_named_as_coco
from trizoo.data.ids import image_files
from trizoo.data.masks.listing import Listing, examples
from trizoo.data.masks.pair import BACKGROUND, Pair
from trizoo.data.masks.polygons import FARTHEST, paint
from trizoo.data.reading import Problem, begins_with_key, json_files, read_json
from trizoo.data.splits import split_up
from trizoo.ground.conventions import BACKGROUND_NAMES, IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, hint

IGNORED_NAMES = ("__ignore__", "_ignore_", "ignore", "void")
_CIRCLE_CORNERS = 72
_WITHOUT_AREA = ("line", "linestrip", "point", "points")
_MOST_MASK_PIXELS = 1 << 26


@dataclass(frozen=True)
class Shape:
    """A named area.

    Args:
        outline: float64 (N, 2), x and y in continuous pixels
        pixels: bool (h, w) from (left, top) on
    """

    name: str
    outline: np.ndarray | None = None
    pixels: np.ndarray | None = None
    corner: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class LabelmeFile:
    """What a labelme file says.

    Args:
        image: the file it names, which may not be there
        size: (width, height), or None
    """

    path: Path
    image: Path
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...]
    problems: tuple[Problem, ...]

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
            UserError: for a name that isn't among them, and for an image of another size than the file's
        """
        if self.size not in (None, size):
            said, real = (f"{width}x{height}" for width, height in (self.size, size))
            raise UserError(f"{self.path} was drawn on an image of {said}, but {self.image} is {real}")
        ground = labels.get(BACKGROUND, IGNORE)
        canvas = np.full(size[::-1], ground, np.uint8)
        known = {**dict.fromkeys(BACKGROUND_NAMES, ground), **dict.fromkeys(IGNORED_NAMES, IGNORE), **labels}
        for shape in self.shapes:
            if shape.name not in known:
                raise UserError(_unknown_name(self.path, shape.name, labels))
            if shape.outline is not None:
                paint(canvas, shape.outline, known[shape.name])
            else:
                left, top = shape.corner
                window = canvas[max(0, top) :, max(0, left) :]
                pixels = shape.pixels[max(0, -top) :, max(0, -left) :][: window.shape[0], : window.shape[1]]
                window[: pixels.shape[0], : pixels.shape[1]][pixels] = known[shape.name]
        return canvas


def find_labelme(root, images=None, annotations=None):
    """The `Listing` of labelme's files in a folder and those below it, None where there are none."""
    paths = [path for path in json_files(root) if not is_named_as_coco(path) and _is_labelme_file(path)]
    if not paths:
        return None
    pairs, unpaired, problems = {}, [], []
    by_stem = None
    for path in paths:
        content = read_labelme(path)
        image = content.image if content.image.is_file() else None
        if image is None:
            if by_stem is None:
                by_stem = {found.stem.casefold(): found for found in image_files(root).values()}
            image = by_stem.get(content.image.stem.casefold()) or by_stem.get(path.stem.casefold())
        if image is None:
            unpaired.append(Problem("annotation without image", path, f"has no image {content.image.name}"))
            continue
        id = unicodedata.normalize("NFC", path.relative_to(root).with_suffix("").as_posix())
        pairs[id] = Pair(id, image, content)
        problems += content.problems
    if not pairs:
        raise UserError(f"none of the {len(paths)} labelme files in {root} has its image there; {examples(unpaired)}")
    annotated = {pair.image for pair in pairs.values()}
    for image in image_files(root).values():
        if image not in annotated:
            unpaired.append(Problem("image without annotation", image, "has no labelme file"))
    names = set().union(*(pair.truth.names for pair in pairs.values()))
    splits, notes, listed = split_up(root, pairs, {}, having="a mask")
    classes = (BACKGROUND, *sorted(names))
    return Listing(root, "labelme", pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _is_labelme_file(path):
    if begins_with_key(path, "shapes"):
        return True
    if not begins_with_key(path, "imageData", "imagePath", "flags", "version"):
        return False
    try:  # the keys may be sorted, and a large imageData then stands before the shapes
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and _is_labelme(content)


def _unknown_name(path, name, labels):
    """The sentence about a name that is no class."""
    known = list(labels)
    return f"{path}: unknown class {name!r}{hint(name, known)}; the classes are {first_few(known)}"


def _is_labelme(content):
    return isinstance(content.get("shapes"), list)


def read_labelme(path):
    """The `LabelmeFile` of a JSON file.

    Polygons, rectangles, circles and masks are areas; lines and points are none and are left out, which `problems`
    tells, as of shapes without a name or with too few points. Raises UserError where the file is no labelme file.
    """
    path = Path(path)
    content = read_json(path, "labelme file")
    if not _is_labelme(content):
        raise UserError(f"{path} has no list 'shapes', so it is no labelme file")
    sides = [content.get("imageWidth"), content.get("imageHeight")]
    size = tuple(sides) if all(isinstance(side, int) and side > 0 for side in sides) else None
    shapes, problems = [], []
    for number, entry in enumerate(content["shapes"], start=1):
        shape = _shape(entry, f"shape {number}", path)
        (problems if isinstance(shape, Problem) else shapes).append(shape)
    name = content.get("imagePath")
    if not isinstance(name, str) or not name.strip():
        name = path.stem
    elif "\\" in name:  # written on Windows
        name = PureWindowsPath(name).as_posix()
    return LabelmeFile(path, Path(os.path.normpath(path.parent / name)), size, tuple(shapes), tuple(problems))


def _shape(entry, where, path):
    """The Shape of an entry, or the Problem with it."""
    if not isinstance(entry, dict):
        raise UserError(f"{path}, {where} is {type(entry).__name__} instead of a mapping, so it is no labelme file")
    kind = entry.get("shape_type") or "polygon"
    name = str(entry.get("label") or "").strip()
    if not name:
        return Problem("shape without name", path, f"{where} has no label and is left out")
    if kind in _WITHOUT_AREA:
        return Problem("shape without area", path, f"{where}: {name} is a {kind}, which covers nothing, and left out")
    points = _points(entry.get("points"), f"{where}: {name}", path)
    if kind == "polygon" and len(points) > 2:
        return Shape(name, points)
    if kind == "rectangle" and len(points) in (2, 4):
        if len(points) == 4:
            return Shape(name, points)
        (x0, y0), (x1, y1) = points
        return Shape(name, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    if kind == "circle" and len(points) == 2:
        angles = np.arange(_CIRCLE_CORNERS) * (2 * math.pi / _CIRCLE_CORNERS)
        return Shape(name, points[0] + math.dist(*points) * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    if kind == "mask" and len(points):
        left, top = np.floor(points.min(axis=0)).astype(int).tolist()
        return Shape(name, pixels=_pixels(entry.get("mask"), f"{where}: {name}", path), corner=(left, top))
    if kind in ("polygon", "rectangle", "circle", "mask"):
        text = f"{where}: {name} is a {kind} of {len(points)} points, which covers nothing, and left out"
        return Problem("shape without area", path, text)
    raise UserError(f"{path}, {where}: {name} is of shape_type {kind!r}; polygon, rectangle, circle and mask are known")


def _points(points, where, path):
    """float64 (N, 2)."""
    try:
        array = np.array(points, np.float64).reshape(len(points), 2)
    except (TypeError, ValueError):
        array = None
    if array is None or not (np.abs(array) < FARTHEST).all():
        raise UserError(f"{path}, {where} has no list of [x, y] in pixels as its points")
    return array


def _pixels(text, where, path):
    """The bool (h, w) of a mask in base64."""
    try:
        data = base64.b64decode(text, validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > _MOST_MASK_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels")
            return np.array(image.convert("L")) > 0
    except Exception as error:  # decoders raise about anything on damaged images
        raise UserError(f"{path}, {where} has a mask that is no PNG image in base64 ({error})") from error
