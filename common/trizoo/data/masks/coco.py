"""COCO's JSON files, read for semantic masks: instances (outlines and run lengths) and panoptic (PNG of segments)."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.images import opened
from trizoo.data.masks.labelme import BACKGROUND, BACKGROUND_NAMES, FARTHEST
from trizoo.data.masks.polygons import decode_runs, paint
from trizoo.data.reading import Problem, read_json
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError


@dataclass(frozen=True)
class CocoImage:
    """The instances of one image. path: the JSON file; file_name: as it says; objects: (category name, annotation)."""

    path: Path
    file_name: str
    size: tuple[int, int]
    objects: tuple[tuple[str, dict], ...]

    def draw(self, labels, size):
        """Class ids, uint8 (H, W): smaller areas lie over larger ones, crowds are ignored and lie under them all.

        labels: name -> class id. What no instance covers is background, or ignored where there is no such class.
        """
        _check_size(self, size)
        canvas = np.full(size[::-1], labels.get(BACKGROUND, IGNORE), np.uint8)
        for name, entry in sorted(self.objects, key=lambda pair: (not pair[1].get("iscrowd"), -_area(pair[1]))):
            where = f"annotation {entry.get('id')} of {self.file_name}"
            self._paint(canvas, entry.get("segmentation"), IGNORE if entry.get("iscrowd") else labels[name], where)
        return canvas

    def _paint(self, canvas, segmentation, label, where):
        size = canvas.shape[::-1]
        try:
            if isinstance(segmentation, dict):
                height, width = segmentation["size"]
                if (width, height) != size:
                    raise ValueError(f"its run lengths are of {width}x{height}")
                canvas[decode_runs(segmentation["counts"], size)] = label
                return
            for outline in segmentation or ():
                points = np.array(outline, np.float64)
                if points.ndim != 1 or len(points) % 2 or not (np.abs(points) < FARTHEST).all():
                    raise ValueError("an outline is no list of x, y, x, y, … in pixels")
                paint(canvas, points.reshape(-1, 2), label)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise UserError(f"{self.path}, {where} has a segmentation that can't be drawn: {error}") from error


@dataclass(frozen=True)
class PanopticImage:
    """The segments of one image. mask: the PNG of segment ids; segments: id -> category name, None for a crowd."""

    path: Path
    file_name: str
    size: tuple[int, int]
    mask: Path
    segments: dict[int, str | None]

    def draw(self, labels, size):
        """Class ids, uint8 (H, W); crowds, and what belongs to no segment, are ignored. labels: name -> class id."""
        _check_size(self, size)
        with opened(self.mask) as image:
            if image.mode not in ("RGB", "RGBA"):
                raise UserError(f"{self.mask} is of mode {image.mode}; COCO's panoptic masks are RGB: id = R + 256 G …")
            pixels = np.array(image.convert("RGB"), np.int32)
        if pixels.shape[:2] != size[::-1]:
            raise UserError(f"mask {self.mask} is {pixels.shape[1]}x{pixels.shape[0]}, its image {size[0]}x{size[1]}")
        ids = pixels @ np.array([1, 256, 65536], np.int32)
        found, inverse = np.unique(ids, return_inverse=True)
        missing = [int(id) for id in found if id and int(id) not in self.segments]
        if missing:
            count = int((ids == missing[0]).sum())
            raise UserError(f"{self.mask} holds segment {missing[0]} in {count:,} pixels, which {self.path} lacks")
        names = [self.segments.get(int(id)) for id in found]
        table = np.array([IGNORE if name is None else labels[name] for name in names], np.uint8)
        return table[inverse].reshape(ids.shape)


@dataclass(frozen=True)
class CocoFile:
    """One JSON file. classes: names in the order of their ids; images: list of CocoImage or PanopticImage."""

    path: Path
    classes: tuple[str, ...]
    images: tuple[CocoImage | PanopticImage, ...]
    problems: tuple[Problem, ...]


def is_coco(content):
    """Whether the mapping of a JSON file is COCO's, with annotations."""
    return all(isinstance(content.get(key), list) for key in ("images", "annotations", "categories"))


