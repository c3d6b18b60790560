"""CVAT's XML for images 1.1: outlines and run lengths, drawn as masks of class ids.

Limits: those of the boxes for the file; shapes that cover 4 times the image or 268 million pixels and cross 8 million
rows. A file is read and a mask drawn within 1 GiB and 60 seconds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.cvat_files import find_files
from trizoo.data.cvat_xml import CvatImage
from trizoo.data.masks.listing import Listing, examples
from trizoo.data.masks.pair import BACKGROUND, Pair
from trizoo.data.masks.polygons import Ink, paint, put
from trizoo.data.reading import Problem
from trizoo.data.splits import split_up
from trizoo.ground.conventions import BACKGROUND_NAMES, IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few, hint

_AREAS = ("box", "ellipse", "mask", "polygon")
_MOST_PIXELS = 1 << 26  # of a mask


@dataclass(frozen=True)
class CvatMask:
    """The areas of one image.

    Args:
        path: the XML
        entry: what it says of the image
        problems: the shapes that are left out
    """

    path: Path
    entry: CvatImage
    problems: tuple[Problem, ...]

    def draw(self, labels, size):
        """Class ids, uint8 (H, W): shapes of a higher z_order lie over the others, later ones over earlier ones.

        What no shape covers is background, or ignored where there is no such class.

        Args:
            labels: name -> class id

        Raises:
            UserError: for a name that isn't among them, an image of another size than the XML's, and what can't be
                drawn
        """
        entry = self.entry
        if entry.size not in (None, size):
            said, real = (f"{width}x{height}" for width, height in (entry.size, size))
            raise UserError(f"{self.path}, line {entry.line} says that {entry.name} is {said}, but it is {real}")
        ground = labels.get(BACKGROUND, IGNORE)
        canvas = np.full(size[::-1], ground, np.uint8)
        known = {**dict.fromkeys(BACKGROUND_NAMES, ground), **labels}
        ink = Ink(canvas.size)
        for shape in sorted(_areas(entry), key=lambda shape: shape.z_order):
            where = f"{self.path}, line {shape.line}"
            if shape.name not in known:
                raise UserError(
                    f"{where}: unknown class {shape.name!r}{hint(shape.name, labels)}; the classes are "
                    f"{first_few(list(labels))}"
                )
            try:
                if shape.kind == "mask":
                    put(canvas, *_pixels(shape, where), known[shape.name], ink)
                else:
                    paint(canvas, shape.corners(), known[shape.name], ink)
            except ValueError as error:
                raise UserError(f"{where}: {shape.name} can't be drawn: {error}") from error
        return canvas


def find_cvat(root, images=None, annotations=None):
    """The `Listing` of CVAT's XML files in a folder and those below it, None where there are none.

    The classes are the background and the labels in their order. See `trizoo.data.cvat_files.find_files` for which
    image each entry is of. Raises UserError for XML that can't be read, and for the tracks of a video.
    """
    files = find_files(root, images, annotations)
    if files is None:
        return None
    pairs, unpaired, problems = {}, [], [*files.problems, *files.doubles]
    for id, entry in files.entries.items():
        if id in files.images:
            pairs[id] = Pair(id, files.images[id], as_mask(entry))
            problems += pairs[id].truth.problems
        else:
            text = f"line {entry.line}: {entry.name} has no image"
            unpaired.append(Problem("annotation without image", entry.file, text))
    if not pairs:
        raise UserError(f"none of the {len(files.entries)} images of {unpaired[0].file} is there; {examples(unpaired)}")
    for id, image in files.images.items():
        if id not in pairs:
            unpaired.append(Problem("image without annotation", image, "is in no XML"))
    names = files.labels
    if names is None:
        names = sorted({shape.name for pair in pairs.values() for shape in _areas(pair.truth.entry)})
    classes = (BACKGROUND, *(name for name in names if name not in BACKGROUND_NAMES))
    splits = {name: [id for id in ids if id in pairs] for name, ids in files.splits.items()}
    splits, notes, listed = split_up(root, pairs, {name: ids for name, ids in splits.items() if ids}, having="a mask")
    return Listing(root, "cvat", pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def as_mask(entry):
    """The `CvatMask` of a `trizoo.data.cvat_xml.CvatImage`.

    Boxes, ellipses, polygons and masks are areas; whatever else is drawn is left out, which `problems` tells, as of
    shapes without a label. Raises UserError for an area that can't be drawn.
    """
    problems = []
    for shape in entry.shapes:
        where = f"line {shape.line}"
        if not shape.name:
            problems.append(Problem("shape without name", entry.file, f"{where}: a {shape.kind} without a label"))
        elif shape.kind not in (*_AREAS, "tag"):
            text = f"{where}: {shape.name} is of the kind {shape.kind}, which covers nothing, and left out"
            problems.append(Problem("shape without area", entry.file, text))
        elif shape.kind == "mask":
            _pixels(shape, f"{entry.file}, {where}")
        elif shape.numbers is None:
            raise UserError(f"{entry.file}, {where}: {shape.name} is a {shape.kind} without numbers in pixels")
    return CvatMask(entry.file, entry, tuple(problems))


def _areas(entry):
    return [shape for shape in entry.shapes if shape.kind in _AREAS and shape.name]


def _pixels(shape, where):
    """The pixels of a mask, bool (h, w), and where they begin (left, top).

    Its runs go along the rows of its own rectangle and begin with one outside; what they leave is outside too.
    """
    try:
        if shape.numbers is None:
            raise ValueError("its left, top, width and height aren't all numbers in pixels")
        left, top, width, height = map(int, shape.numbers)
        runs = np.array([int(run) for run in shape.runs.split(",")], np.int64)
        if not 0 < width * height <= _MOST_PIXELS or min(width, runs.min()) < 0 or runs.sum() > width * height:
            raise ValueError(f"they don't fit into {width}x{height} pixels")
    except (OverflowError, ValueError) as error:
        raise UserError(f"{where}: the run lengths of {shape.name} can't be read: {error}") from error
    pixels = np.zeros(width * height, bool)
    pixels[: runs.sum()] = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return pixels.reshape(height, width), (left, top)
