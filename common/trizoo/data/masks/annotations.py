"""Masks as annotations: labelme's JSON files beside images, and COCO's for all of them."""

import json
import os
import re
import unicodedata
from pathlib import Path

from trizoo.data.masks.coco import PanopticImage, is_coco, read_coco
from trizoo.data.masks.labelme import BACKGROUND, is_labelme, read_labelme
from trizoo.data.masks.listing import SPLIT_NAMES, Listing, Pair, examples, image_files, split_up
from trizoo.data.reading import Problem
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_HEAD = 1 << 16  # bytes of a JSON file that show what it is


def _json_files(root, most_levels=3):
    """The JSON files in a folder and those below it, by path."""
    found = []
    for parent, folders, names in os.walk(root):
        depth = len(Path(parent).relative_to(root).parts)
        folders[:] = sorted(n for n in folders if not n.startswith((".", "__"))) if depth < most_levels else []
        found += [Path(parent, name) for name in sorted(names) if name.lower().endswith(".json") and name[0] != "."]
    return found


def _begins(path, *keys):
    """Whether a JSON file's first bytes name one of these keys."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return any(f'"{key}"'.encode() in head for key in keys)


def find_labelme(root):
    """The `Listing` of labelme's files in a folder and those below it, None where there are none."""
    paths = [path for path in _json_files(root) if not _is_coco_file(path) and _is_labelme_file(path)]
    if not paths:
        return None
    pairs, unpaired, problems = {}, [], []
    by_stem = None
    for path in paths:
        content = read_labelme(path)
        image = content.image if content.image.is_file() else None
        if image is None:
            if by_stem is None:
                by_stem = {found.stem.casefold(): found for found in image_files(root).values()}
            image = by_stem.get(content.image.stem.casefold()) or by_stem.get(path.stem.casefold())
        if image is None:
            unpaired.append(Problem("annotation without image", path, f"has no image {content.image.name}"))
            continue
        id = unicodedata.normalize("NFC", path.relative_to(root).with_suffix("").as_posix())
        pairs[id] = Pair(id, image, content)
        problems += content.problems
    if not pairs:
        raise UserError(f"none of the {len(paths)} labelme files in {root} has its image there; {examples(unpaired)}")
    annotated = {pair.image for pair in pairs.values()}
    for image in image_files(root).values():
        if image not in annotated:
            unpaired.append(Problem("image without annotation", image, "has no labelme file"))
    names = set().union(*(pair.truth.names for pair in pairs.values()))
    splits, notes, listed = split_up(root, pairs, {})
    classes = (BACKGROUND, *sorted(names))
    return Listing(root, "labelme", pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _is_labelme_file(path):
    if _begins(path, "shapes"):
        return True
    if not _begins(path, "imageData", "imagePath", "flags", "version"):
        return False
    try:  # the keys may be sorted, and a large imageData then stands before the shapes
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and is_labelme(content)


def _is_coco_file(path):
    return bool(re.match(r"(?i)(instances|panoptic)_", path.name)) or path.name.lower().endswith(".coco.json")


def find_coco(root):
    """The `Listing` of COCO's files of instances, None where there are none."""
    return _coco_files(root, "coco", panoptic=False)


def find_panoptic(root):
    """The `Listing` of COCO's panoptic files, None where there are none."""
    return _coco_files(root, "panoptic", panoptic=True)


def _coco_files(root, layout, panoptic):
    paths = _json_files(root)
    named = [path for path in paths if _is_coco_file(path)] or [
        path for path in paths if len(paths) <= 10 and _begins(path, "images", "annotations", "categories", "info")
    ]
    pairs, splits, unpaired, problems, classes, first = {}, {}, [], [], None, None
    for path in named:
        if path.name.lower().startswith("panoptic_") is not panoptic and path.name.lower().startswith(
            ("panoptic_", "instances_")
        ):
            continue
        if not _holds_coco(path):
            continue
        content = read_coco(path)
        if any(isinstance(image, PanopticImage) for image in content.images) is not panoptic:
            continue
        if classes not in (None, content.classes):
            raise UserError(f"{path} has other categories than {first}; one data set needs the same in all its files")
        classes, first = content.classes, path
        problems += content.problems
        split, folders = _split_of(path, root), _image_folders(path, root)
        for image in content.images:
            file = next((folder / image.file_name for folder in folders if (folder / image.file_name).is_file()), None)
            if file is None:
                text = f"{image.file_name} is not in {first_few([str(folder) for folder in folders])}"
                unpaired.append(Problem("missing image", path, text))
                continue
            stem = unicodedata.normalize("NFC", Path(image.file_name).with_suffix("").as_posix())
            id = f"{split}/{stem}" if split else stem
            pairs[id] = Pair(id, file, image)
            if split:
                splits.setdefault(split, []).append(id)
    if first is None:
        return None
    if not pairs:
        raise UserError(
            f"none of the images that {first} lists is there; {unpaired[0].text if unpaired else 'none are'}"
        )
    splits, notes, listed = split_up(root, pairs, splits)
    return Listing(root, layout, pairs, splits, classes, tuple(unpaired), (*problems, *listed), notes)


def _holds_coco(path):
    """Whether a file is COCO's with annotations; a file that is named like one and isn't JSON is an error later."""
    if _is_coco_file(path):
        return True
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and is_coco(content)


def _split_of(path, root):
    """The split that a file's name or folder says, without a year: instances_train2017.json is train."""
    match = re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)
    name = match[1] if match else path.parent.name if path.parent != root else path.stem
    name = re.sub(r"(?<=\D)20\d\d$", "", name)
    return SPLIT_NAMES.get(name.lower(), name if match else None)


def _image_folders(path, root):
    """Where the images of a file may be."""
    match = re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)
    own = [match[1], re.sub(r"(?<=\D)20\d\d$", "", match[1])] if match else []
    bases = dict.fromkeys([path.parent, path.parent.parent, root] if path.parent != root else [root])
    inside = ["", *own, *(f"{folder}/{name}" for folder in ("images", "JPEGImages") for name in own), "images"]
    return [base / name for base in bases for name in (*inside, "JPEGImages", "data")]
