"""One VOC XML file, whatever annotation tools put into it, as an `Annotation`.

Limits: 16 MiB and 262,144 tags, attributes or & a file: within 400 MiB and 10 seconds.
"""

import math
from pathlib import Path

from trizoo.data.boxes.listing import AnnotatedObject, Annotation
from trizoo.data.boxes.outlines import OUTLINES, outline_bounds
from trizoo.data.class_names import class_name
from trizoo.data.reading import Problem, read_text
from trizoo.data.xml_text import MOST_BYTES, parse_xml
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_MOST_LEVELS = 8  # of other tags around an object
_MOST_PROBLEMS = 20_000  # in one file, for time's sake; every one of so many boxes may be wrong
# What is counted while objects are read -> the sentence about it
_COUNTED = {
    "several boxes": "holds several bndbox in {} of {} objects; each is an object of its own",
    "box of an outline": "has no bndbox in {} of {} objects; the box around the outline stands in",
    "deleted object": "marks {} of {} objects as deleted, which are left out",
}


def read_annotation(path):
    """The `Annotation` of one VOC XML file.

    VOC counts pixels from 1 and includes the last one, so xmin and ymin lose 1 and xmax and ymax stay. Swapped corners
    are put right. A box whose corners coincide in the file, on either axis, is a click and no object: it is left out,
    as are objects without a name or without four numbers in their bndbox; `problems` tells of each.

    Each of several bndbox in an object is an object. Where there is none, the box around a polygon, a turned box or a
    circle stands in (`trizoo.data.boxes.outlines`). Objects may stand below other tags than <annotation>. Tags are read
    in any case of letters and without their namespace. A bare & and what stands before an XML prolog are put right,
    objects that LabelMe marks as deleted are left out. `remarks` tells of these. The parts inside an object play no
    role, nor do outlines beside its bndbox. An object's place is the line of its name.

    Raises UserError for what can't be read, isn't well-formed, is no VOC annotation, is larger than any, or brings a
    DTD along (nothing in VOC needs one, and entities are an attack).
    """
    path = path if isinstance(path, Path) else Path(path)  # a Path made from a Path forms its text anew
    text, encoding = read_text(path, MOST_BYTES)
    root, remarks = parse_xml(text, path)
    if root.tag != "annotation":
        raise UserError(f"{path} is no VOC annotation: its outermost tag is <{root.tag}>, not <annotation>")
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        remarks.append(Problem("not UTF-8", path, f"is written in {encoding}, which other tools may not read"))
    elements, parents = _objects(root)
    if parents:
        tags = first_few([f"<{tag}>" for tag in sorted(parents)])
        text = f"has objects below {tags}, where other tools may not look for them"
        remarks.append(Problem("objects below another tag", path, text))
    reader = _ObjectReader(path)
    for number, element in enumerate(elements):
        reader.read(element, number)
    for kind, count in reader.counts.items():
        remarks.append(Problem(kind, path, _COUNTED[kind].format(count, len(elements))))
    image_name = _text(root, "filename").replace("\\", "/").rpartition("/")[2]
    return Annotation(path, tuple(reader.objects), tuple(reader.problems), tuple(remarks), _size(root), image_name)


def _objects(root):
    """The object elements in order, without those inside of objects, and the set of other tags that they stand in."""
    found = root.findall("object")
    if len(list(root.iter("object"))) == len(found):
        return found, ()
    found, parents = [], set()
    _find_objects(root, found, parents, level=0)
    return found, parents


def _find_objects(parent, found, parents, level):
    for child in parent:
        if child.tag == "object":
            found.append(child)
            if level:
                parents.add(parent.tag)
        elif level < _MOST_LEVELS:
            _find_objects(child, found, parents, level + 1)


