"""The objects of a data set with boxes, each cut out as an image of its own, in folders of classes."""

import re
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from trizoo.data.convert import content_of_boxes, fill, new_folder, refuse_inside
from trizoo.data.finding import is_of_tars
from trizoo.data.images import read_image
from trizoo.data.purpose import find_labels
from trizoo.data.reading import in_short
from trizoo.data.write.content import file_names, write_lines
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_from_memory
from trizoo.ground.text import first_few

FORMATS = {"jpg": {"format": "JPEG", "quality": 95, "subsampling": 0}, "png": {"format": "PNG"}}
_NOT_IN_FOLDERS = re.compile(r'[<>:"/\\|?*]|[. ]+$')  # what Windows allows in no name


@dataclass(frozen=True)
class Cropped:
    """What was written.

    Args:
        counts: split -> int64 (C,), how many objects of each class
        notes: sentences about what was left out or is called otherwise
    """

    classes: tuple[str, ...]
    counts: dict[str, np.ndarray]
    notes: tuple[str, ...]

    def __str__(self):
        rows = [("split", *self.classes), *((name, *map(str, of_split)) for name, of_split in self.counts.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for first, *others in rows:
            cells = (f"{text:>{width}}" for text, width in zip(others, widths[1:], strict=True))
            lines.append("  ".join((f"{first:{widths[0]}}", *cells)))
        return "\n".join(lines)


def crop(
    root,
    out,
    classes=None,
    *,
    margin=0.1,
    size=None,
    min_side=8,
    to="jpg",
    classes_map=None,
    layout=None,
    images=None,
    annotations=None,
    watch=None,
):
    """Write the objects of the data set at `root` into the new folder `out`: SPLIT/CLASS/ID-N.jpg -> `Cropped`.

    N counts the objects of an image from 1. All objects of an image are in its split, those made by hash too, so what
    was held out stays so; an image in several splits is in one of them, train before val before test before any other.
    Crowds are left out. A point is cut out with 15 pixels to each side. The folder appears when everything is in it.

    Args:
        classes: names in the order of their labels, None for those that are found
        margin: share of a box's width that is added left and right, of its height above and below, as far as the image
            goes
        size: pixels that the longer side of what is cut out has at most, None for any
        min_side: objects whose box has a shorter side than this, in pixels, are left out
        to: a key of FORMATS
        classes_map: see `trizoo.data.class_maps`
        layout, images, annotations: see `find_boxes`
        watch: see `trizoo.data.write.content.Content`

    Raises:
        UserError: where `out` holds anything, can't be written or lies in the data set, where no object is left, and as
            the readers do
    """
    if to not in FORMATS:
        raise UserError(f"the format of what is cut out is {to!r}; one of {', '.join(FORMATS)} is needed")
    if not 0 <= margin <= 10:
        raise UserError(f"margin is {margin:g}; a share of the box's sides from 0 to 10 is needed")
    out = new_folder(out)
    refuse_inside(out, root, images, annotations)
    _, listing = find_labels(root, "detection", layout, images, annotations)
    if not is_of_tars(root):
        refuse_inside(out, listing.root)
    content, source = content_of_boxes(listing, classes, classes_map)
    folders = folder_names(content.classes)
    content = replace(content, watch=watch or content.watch)
    splits, notes = content.once()
    notes += content.left_out()
    changed = [f"{new} for {old}" for old, new in zip(content.classes, folders, strict=True) if old != new]
    if changed:
        notes.append(f"classes whose names no folder can have are called otherwise: {first_few(changed)}")
    of_image = [None] * len(content)  # place -> split
    for split, places in splits.items():
        for place in places:
            of_image[place] = split
    counts, unreadable, tiny = {split: np.zeros(len(folders), np.int64) for split in splits}, [], []

    def write_all(content, folder):
        for split in splits:
            for name in folders:
                (folder / split / name).mkdir(parents=True)
        write_lines(folder / "classes.txt", folders)

        def write(place):
            record = content.records[place]
            try:
                image = read_image(record.image)
            except UserError as error:
                return [], 0, str(error)
            labels, small = [], 0
            for number, (box, label) in enumerate(zip(record.boxes.tolist(), record.labels.tolist(), strict=True), 1):
                if record.crowd[number - 1]:
                    continue
                if min(box[2] - box[0], box[3] - box[1]) < min_side:
                    small += 1
                    continue
                path = folder / of_image[place] / folders[label] / f"{content.names[place]}-{number}.{to}"
                cut = cut_out(image, box, margin, size)
                write_from_memory(path, lambda file, cut=cut: cut.save(file, **FORMATS[to]))
                labels.append(label)
            return labels, small, None

        places = [place for place, split in enumerate(of_image) if split]
        for place, (labels, small, error) in zip(places, content.each(write, places), strict=True):
            np.add.at(counts[of_image[place]], labels, 1)
            tiny.append(small)
            if error:
                unreadable.append(error)
        if not any(of_split.any() for of_split in counts.values()):
            least = f" of at least {min_side} pixels" if sum(tiny) else ""
            raise UserError(f"{root} has no object{least} to cut out{f': {unreadable[0]}' if unreadable else ''}")
        return []

    fill(content, write_all, out)
    if sum(tiny):
        notes.append(f"objects below {min_side} pixels are left out: {sum(tiny)}")
    if unreadable:
        notes.append(f"images that can't be read are left out: {len(unreadable)}, {unreadable[0]}")
    if source.problems:
        notes.append(in_short(source.problems, root))
    return Cropped(tuple(folders), counts, (*source.notes, *notes))


def cut_out(image, box, margin=0.0, size=None):
    """The part of an image that a box covers, with a margin, every pixel that it touches: a Pillow image.

    Args:
        image: uint8 (H, W, 3)
        box: x1, y1, x2, y2 in pixels
        margin, size: see `crop`
    """
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    across, down = margin * (x2 - x1), margin * (y2 - y1)
    left, top = max(0, int(np.floor(x1 - across))), max(0, int(np.floor(y1 - down)))
    right, bottom = min(width, int(np.ceil(x2 + across))), min(height, int(np.ceil(y2 + down)))
    picture = Image.fromarray(image[top : max(bottom, top + 1), left : max(right, left + 1)])
    if size is not None and max(picture.size) > size:
        scale = size / max(picture.size)
        sides = tuple(max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize(sides, Image.Resampling.BICUBIC)
    return picture


def folder_names(classes):
    """Names of folders for classes, in order; characters that some system takes in no name become _."""
    return file_names([_NOT_IN_FOLDERS.sub("_", name) for name in classes])
