"""What a search for images and boxes finds, before any pixel is read: all that a format has to give."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from trizoo.data.boxes.index import build_index
from trizoo.data.reading import Problem
from trizoo.data.splits import Lists, Names


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of an annotation.

    Args:
        box: xmin, ymin, xmax, ymax in continuous pixels of the image as a viewer shows it, neither clipped nor rounded
        difficult: VOC's flag
        crowd: COCO's
        where: its place in the file, as "line 7"; or what becomes that by str(), where finding it takes time
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool = False
    crowd: bool = False
    where: object = ""

    def located(self, sentence):
        """A sentence about the object, after its place in the file."""
        return f"{self.where}: {sentence}" if self.where else sentence


@dataclass(frozen=True)
class Annotation:
    """What is annotated on one image.

    Args:
        file: where it stands
        problems: what was put right or left out of it
        remarks: what only a check is to tell
        size: (width, height) that it says the image has, None where it doesn't; the real one counts, in any case
        image_name: of the image file, as it says; it counts where no image has the annotation's id
        relative: whether boxes are in shares of the image's width and height instead of pixels
    """

    file: Path
    objects: tuple[AnnotatedObject, ...]
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    size: tuple[int, int] | None = None
    image_name: str = ""
    relative: bool = False


@dataclass(frozen=True)
class Listing:
    """A data set with boxes, as a format's finder found it.

    Args:
        layout: the format's name
        images: id -> image file, those without boxes too
        annotations: id -> the file that annotates the image, which several images may share
        read: id of those -> `Annotation`, raises UserError
        classes: names in the order of their labels where the format says so, None for the names in all annotations,
            sorted
        order_files: which may say the order of those; see `trizoo.data.name_files.class_order`
        problems: what was put right or left out
        remarks: what only a check is to tell
        image_folder, annotation_folder: where files were looked for, for sentences; None = the root
        masks, mask_lists: mask files by id, and lists for masks alone, which a check looks at too
    """

    root: Path
    layout: str
    images: dict[str, Path]
    annotations: dict[str, Path]
    read: Callable[[str], Annotation]
    lists: Lists
    classes: tuple[str, ...] | None = None
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    image_folder: Path | None = None
    annotation_folder: Path | None = None
    masks: dict[str, Path] = field(default_factory=dict)
    mask_lists: Lists = field(default_factory=Lists)
    order_files: tuple[Path, ...] = ()

    @property
    def splits(self):
        """Split -> image ids, repeats and all. Raises UserError for lists that can't be read."""
        if self.lists.error:
            raise self.lists.error
        return self.lists.ids

    def image_of(self, id, annotation=None):
        """The image with this id, else the one that its annotation names and that has no annotation of its own."""
        if id in self.images or annotation is None:
            return self.images.get(id)
        named = self._names.id_of(annotation.image_name)
        return None if named in self.annotations else self.images.get(named)

    @cached_property
    def _names(self):
        return Names(self.images)

    def open(self, split=None, classes=None, classes_map=None):
        """The `BoxSet` of a split.

        Args:
            split: its name, None for every image that is annotated
            classes: names in order, None for those that are found
            classes_map: other names for what the annotations call them; see `trizoo.data.boxes.dataset.BoxSet`
        """
        return self.index.open(split, classes, classes_map)

    @cached_property
    def index(self):
        """The `BoxIndex`: every annotation and every image's header, read once."""
        return build_index(self)
