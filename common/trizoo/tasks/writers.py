"""What predict leaves behind: pictures, JSON, VOC annotations, crops, and a table of counts.

Every file is written whole or not at all: under a temporary name beside its place, then renamed.
"""

import itertools
import os
import re
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

from trizoo.data.write.voc import annotation
from trizoo.ground.boxes import as_boxes, clip
from trizoo.ground.errors import UserError
from trizoo.ground.files import replacing, write_atomically, write_from_memory
from trizoo.pictures.draw import check_image, check_labels

# Suffix -> Pillow's name and options. Colour isn't subsampled: thin coloured lines and letters would blur.
JPEG = ("JPEG", {"quality": 92, "subsampling": 0})
PICTURE_FORMATS = {
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".png": ("PNG", {"compress_level": 3}),
    ".webp": ("WEBP", {"quality": 92}),
    ".bmp": ("BMP", {}),
    ".tif": ("TIFF", {}),
    ".tiff": ("TIFF", {}),
}
# What Windows, macOS or Linux refuses in a file name; and the names that Windows keeps for devices.
NOT_IN_NAMES = re.compile('[<>:"/\\\\|?*\x00-\x1f\x7f\ud800-\udfff]')
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(10))}
MOST_NAME_BYTES = 80  # of a class name in a file name; a whole file name may have 255


def save_picture(path, image):
    """Writes a uint8 (H, W, 3) RGB image in the format of the path's suffix, (H, W, 4) in one that has transparency.

    Raises UserError for an unknown suffix.
    """
    check_image(image[..., :3])
    path = Path(path)
    if path.suffix.lower() not in PICTURE_FORMATS:
        raise UserError(f"a picture can't be written as {str(path)!r}; the suffixes {', '.join(PICTURE_FORMATS)} can")
    name, options = PICTURE_FORMATS[path.suffix.lower()]
    with replacing(path) as temporary:
        write_from_memory(temporary, lambda file: Image.fromarray(image).save(file, format=name, **options))


def to_json(name, size, detections, class_names):
    """One image's result as plain values -> dict, the form of the JSON file.

    {"image", "width", "height", "detections": [{"class": name, "label": id, "score", "box": [xmin, ymin, xmax, ymax]}],
    "counts": {name: n of those present, in class order}}. Boxes are rounded to 0.01 pixel, scores to 0.0001.

    Args:
        size: (width, height)
    """
    boxes, scores, labels = _plain(detections, class_names)
    listed = [
        {"class": class_names[label], "label": label, "score": score, "box": box}
        for box, score, label in zip(boxes, scores, labels, strict=True)
    ]
    counts = {}
    for label in sorted(labels):
        counts[class_names[label]] = counts.get(class_names[label], 0) + 1
    width, height = map(int, size)
    return {"image": str(name), "width": width, "height": height, "detections": listed, "counts": counts}


def voc_xml(path_of_image, size, detections, class_names):
    """The detections of one image as a VOC annotation -> text of an XML file, each object with a `<score>`.

    VOC counts pixels from 1 and includes the last: xmin + 1, ymin + 1, xmax, ymax are written, to 0.01 pixel, cut at
    the image's edges. Boxes with a side of a pixel or less there are left out: their corners would coincide or change
    places in the file.

    Args:
        size: (width, height)
    """
    path_of_image = Path(path_of_image)
    width, height = map(int, size)
    objects = []
    for box, score, label in zip(*_plain(detections, class_names, clip_to=(width, height)), strict=True):
        xmin, ymin, xmax, ymax = box
        if xmax - xmin > 1 and ymax - ymin > 1:
            # Whole numbers without a point: many readers of VOC files take nothing else.
            corners = [f"{value:.2f}".removesuffix(".00") for value in (xmin + 1, ymin + 1, xmax, ymax)]
            objects.append((class_names[label], corners, False, score))
    return annotation(path_of_image.parent.name, path_of_image.name, (width, height), objects)


def write_voc(path, path_of_image, size, detections, class_names):
    """Writes `voc_xml` to a file, in UTF-8."""
    write_atomically(path, voc_xml(path_of_image, size, detections, class_names))


