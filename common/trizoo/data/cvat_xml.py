"""CVAT's XML for images 1.1, parsed piece by piece: its classes, its images and what is drawn on them."""

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers.expat import ExpatError

import numpy as np

from trizoo.data.class_names import class_name
from trizoo.data.masks.polygons import FARTHEST
from trizoo.ground.errors import UserError
from trizoo.ground.xml import DTDError, parser_of

_BLOCK = 1 << 22  # bytes that are parsed at once
_LONGEST_TAG = 1 << 24  # bytes of a tag or comment, which cost time by their square
_MOST_IMAGES = 1_000_000  # of a file
_MOST_SHAPES = 2_000_000
_DEEPEST = 32
_LONGEST_NAME = 4096  # characters of a path
# tag -> the attributes that hold its numbers; those of other shapes are in their points
_NUMBERS = {
    "box": ("xtl", "ytl", "xbr", "ybr"),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "mask": ("left", "top", "width", "height"),
    "cuboid": tuple(f"{axis}{side}{face}" for face in "12" for side in ("tl", "bl", "tr", "br") for axis in "xy"),
}
_SHAPES = (*_NUMBERS, "polygon", "polyline", "points", "skeleton", "tag")
_YES = ("1", "true", "yes")
_ELLIPSE_CORNERS = 72


@dataclass(slots=True)
class Shape:
    """What is drawn on an image.

    Args:
        kind: box, polygon, polyline, points, ellipse, mask, cuboid, skeleton or tag
        line: of the file
        numbers: in pixels, None where they can't be read; left, top, right, bottom of a box, centre and radii of an
            ellipse, left, top, width, height of a mask, x and y of the corners or points of others
        rotation: in degrees, clockwise around the middle
        z_order: those of a higher one lie over the others
        runs: of a mask, as text: pixels outside and inside in turn, along the rows of its rectangle
    """

    kind: str
    name: str
    line: int
    numbers: array | None
    rotation: float = 0.0
    z_order: int = 0
    runs: str = ""
    difficult: bool = False
    crowd: bool = False

    def corners(self):
        """float64 (N, 2), x and y of the corners; an ellipse has 72."""
        if self.kind == "ellipse":
            x, y, *radii = self.numbers
            angles = np.arange(_ELLIPSE_CORNERS) * (2 * math.pi / _ELLIPSE_CORNERS)
            corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii + (x, y)
            return _turned(corners, (x, y), self.rotation)
        if self.kind in ("box", "mask"):
            left, top, right, bottom = self.numbers
            if self.kind == "mask":
                right, bottom = left + right, top + bottom
            corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
            return _turned(corners, ((left + right) / 2, (top + bottom) / 2), self.rotation)
        return np.array(self.numbers).reshape(-1, 2)

    def bounds(self):
        """xmin, ymin, xmax, ymax."""
        if self.kind == "ellipse":
            x, y, width, height = self.numbers
            cos, sin = math.cos(math.radians(self.rotation)), math.sin(math.radians(self.rotation))
            across, down = math.hypot(width * cos, height * sin), math.hypot(width * sin, height * cos)
            return x - across, y - down, x + across, y + down
        flat = self.corners().ravel().tolist() if self.kind == "mask" or self.rotation else self.numbers
        xs, ys = flat[::2], flat[1::2]
        return min(xs), min(ys), max(xs), max(ys)


def _turned(corners, centre, degrees):
    if not degrees:
        return corners
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (corners - centre) @ np.array([(cos, sin), (-sin, cos)]) + centre


@dataclass(slots=True)
class CvatImage:
    """One image of a file.

    Args:
        file: the XML
        line: of it
        name: of the image, as it says
        subset: as it says, "" where it doesn't
        size: (width, height), or None
    """

    file: Path
    line: int
    name: str
    subset: str
    size: tuple[int, int] | None
    shapes: list[Shape] = field(default_factory=list)


@dataclass(frozen=True)
class CvatFile:
    """What an XML file says.

    Args:
        labels: names of the classes in its order
        tracks: how many it has, of objects in a video
    """

    path: Path
    labels: tuple[str, ...]
    images: tuple[CvatImage, ...]
    tracks: int = 0


