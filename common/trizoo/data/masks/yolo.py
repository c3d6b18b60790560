"""YOLO's label files with outlines, drawn as masks of class ids.

Limits: 2 MiB a label file; shapes that cover 4 times the image or 268 million pixels and cross 8 million rows. A file
is read and its mask drawn within 500 MiB and 20 seconds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.masks.listing import Listing, examples
from trizoo.data.masks.pair import BACKGROUND, BACKGROUND_NAMES, Pair
from trizoo.data.masks.polygons import Ink, paint
from trizoo.data.name_files import ClassNames
from trizoo.data.reading import Problem
from trizoo.data.splits import split_up
from trizoo.data.yolo_files import find_files
from trizoo.data.yolo_labels import read_lines
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few


@dataclass(frozen=True)
class YoloOutlines:
    """The outlines of one image.

    Args:
        path: the label file; the image itself where it has none
        labelled: whether it has one
        classes: names of the labels in it
    """

    path: Path
    labelled: bool
    classes: ClassNames

    def draw(self, labels, size):
        """Class ids, uint8 (H, W), for an image of size (width, height): smaller outlines lie over larger ones.

        What none covers is background, or ignored where there is no such class; lines that are boxes draw nothing.

        Args:
            labels: name -> class id

        Raises:
            UserError: with the line, as `trizoo.data.yolo_labels.read_lines`, and for a label that has no name
        """
        ground = labels.get(BACKGROUND, IGNORE)
        canvas = np.full(size[::-1], ground, np.uint8)
        outlines = []
        for line in read_lines(self.path) if self.labelled else ():
            name = self.classes.name_of(line.label)
            if line.label >= len(self.classes.names) or line.label in self.classes.gaps:
                known = first_few(self.classes.names)
                raise UserError(f"{self.path}, {line.where}: unknown class {name!r}; the classes are {known}")
            name = _name(name)
            if line.usable and not line.centred:
                label = ground if name == BACKGROUND else labels[name]
                outlines.append((np.array(line.numbers).reshape(-1, 2) * size, label))
        ink = Ink(canvas.size)
        try:
            for outline, label in sorted(outlines, key=lambda drawn: -_area(drawn[0])):
                paint(canvas, outline, label, ink)
        except ValueError as error:
            raise UserError(f"{self.path} can't be drawn: {error}") from error
        return canvas

    @property
    def problems(self):
        """A `Problem` for each line that draws nothing."""
        if not self.labelled:
            return ()
        text = "is a box without an outline, or has nan, inf or huge numbers, and is left out of the mask"
        return tuple(
            Problem("object without segmentation", self.path, f"{line.where} {text}")
            for line in read_lines(self.path)
            if line.centred or not line.usable
        )


def find_yolo(root, images=None, annotations=None):
    """The `Listing` of YOLO's outlines in a folder and those below it, None where labels are boxes alone or of poses.

    Class 0 is the background, then the names in the order of their labels; one called background is that class. Where
    data.yaml has background: false, the names are all there is.
    How the files may lie: `trizoo.data.yolo_files.find_files`.
    """
    files = find_files(root, images, annotations)
    if files is None or files.keypoints or not any(_has_outline(path) for path in files.labels.values() if path):
        return None
    pairs, unpaired, problems = {}, [], [*files.problems, *files.remarks]
    for id, path in files.labels.items():
        if id not in files.images:
            unpaired.append(Problem("annotation without image", path, f"has no image in {files.image_folder}"))
            continue
        pairs[id] = Pair(id, files.images[id], YoloOutlines(path or files.images[id], path is not None, files.classes))
        problems += pairs[id].truth.problems
    if not pairs:
        raise UserError(f"none of the {len(unpaired)} label files in {root} has its image there; {examples(unpaired)}")
    if files.lists.error:
        raise files.lists.error
    for name, ids in files.lists.ids.items():
        missing = [id for id in ids if id not in pairs]
        if missing:
            raise UserError(f"{len(missing)} of {len(ids)} images of split {name} are not there: {first_few(missing)}")
    splits = {name: list(dict.fromkeys(ids)) for name, ids in files.lists.ids.items()}
    splits, notes, listed = split_up(files.root, pairs, splits, having="a mask")
    classes = tuple(dict.fromkeys(map(_name, files.classes.names)))
    if files.background:
        classes = (BACKGROUND, *(name for name in classes if name != BACKGROUND))
    return Listing(
        files.root,
        "yolo",
        pairs,
        splits,
        classes,
        tuple(unpaired),
        (*problems, *listed),
        (*files.lists.notes, *notes),
    )


def _name(name):
    return BACKGROUND if name.casefold() in BACKGROUND_NAMES else name


def _has_outline(path):
    try:
        return any(not line.centred for line in read_lines(path))
    except (UserError, OSError):
        return False


def _area(outline):
    """The area within an outline (N, 2), by the shoelace formula."""
    x, y = outline.T
    return abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