def write_crops(folder, image, stem, detections, class_names, *, suffix=".jpg"):
    """Writes what lies in each box, every pixel that it touches, as a picture -> list of paths.

    The names are `<stem>_<k>_<class>_<score>`; k is the detection's place in `detections` from 000, the class is as
    `names_for_files` gives it. A box without area in the image is left out.
    """
    check_image(image)
    labels = check_labels(detections.labels, class_names)
    safe_names = names_for_files(class_names)
    height, width = image.shape[:2]
    boxes = clip(detections.boxes, width, height).reshape(-1, 4)
    with_area = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(1))
    corners = np.concatenate([np.floor(boxes[with_area, :2]), np.ceil(boxes[with_area, 2:])], axis=1).astype(np.int64)
    written = []
    for k, (left, top, right, bottom) in zip(with_area, corners, strict=True):
        name = f"{stem}_{k:03d}_{safe_names[labels[k]]}_{detections.scores[k]:.2f}{suffix}"
        written.append(Path(folder, name))
        save_picture(written[-1], image[top:bottom, left:right])
    return written


def names_for_files(class_names):
    """Class names that every system takes in a file name, no two alike even where case isn't told apart -> list."""
    safe = []
    taken = set()
    for label, name in enumerate(class_names):
        name = NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", name))
        name = name.encode()[:MOST_NAME_BYTES].decode(errors="ignore").strip(" .") or "class"
        if name.split(".")[0].strip().lower() in DEVICES:
            name = f"_{name}"
        while name.casefold() in taken:
            name = f"{name}-{label}"
        taken.add(name.casefold())
        safe.append(name)
    return safe


def output_names(paths, out_dir, *, suffix=None, kept=(), loose=None):
    """Where each image's picture goes: -> {path or key: path in out_dir}, in order.

    Folders are kept from the images' common folder on. No two results differ in their suffix only (`a.jpg`, `a.png`
    become `a.jpg`, `a_2.png`), so `with_suffix` of one is as good a name for another kind of file.

    Args:
        suffix: that of every result; None keeps the image's where pictures can be written so, else `.png`
        loose: {key: path} of images that are no files; of the path the name alone counts
        kept: names of folders in out_dir that other results go to; a folder of images so called becomes `masks_2`

    Raises:
        UserError: where a result would lie on one of the images, or beside it under the same name, where its annotation
            may be
    """
    out_dir = Path(out_dir)
    # Path.absolute would leave ".." in, Path.resolve would follow links.
    absolute = {Path(path): Path(os.path.abspath(path)) for path in paths}  # noqa: PTH100
    levels = zip(*{path.parent.parts for path in absolute.values()}, strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda level: len(set(level)) == 1, levels))
    folder_ids = {folder: _folder_id(folder) for folder in {path.parent for path in absolute.values()}}
    sources = {(folder_ids[path.parent], path.stem.casefold()): path for path in absolute.values()}
    sources = {key: path for key, path in sources.items() if key[0] is not None}

    relative = {path: _relative_parts(whole, shared) for path, whole in absolute.items()}
    moved = _moved({parts[0] for parts in relative.values() if parts}, kept)
    relative = {path: (moved.get(parts[0], parts[0]), *parts[1:]) if parts else () for path, parts in relative.items()}
    wanted = {_stem_key(parts, whole.stem) for whole, parts in zip(absolute.values(), relative.values(), strict=True)}
    named = [(path, path, parts) for path, parts in relative.items()]
    named += [(key, Path(NOT_IN_NAMES.sub("_", path.name)), ()) for key, path in (loose or {}).items()]
    taken, names = set(), {}
    for key, path, parts in named:
        stem, number = path.stem, 1
        while _stem_key(parts, stem) in taken or (number > 1 and _stem_key(parts, stem) in wanted):
            number += 1
            stem = f"{path.stem}_{number}"
        taken.add(_stem_key(parts, stem))
        ending = suffix or (path.suffix if path.suffix.lower() in PICTURE_FORMATS else ".png")
        target = out_dir.joinpath(*parts, stem + ending)
        if target.parent not in folder_ids:
            folder_ids[target.parent] = _folder_id(target.parent)
        source = sources.get((folder_ids[target.parent], stem.casefold()))
        if source is not None:
            raise UserError(
                f"the result {str(target)!r} would lie on the image {str(source)!r} or its annotation; "
                f"choose an output folder apart from the images"
            )
        names[key] = target
    return names