def read_cvat(path):
    """The `CvatFile` of an XML file; it is parsed piece by piece and never as a tree.

    Raises UserError for what can't be read, isn't well-formed, or brings a DTD along. Of a file of any length at most
    _MOST_IMAGES images and _MOST_SHAPES shapes are read: within 1 GiB.
    """
    path = Path(path)
    target = _Reader(path)
    parser = target.expat = parser_of(target.start, target.end, target.data)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                parser.Parse(block)
                if file.tell() - parser.CurrentByteIndex > _LONGEST_TAG:
                    raise UserError(
                        f"{path} has a tag of more than {_LONGEST_TAG >> 20} MiB; export it from CVAT again"
                    )
        parser.Parse(b"", True)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except DTDError as error:
        raise UserError(f"{path} brings a DTD or entities along, which CVAT doesn't write; remove them") from error
    except (ExpatError, ValueError, LookupError) as error:
        raise UserError(f"{path} is not well-formed XML ({error}); export it from CVAT again") from error
    return CvatFile(path, tuple(target.labels), tuple(target.images), target.tracks)


class _Reader:
    """Takes what counts from the tags as they come."""

    def __init__(self, path):
        self.path = path
        self.labels, self.images, self.tracks, self._shapes = {}, [], 0, 0
        self._open = []  # tags
        self._image = self._shape = self._label = self._text = None
        self._flag = ""

    def start(self, tag, attributes):
        depth = len(self._open)
        if depth > _DEEPEST:
            raise UserError(f"{self.path} has tags that are nested more than {_DEEPEST} deep, as CVAT's never are")
        if depth == 1 and tag == "image":
            self._image = _image(self.path, self.expat.CurrentLineNumber, attributes)
            if len(self.images) == _MOST_IMAGES:
                raise UserError(f"{self.path} has more than {_MOST_IMAGES:,} images; split it")
            self.images.append(self._image)
        elif depth == 2 and self._image is not None and tag in _SHAPES:
            self._shape = _shape(tag, self.expat.CurrentLineNumber, attributes)
            self._image.shapes.append(self._shape)
            self._shapes += 1
            if self._shapes > _MOST_SHAPES:
                raise UserError(f"{self.path} has more than {_MOST_SHAPES:,} shapes; split it")
        elif depth == 3 and self._shape is not None and tag == "attribute":
            self._flag, self._text = attributes.get("name", "").strip().casefold(), []
        elif depth == 1 and tag == "track":
            self.tracks += 1
        elif tag == "label" and self._open[-1:] == ["labels"] and self._open[1:2] == ["meta"]:
            self._label = {}
        elif self._label is not None and tag in ("name", "parent") and self._open[-1] == "label":
            self._text = []
        self._open.append(tag)

    def data(self, text):
        if self._text is not None:
            self._text.append(text)

    def end(self, tag):
        self._open.pop()
        depth = len(self._open)
        if self._text is not None:
            text, self._text = "".join(self._text), None
            if self._shape is not None:
                self._set_flag(text)
            elif self._label is not None:
                self._label[tag] = class_name(text)
        if depth == 1 and tag == "image":
            self._image = None
        elif depth == 2:
            self._shape = None
        if tag == "label" and self._label is not None and self._open[-1:] == ["labels"]:
            if self._label.get("name") and "parent" not in self._label:  # a skeleton's points have one
                self.labels[self._label["name"]] = True
            self._label = None

    def _set_flag(self, text):
        """An attribute's text, of those that CVAT's exporters of VOC and COCO make flags of."""
        value = text.strip().casefold() in _YES
        if self._flag == "difficult":
            self._shape.difficult = value
        elif self._flag == "is_crowd":
            self._shape.crowd = value


def _image(path, line, attributes):
    try:
        size = int(attributes["width"]), int(attributes["height"])
    except (KeyError, ValueError):
        size = None
    return CvatImage(
        path,
        line,
        attributes.get("name", "")[:_LONGEST_NAME],
        attributes.get("subset", "")[:_LONGEST_NAME],
        size if size and min(size) > 0 else None,
    )


def _shape(tag, line, attributes):
    try:
        if tag in _NUMBERS:
            numbers = [float(attributes[name]) for name in _NUMBERS[tag]]
        elif tag in ("skeleton", "tag"):
            numbers = []
        else:
            numbers = [float(number) for pair in attributes["points"].strip("; ").split(";") for number in _pair(pair)]
        rotation = float(attributes.get("rotation", 0))
        readable = all(abs(number) < FARTHEST for number in (rotation, *numbers))
    except (KeyError, ValueError):
        readable = False
    try:
        z_order = int(attributes.get("z_order", 0))
    except ValueError:
        z_order = 0
    return Shape(
        tag,
        class_name(attributes.get("label", "")),
        line,
        array("d", numbers) if readable else None,
        rotation if readable else 0.0,
        z_order,
        attributes.get("rle", "") if tag == "mask" else "",
    )


def _pair(text):
    x, y = text.split(",")
    return x, y