class _Lines:
    """The places of a file's objects, in words. Only what goes wrong needs them, so the file is read again for them."""

    def __init__(self, path):
        self._path = path
        self._lines = None

    def place(self, number):
        """The line of the name of an object, which is counted from 0."""
        if self._lines is None:
            try:
                root, _ = parse_xml(read_text(self._path, MOST_BYTES)[0], self._path, with_lines=True)
            except UserError:  # the file has changed meanwhile
                self._lines = []
            else:
                named = [(element, element.find("name")) for element in _objects(root)[0]]
                self._lines = [(element if name is None else name).get("line") for element, name in named]
        return f"line {self._lines[number]}" if number < len(self._lines) else f"object {number + 1}"


class _Place:
    """The place of an object, which becomes words where it is shown."""

    __slots__ = ("_lines", "_number")

    def __init__(self, lines, number):
        self._lines, self._number = lines, number

    def __str__(self):
        return self._lines.place(self._number)


class _ObjectReader:
    """Reads the objects of a file one by one.

    Attributes:
        objects: those that are whole
        problems: what is wrong with others
        counts: key of _COUNTED -> how often that was met
    """

    def __init__(self, path):
        self._path, self._lines = path, _Lines(path)
        self.objects, self.problems, self.counts = [], [], {}

    def read(self, element, number):
        """Adds what an element describes, and what is wrong with it."""
        place = _Place(self._lines, number)
        if _flag(element, "deleted"):
            self._count("deleted object")
            return
        try:
            name = class_name(element.findtext("name", ""))
        except UserError as error:
            self._tell("object without name", place, f"{error}; the object is left out")
            return
        if not name:
            self._tell("object without name", place, "an object without a name is left out")
            return
        bndboxes = element.findall("bndbox")
        if bndboxes:
            boxes = [self._box(bndbox, name, place) for bndbox in bndboxes]
            if len(boxes) > 1:
                self._count("several boxes")
        else:
            boxes = [self._box_of_outline(element, name, place)]
        difficult = _flag(element, "difficult")
        self.objects += [AnnotatedObject(name, box, difficult, where=place) for box in boxes if box is not None]

    def _box(self, bndbox, name, place):
        """The box of a bndbox, or None and a problem."""
        numbers = [_number(bndbox, corner) for corner in _CORNERS]
        if None in numbers:
            wrong = ", ".join(corner for corner, number in zip(_CORNERS, numbers, strict=True) if number is None)
            self._tell("object without box", place, f"{name} has no number for {wrong} and is left out")
            return None
        xmin, ymin, xmax, ymax = numbers
        if xmin < xmax and ymin < ymax:
            return xmin - 1, ymin - 1, xmax, ymax
        written = ", ".join(f"{number:g}" for number in numbers)
        if xmin == xmax or ymin == ymax:
            self._tell("box without area", place, f"{name} ({written}) has no area and is left out")
            return None
        self._tell("swapped corners", place, f"{name} ({written}) has its corners swapped")
        return min(xmin, xmax) - 1, min(ymin, ymax) - 1, max(xmin, xmax), max(ymin, ymax)

    def _box_of_outline(self, element, name, place):
        """The box around what an object without a bndbox has instead, or None and a problem."""
        outlines = [child for child in element if child.tag in OUTLINES]
        box = outline_bounds(outlines) if outlines else None
        if box is None:
            lack = f"no box around its {outlines[0].tag}" if outlines else f"no number for {', '.join(_CORNERS)}"
            self._tell("object without box", place, f"{name} has {lack} and is left out")
        else:
            self._count("box of an outline")
        return box

    def _count(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _tell(self, kind, place, text):
        if len(self.problems) == _MOST_PROBLEMS:
            raise UserError(f"{self._path} has more than {_MOST_PROBLEMS:,} faulty boxes; write it again")
        self.problems.append(Problem(kind, self._path, f"{place}: {text}"))


def _size(root):
    size = root.find("size")
    sides = [None if size is None else _number(size, side) for side in ("width", "height")]
    return None if None in sides or min(sides) < 1 else (round(sides[0]), round(sides[1]))


def _text(element, tag):
    return element.findtext(tag, "").strip()


def _number(element, tag):
    """The tag's finite number, or None."""
    try:
        number = float(element.findtext(tag, ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _flag(element, tag):
    return _text(element, tag).lower() in ("1", "true", "yes")