def in_folder(out_dir, name, target):
    """Where a result of another kind than a picture's goes: DIR/a/b.jpg -> DIR/masks/a/b.jpg."""
    return Path(out_dir, name, Path(target).relative_to(out_dir))


def to_rows(detections, num_classes):
    """The older result format of one image: -> list, for each class, of float32 (k, 5).

    A row is xmin, ymin, xmax, ymax, score, highest score first. A list of these over images is indexed
    [image][class][k, 5].
    """
    labels = check_labels(detections.labels, range(num_classes))
    scores = np.asarray(detections.scores, dtype=np.float32)
    rows = np.concatenate([as_boxes(detections.boxes), scores[:, None]], axis=1, dtype=np.float32)
    return [rows[labels == label] for label in range(num_classes)]


class Counts:
    """What was found in all images: a table of counts that grows.

    Args:
        class_names: in the order in which they are shown
    """

    def __init__(self, class_names):
        self._objects, self._images = dict.fromkeys(class_names, 0), dict.fromkeys(class_names, 0)
        self._results = self._with_any = 0

    def add(self, result):
        """Counts one image's dict of `to_json`."""
        self._results += 1
        self._with_any += bool(result["counts"])
        for name, count in result["counts"].items():
            self._objects[name] += count
            self._images[name] += 1

    def text(self):
        """For each class that occurs how many objects, and in how many images; then all of them together: lines."""
        rows = [("class", "objects", "images")]
        rows += [(name, str(count), str(self._images[name])) for name, count in self._objects.items() if count]
        rows.append(("all", str(sum(self._objects.values())), str(self._with_any)))
        columns = [max(map(_columns_of, column)) for column in zip(*rows, strict=True)]
        lines = [
            row[0] + " " * (columns[0] - _columns_of(row[0])) + f"  {row[1]:>{columns[1]}}  {row[2]:>{columns[2]}}"
            for row in rows
        ]
        return "\n".join([*lines, f"{self._results} images read"])


def _plain(detections, class_names, clip_to=None):
    """Boxes, scores and labels as lists of plain numbers, boxes rounded to 0.01 and scores to 0.0001."""
    labels = check_labels(detections.labels, class_names).tolist()
    boxes = as_boxes(detections.boxes).astype(np.float64).reshape(-1, 4)
    if clip_to is not None:
        boxes = clip(boxes, *clip_to)
    scores = np.asarray(detections.scores, dtype=np.float64)
    # Adding 0.0 turns the -0.0 of a rounded -0.001 into 0.0.
    return (boxes.round(2) + 0.0).tolist(), scores.round(4).tolist(), labels


def _relative_parts(path, shared):
    """The folders of an absolute path without the first `shared`; a drive, where one is left, as a plain name."""
    return tuple(NOT_IN_NAMES.sub("", part) for part in path.parent.parts[shared:])


def _moved(folders, kept):
    """{folder: another name} of those folders whose names are kept for other results."""
    taken, moved = {_stem_key((), name) for name in (*folders, *kept)}, {}
    for folder in sorted(folder for folder in folders if _stem_key((), folder) in {_stem_key((), k) for k in kept}):
        number = next(number for number in itertools.count(2) if _stem_key((), f"{folder}_{number}") not in taken)
        moved[folder] = f"{folder}_{number}"
        taken.add(_stem_key((), moved[folder]))
    return moved


def _stem_key(parts, stem):
    """Equal for names that some system takes for the same: case and composed characters aren't told apart."""
    return unicodedata.normalize("NFC", "/".join([*parts, stem])).casefold()


def _folder_id(folder):
    """What a folder is, however it is spelled or linked -> (device, inode); None where there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _columns_of(text):
    """How many columns of a terminal a text takes: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
