"""COCO's panoptic JSON files: a PNG of segments an image, whose categories are its classes.

Limits: 4 GiB of JSON. A file of 64 MiB and a mask are read within 1 GiB and 20 seconds, larger ones in proportion.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.coco_files import images_of, is_panoptic, read_content
from trizoo.data.image_tree import ImageTree, parts_of
from trizoo.data.masks.coco import CocoFile, category_names, category_of, check_size, list_images
from trizoo.data.masks.encoding import bands
from trizoo.data.opening import opened, pixels_of
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError


def find_panoptic(root, images=None, annotations=None):
    """The `Listing` of COCO's panoptic files, None where there are none."""
    return list_images(root, "panoptic", read_panoptic, "instances_", images, annotations)


def read_panoptic(path):
    """The `CocoFile` of a JSON file of panoptic segments, None of one of instances.

    The classes are its categories by id and no background, since what belongs to no segment is unlabelled. Raises
    UserError where the file isn't COCO's, or refers to what it lacks.
    """
    path = Path(path)
    content = read_content(path)
    try:
        return _parse(path, content) if is_panoptic(content) else None
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UserError(f"{path} isn't written as COCO's files are: {type(error).__name__} {error}") from error


@dataclass(frozen=True)
class PanopticImage:
    """The segments of one image.

    Args:
        mask: the PNG of segment ids
        segments: id -> category name, None for a crowd
    """

    path: Path
    file_name: str
    size: tuple[int, int]
    mask: Path
    segments: dict[int, str | None]

    def draw(self, labels, size):
        """Class ids, uint8 (H, W); crowds, and what belongs to no segment, are ignored.

        Args:
            labels: name -> class id
        """
        check_size(self, size)
        with opened(self.mask) as image:
            if image.mode not in ("RGB", "RGBA"):
                raise UserError(f"{self.mask} is of mode {image.mode}; COCO's panoptic masks are RGB: id = R + 256 G …")
            pixels = pixels_of(image if image.mode == "RGB" else image.convert("RGB"))
        if pixels.shape[:2] != size[::-1]:
            raise UserError(f"mask {self.mask} is {pixels.shape[1]}x{pixels.shape[0]}, its image {size[0]}x{size[1]}")
        drawn = np.empty(pixels.shape[:2], np.uint8)
        for band, there in zip(bands(pixels), bands(drawn), strict=True):
            there[:] = self._classes(band.astype(np.int32) @ np.array([1, 256, 65536], np.int32), labels)
        return drawn

    def _classes(self, ids, labels):
        """Class ids, uint8, of segment ids of the same shape."""
        found, inverse = np.unique(ids, return_inverse=True)
        missing = [int(id) for id in found if id and int(id) not in self.segments]
        if missing:
            count = int((ids == missing[0]).sum())
            raise UserError(f"{self.mask} holds segment {missing[0]} in {count:,} pixels, which {self.path} lacks")
        names = [self.segments.get(int(id)) for id in found]
        table = np.array([IGNORE if name is None else labels[name] for name in names], np.uint8)
        return table[inverse].reshape(ids.shape)


def _parse(path, content):
    names = category_names(path, sorted((entry["id"], entry["name"]) for entry in content["categories"]))
    images = images_of(content)
    masks = _masks(path, content["annotations"][:1])
    found = []
    for entry in content["annotations"]:
        if entry["image_id"] not in images:
            raise UserError(f"{path}: {entry['file_name']} is of image {entry['image_id']}, which isn't listed")
        image = images[entry["image_id"]]
        segments = {
            int(segment["id"]): None
            if segment.get("iscrowd")
            else category_of(path, names, segment["category_id"], segment.get("id"))
            for segment in entry["segments_info"]
        }
        size = int(image["width"]), int(image["height"])
        name = entry["file_name"]
        mask = masks.named(name, [path.stem]) or masks.folder / "/".join(parts_of(name))
        found.append(PanopticImage(path, image["file_name"], size, mask, segments))
    return CocoFile(path, tuple(dict.fromkeys(names.values())), tuple(found), ())


def _masks(path, first):
    """The `ImageTree` of a file's PNGs: in a folder of its name, else beside it. first: entries that are looked for."""
    for folder in (path.with_suffix(""), path.parent.parent / path.stem, path.parent):
        tree = ImageTree(folder)
        if any(tree.named(entry["file_name"], [path.stem]) for entry in first):
            return tree
    return ImageTree(path.with_suffix(""))
