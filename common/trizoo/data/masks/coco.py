"""COCO's JSON files of instances (outlines and run lengths), drawn as masks of class ids.

Limits: 4 GiB. A file of 64 MiB is read within 1 GiB and 20 seconds, larger ones in proportion; a mask is drawn within
the same.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np

from trizoo.data.coco_files import FileImages, find_files
from trizoo.data.coco_json import Category, Id, Image, decode, in_order, shown
from trizoo.data.image_tree import ImageTree, parts_of
from trizoo.data.masks.listing import Listing
from trizoo.data.masks.pair import BACKGROUND, Drawn, Pair
from trizoo.data.masks.polygons import FARTHEST, Ink, paint
from trizoo.data.reading import Problem
from trizoo.data.run_lengths import decode_runs
from trizoo.data.splits import split_up
from trizoo.ground.conventions import BACKGROUND_NAMES, IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_MOST_OF_SEGMENTATION = 1 << 24  # bytes of its JSON
_NOTHING = (b"", b"null", b"[]", b"{}", b'""', b"0", b"false")  # where others write no segmentation


def find_coco(root, images=None, annotations=None):
    """The `Listing` of COCO's files of instances, None where there are none.

    Raises UserError where no annotation has an outline, since masks would be nothing but background.
    """
    listing = list_images(root, "coco", read_coco, "panoptic_", images, annotations)
    if listing and not any(pair.truth.objects for pair in listing.pairs.values()):
        files = dict.fromkeys(pair.truth.path for pair in listing.pairs.values())
        raise UserError(
            f"the masks of {first_few(list(files))} would be nothing but background: no annotation has an outline; "
            f"where they have boxes, a detector learns from them (trizoo data check --task detection checks them)"
        )
    return listing


def read_coco(path):
    """The `CocoFile` of a JSON file of instances, None of one of panoptic segments.

    Class 0 is the background, then the categories by id; one called background is that class. Where info has
    "background": false, categories are all there is. Instances without segmentation are left out, which `problems`
    tells. Raises UserError where the file isn't COCO's, or refers to what it lacks.
    """
    path = Path(path)
    content = decode(path, _Content)
    return None if any(bytes(entry.segments_info) for entry in content.annotations[:1]) else _parse(path, content)


class _Entry(msgspec.Struct, gc=False):
    image_id: Id
    category_id: Id | None = None
    id: Any = None
    iscrowd: Any = 0
    area: Any = 0
    segmentation: msgspec.Raw = msgspec.Raw()
    segments_info: msgspec.Raw = msgspec.Raw()


class _Content(msgspec.Struct):
    images: list[Image]
    annotations: list[_Entry]
    categories: list[Category]
    info: Any = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One object.

    Args:
        name: of its category
        number: the annotation's id
        area: in pixels, as the file says
        segmentation: its JSON
    """

    name: str
    number: Any
    crowd: bool
    area: float
    segmentation: bytes


@dataclass(frozen=True)
class CocoImage:
    """The instances of one image.

    Args:
        path: the JSON file
        file_name: as it says
        objects: in the file's order
    """

    path: Path
    file_name: str
    size: tuple[int, int]
    objects: tuple[Instance, ...]

    def draw(self, labels, size):
        """Class ids, uint8 (H, W): smaller areas lie over larger ones, crowds are ignored and lie under them all.

        What no instance covers is background, or ignored where there is no such class.

        Args:
            labels: name -> class id
        """
        check_size(self, size)
        canvas = np.full(size[::-1], labels.get(BACKGROUND, IGNORE), np.uint8)
        ink = Ink(canvas.size)
        for instance in sorted(self.objects, key=lambda instance: (not instance.crowd, -instance.area)):
            where = f"annotation {instance.number} of {self.file_name}"
            label = IGNORE if instance.crowd else labels[instance.name]
            self._paint(canvas, instance.segmentation, label, where, ink)
        return canvas

    def _paint(self, canvas, segmentation, label, where, ink):
        size = canvas.shape[::-1]
        try:
            if len(segmentation) > _MOST_OF_SEGMENTATION:
                raise ValueError(f"it has more than {_MOST_OF_SEGMENTATION >> 20} MB")
            segmentation = msgspec.json.decode(segmentation)
            if isinstance(segmentation, dict):
                height, width = segmentation["size"]
                if (width, height) != size:
                    raise ValueError(f"its run lengths are of {width}x{height}")
                ink.spend(canvas.size)
                canvas[decode_runs(segmentation["counts"], size)] = label
                return
            for outline in segmentation or ():
                points = np.array(outline, np.float64)
                if points.ndim != 1 or len(points) % 2 or not (np.abs(points) < FARTHEST).all():
                    raise ValueError("an outline is no list of x, y, x, y, … in pixels")
                paint(canvas, points.reshape(-1, 2), label, ink)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise UserError(f"{self.path}, {where} has a segmentation that can't be drawn: {error}") from error


