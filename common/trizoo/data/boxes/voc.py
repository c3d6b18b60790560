"""VOC's layout: JPEGImages, Annotations with an XML file an image, ImageSets; whatever annotation tools put into it."""

import math
from pathlib import Path
from xml.etree.ElementTree import ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from trizoo.data.boxes.listing import AnnotatedObject, Annotation, Listing
from trizoo.data.reading import Problem, read_text
from trizoo.data.splits import Lists, find_lists
from trizoo.data.voc_files import find_root, list_files, list_loose
from trizoo.ground.errors import UserError

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def find_voc(root, images=None, annotations=None):
    """The `Listing` of VOC's annotations in a folder or up to two below, None where there are none.

    They lie as VOC's own do (JPEGImages, Annotations, ImageSets), or in any other arrangement: beside their images, in
    folders of splits, in folders of other names. Masks beside the boxes, and lists for them alone, come with VOC's own.
    Raises UserError where there are several data sets.
    """
    if annotations is not None and annotations.is_file():
        return None
    files = _files(root, images, annotations)
    if files is None:
        return None
    lists = _lists(files)
    for_masks = bool(files.masks) and (
        not files.annotations or files.list_folders(for_masks=True) != files.list_folders()
    )
    return Listing(
        files.root,
        "voc",
        files.images,
        files.annotations,
        lambda id: read_annotation(files.annotations[id]),
        lists,
        remarks=tuple(Problem("same id", path, text) for path, text in files.doubles),
        image_folder=files.image_folder,
        annotation_folder=files.annotation_folder,
        masks=files.masks,
        mask_lists=_lists(files, True, "Segmentation/" if files.annotations else "") if for_masks else Lists(),
    )


def _files(root, images, annotations):
    """VOC's own arrangement where it is there and holds anything, else any other."""
    if images or annotations:
        return list_loose(root, images, annotations)
    own = find_root(root)
    files = list_files(own) if own else None
    if files and (files.annotations or files.masks):
        return files
    return list_loose(root) or files


def _lists(files, for_masks=False, prefix=""):
    """The `Lists` of boxes or of masks; prefix: of the splits' names."""
    ids = files.masks if for_masks else files.annotations
    found = find_lists(files.root, ids, files.list_folders(for_masks), others=files.images)
    return Lists(
        {f"{prefix}{name}": listed for name, listed in found.ids.items()},
        {f"{prefix}{name}": path for name, path in found.files.items()},
        found.notes,
        found.error,
    )


def read_annotation(path):
    """The `Annotation` of one VOC XML file.

    VOC counts pixels from 1 and includes the last one, so xmin and ymin lose 1 and xmax and ymax stay. Swapped corners
    are put right. A box whose corners coincide in the file, on either axis, is a click and no object: it is left out,
    as are objects without a name or without four numbers in their bndbox; `problems` tells of each. The parts inside
    an object and polygons beside its box play no role. An object's place is the line of its name.
    Raises UserError for what can't be read, isn't well-formed, is no VOC annotation, or brings a DTD along (nothing
    in VOC needs one, and entities are an attack).
    """
    path = Path(path)
    text, encoding = read_text(path)
    root = _parse(text, path)
    if root.tag != "annotation":
        raise UserError(f"{path} is no VOC annotation: its outermost tag is <{root.tag}>, not <annotation>")
    objects, problems, remarks = [], [], []
    for element in root.findall("object"):
        _read_object(element, path, objects, problems)
    if encoding not in ("utf-8", "utf-8-sig", "ascii"):
        text = f"is written in {encoding}, which other tools may not read"
        remarks.append(Problem("not UTF-8", path, text))
    image_name = _text(root, "filename").replace("\\", "/").rpartition("/")[2]
    return Annotation(path, tuple(objects), tuple(problems), tuple(remarks), _size(root), image_name)


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
    objects.append(AnnotatedObject(name, box, _flag(element, "difficult"), where=f"line {line}"))


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