def read_coco(path):
    """The `CocoFile` of a JSON file of instances or panoptic segments.

    Instances: class 0 is the background, then the categories by id; one called background is that class. Panoptic: the
    categories by id and no background, since what belongs to no segment is unlabelled. Instances without segmentation
    are left out, which `problems` tells. Raises UserError where the file isn't COCO's, or refers to what it lacks.
    """
    path = Path(path)
    content = read_json(path, "COCO file")
    if not is_coco(content):
        raise UserError(f"{path} lacks images, annotations or categories, so it is no COCO file with annotations")
    try:
        return _panoptic(path, content) if _is_panoptic(content) else _instances(path, content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} isn't written as COCO's files are: {type(error).__name__} {error}") from error


def _is_panoptic(content):
    return any("segments_info" in entry for entry in content["annotations"][:1])


def _instances(path, content):
    names = _names(path, content)
    objects, problems = defaultdict(list), []
    images = _images(content)
    for entry in content["annotations"]:
        if entry["image_id"] not in images:
            raise UserError(f"{path}: annotation {entry.get('id')} is of image {entry['image_id']}, which isn't listed")
        name = _name(path, names, entry)
        if not entry.get("segmentation"):
            file_name = images[entry["image_id"]]["file_name"]
            text = f"annotation {entry.get('id')} ({name}) of {file_name} has no segmentation and is left out"
            problems.append(Problem("object without segmentation", path, text))
            continue
        kept = {key: entry[key] for key in ("id", "iscrowd", "area", "segmentation") if key in entry}
        objects[entry["image_id"]].append((name, kept))
    found = tuple(
        CocoImage(path, entry["file_name"], (int(entry["width"]), int(entry["height"])), tuple(objects[id]))
        for id, entry in images.items()
    )
    others = [name for name in dict.fromkeys(names.values()) if name != BACKGROUND]
    return CocoFile(path, (BACKGROUND, *others), found, tuple(problems))


def _panoptic(path, content):
    names = _names(path, content)
    images = _images(content)
    folder = next(
        (
            folder
            for folder in (path.with_suffix(""), path.parent.parent / path.stem, path.parent)
            if folder.is_dir() and any((folder / entry["file_name"]).is_file() for entry in content["annotations"][:1])
        ),
        path.with_suffix(""),
    )
    found = []
    for entry in content["annotations"]:
        if entry["image_id"] not in images:
            raise UserError(f"{path}: {entry['file_name']} is of image {entry['image_id']}, which isn't listed")
        image = images[entry["image_id"]]
        segments = {
            int(segment["id"]): None if segment.get("iscrowd") else _name(path, names, segment)
            for segment in entry["segments_info"]
        }
        size = int(image["width"]), int(image["height"])
        found.append(PanopticImage(path, image["file_name"], size, folder / entry["file_name"], segments))
    return CocoFile(path, tuple(dict.fromkeys(names.values())), tuple(found), ())


def _images(content):
    """Image id -> entry. Raises TypeError for one whose file name is no text."""
    for entry in content["images"]:
        if not isinstance(entry["file_name"], str):
            raise TypeError(f"image {entry['id']} has the file name {entry['file_name']!r}")
    return {entry["id"]: entry for entry in content["images"]}


def _names(path, content):
    """Category id -> name, by id."""
    names = {entry["id"]: str(entry["name"]) for entry in sorted(content["categories"], key=lambda entry: entry["id"])}
    names = {id: BACKGROUND if name.casefold() in BACKGROUND_NAMES else name for id, name in names.items()}
    name, count = Counter(names.values()).most_common(1)[0] if names else ("", 0)
    if not 0 < count < 2 or len(names) >= IGNORE:
        what = f"{count} categories called {name!r}" if count > 1 else f"{len(names)} categories"
        raise UserError(f"{path} has {what}; 1 to {IGNORE - 1} with different names are needed")
    return names


def _name(path, names, entry):
    if entry["category_id"] not in names:
        raise UserError(f"{path}: {entry.get('id')} is of category {entry['category_id']}, which isn't listed")
    return names[entry["category_id"]]


def _check_size(entry, size):
    if entry.size != size:
        said, real = (f"{width}x{height}" for width, height in (entry.size, size))
        raise UserError(f"{entry.path} says that {entry.file_name} is {said}, but it is {real}")


def _area(entry):
    area = entry.get("area")
    return area if isinstance(area, int | float) else 0