def _parse(path, content):
    names = category_names(path, [(entry.id, entry.name) for entry in in_order(content.categories)])
    objects, problems = defaultdict(list), []
    images = {image.id: image for image in content.images}
    for entry in content.annotations:
        if entry.image_id not in images:
            text = f"annotation {entry.id} is of image {shown(entry.image_id)}, which isn't listed"
            raise UserError(f"{path}: {text}")
        name = category_of(path, names, entry.category_id, entry.id)
        segmentation = bytes(entry.segmentation)  # a copy, so that the file's bytes can go
        if segmentation in _NOTHING:
            file_name = images[entry.image_id].file_name
            text = f"annotation {entry.id} ({name}) of {file_name} has no segmentation and is left out"
            problems.append(Problem("object without segmentation", path, text))
            continue
        area = entry.area if isinstance(entry.area, int | float) else 0
        objects[entry.image_id].append(Instance(name, entry.id, bool(entry.iscrowd), area, segmentation))
    found = []
    for id, image in images.items():
        if image.size is None:
            text = f"{image.file_name} has the size {image.width}x{image.height}; its pixels are needed"
            raise UserError(f"{path}: {text}")
        found.append(CocoImage(path, image.file_name, image.size, tuple(objects[id])))
    classes = tuple(dict.fromkeys(names.values()))
    if not (isinstance(content.info, dict) and content.info.get("background") is False):
        classes = (BACKGROUND, *(name for name in classes if name != BACKGROUND))
    return CocoFile(path, classes, tuple(found), tuple(problems))


@dataclass(frozen=True)
class CocoFile:
    """One JSON file.

    Args:
        classes: names in the order of their ids
        images: what draws the mask of each image listed
    """

    path: Path
    classes: tuple[str, ...]
    images: tuple[Drawn, ...]
    problems: tuple[Problem, ...]


def list_images(root, layout, read, not_named, images=None, annotations=None):
    """The `Listing` of the images in all COCO files of one kind below a folder, None where there are none.

    Args:
        read: function of a path that gives its `CocoFile`, None for the other kind
        not_named: how names begin that are left unread, since they say that a file is of the other kind
        images, annotations: the folder of the images and the file or folder of the JSON files, None = root
    """
    pairs, splits, unpaired, problems, classes, first, tree = {}, {}, [], [], None, None, None
    for path in find_files(root, annotations):
        content = None if path.name.lower().startswith(not_named) else read(path)
        if content is None:
            continue
        if classes not in (None, content.classes):
            raise UserError(f"{path} has other categories than {first}; one data set needs the same in all its files")
        classes, first = content.classes, path
        problems += content.problems
        tree = tree or ImageTree(images or root)
        finder = FileImages(tree, path, root)
        split = finder.split
        files = finder.find([image.file_name for image in content.images])
        for image, file in zip(content.images, files, strict=True):
            if file is None:
                unpaired.append(Problem("missing image", path, f"{image.file_name} is not in {tree.folder}"))
                continue
            name = "/".join(parts_of(image.file_name))
            id = f"{split}/{name}" if split else name
            stem = PurePosixPath(id).with_suffix("").as_posix()
            if stem not in pairs or pairs[stem].image == file:  # else a.png beside a.jpg
                id = stem
            pairs[id] = Pair(id, file, image)
            if split:
                splits.setdefault(split, []).append(id)
    if first is None:
        return None
    if not pairs:
        raise UserError(
            f"none of the images that {first} lists is there; {unpaired[0].text if unpaired else 'none are'}"
        )
    splits, notes, listed = split_up(root, pairs, splits, having="a mask")
    return Listing(root, layout, pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def category_names(path, categories):
    """Category id -> name, for pairs of id and name; one called background gets the name that it has here."""
    names = {id: str(name) for id, name in categories}
    names = {id: BACKGROUND if name.casefold() in BACKGROUND_NAMES else name for id, name in names.items()}
    name, count = Counter(names.values()).most_common(1)[0] if names else ("", 0)
    if not 0 < count < 2 or len(names) >= IGNORE:
        what = f"{count} categories called {name!r}" if count > 1 else f"{len(names)} categories"
        raise UserError(f"{path} has {what}; 1 to {IGNORE - 1} with different names are needed")
    return names


def category_of(path, names, category, id):
    """The name of the category of an annotation or a segment with this id."""
    if category not in names:
        raise UserError(f"{path}: {id} is of category {shown(category)}, which isn't listed")
    return names[category]


def check_size(entry, size):
    """Raises UserError where an image has another size than its entry says."""
    if entry.size != size:
        said, real = (f"{width}x{height}" for width, height in (entry.size, size))
        raise UserError(f"{entry.path} says that {entry.file_name} is {said}, but it is {real}")
