"""One annotation file of a VOC data set: XML to objects with boxes, whatever annotation tools have put into it."""

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from trizoo.data.reading import Problem, read_text
from trizoo.ground.errors import UserError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of an annotation file.

    box: xmin, ymin, xmax, ymax in continuous pixels, neither clipped nor rounded; line: where its name stands
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool
    truncated: bool
    line: int


@dataclass(frozen=True)
class Annotation:
    """What one annotation file says.

    filename: the last part of the filename tag, or ""; size: (width, height) of the size tag, None where it is absent
    or makes no sense; encoding: the codec the file was read with
    """

    file: Path
    filename: str
    size: tuple[int, int] | None
    objects: tuple[AnnotatedObject, ...]
    problems: tuple[Problem, ...]
    encoding: str


def read_annotation(path):
    """The objects of one VOC XML file.

    VOC counts pixels from 1 and includes the last one, so xmin and ymin lose 1 and xmax and ymax stay. Swapped corners
    are put right. A box whose corners coincide in the file, on either axis, is a click and no object: it is left out,
    as are objects without a name or without four numbers in their bndbox; `problems` tells of each. The parts inside
    an object and polygons beside its box play no role.
    Raises UserError for what can't be read, isn't well-formed, is no VOC annotation, or brings a DTD along (nothing
    in VOC needs one, and entities are an attack).
    """
    path = Path(path)
    text, encoding = read_text(path)
    root = _parse(text, path)
    if root.tag != "annotation":
        raise UserError(f"{path} is no VOC annotation: its outermost tag is <{root.tag}>, not <annotation>")
    objects, problems = [], []
    for element in root.findall("object"):
        _read_object(element, path, objects, problems)
    filename = _text(root, "filename").replace("\\", "/").rpartition("/")[2]
    return Annotation(path, filename, _size(root), tuple(objects), tuple(problems), encoding)


class _LineTreeBuilder(TreeBuilder):
    """Builds elements whose attributes are replaced by the line they begin on."""

    def start(self, tag, attributes):
        return super().start(tag, {"line": self.expat.CurrentLineNumber})


def _parse(text, path):
    builder = _LineTreeBuilder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True)
    builder.expat = parser.parser
    try:
        parser.feed(text)
        return parser.close()
    except DefusedXmlException as error:
        raise UserError(f"{path} brings a DTD or entities along, which no VOC annotation needs; remove them") from error
    except (ParseError, ValueError) as error:
        state = "empty" if not text.strip() else f"not well-formed XML ({error})"
        raise UserError(f"{path} is {state}; annotate the image again, or take both out of the data set") from error


def _read_object(element, path, objects, problems):
    """Appends to `objects` what the element describes, and to `problems` what is wrong with it."""
    named = element.find("name")
    line = (element if named is None else named).get("line")
    name = _text(element, "name")
    if not name:
        problems.append(Problem("object without name", path, f"line {line}: an object without a name is left out"))
        return
    bndbox = element.find("bndbox")
    numbers = [None if bndbox is None else _number(bndbox, corner) for corner in _CORNERS]
    if None in numbers:
        wrong = ", ".join(corner for corner, number in zip(_CORNERS, numbers, strict=True) if number is None)
        problems.append(
            Problem("object without box", path, f"line {line}: {name} has no number for {wrong} and is left out")
        )
        return
    written = ", ".join(f"{number:g}" for number in numbers)
    xs, ys = sorted(numbers[::2]), sorted(numbers[1::2])
    if xs[0] == xs[1] or ys[0] == ys[1]:
        problems.append(
            Problem("box without area", path, f"line {line}: {name} ({written}) has no area and is left out")
        )
        return
    if xs != numbers[::2] or ys != numbers[1::2]:
        problems.append(Problem("swapped corners", path, f"line {line}: {name} ({written}) has its corners swapped"))
    box = (xs[0] - 1, ys[0] - 1, xs[1], ys[1])
    objects.append(AnnotatedObject(name, box, _flag(element, "difficult"), _flag(element, "truncated"), line))


def _size(root):
    size = root.find("size")
    sides = [None if size is None else _number(size, side) for side in ("width", "height")]
    return None if None in sides or min(sides) < 1 else (round(sides[0]), round(sides[1]))


def _text(element, tag):
    return (element.findtext(tag) or "").strip()


def _number(element, tag):
    """The tag's finite number, or None."""
    try:
        number = float(_text(element, tag))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _flag(element, tag):
    return _text(element, tag).lower() in ("1", "true", "yes")
