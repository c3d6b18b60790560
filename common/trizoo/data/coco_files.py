"""Where the COCO files of a data set are, what they hold, and which image and split belong to which."""

import json
import re

from trizoo.data.reading import begins_with_key, json_files, read_json
from trizoo.data.splits import SPLIT_NAMES
from trizoo.ground.errors import UserError

_MOST_OTHERS = 10  # JSON files of other names among which a COCO file is looked for


def is_named_as_coco(path):
    """Whether a JSON file's name is one that COCO's files have."""
    return bool(re.match(r"(?i)(instances|panoptic)_", path.name)) or path.name.lower().endswith(".coco.json")


def find_files(root):
    """Paths of the COCO files in a folder and those below it: those that are named so, else those that look so.

    A file that is named like one and isn't JSON is an error when it is read.
    """
    paths = json_files(root)
    named = [path for path in paths if is_named_as_coco(path)] or [
        path
        for path in paths
        if len(paths) <= _MOST_OTHERS and begins_with_key(path, "images", "annotations", "categories", "info")
    ]
    return [path for path in named if _holds_coco(path)]


def _holds_coco(path):
    if is_named_as_coco(path):
        return True
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and _is_coco(content)


def _is_coco(content):
    return all(isinstance(content.get(key), list) for key in ("images", "annotations", "categories"))


def read_content(path):
    """The mapping in a COCO file. Raises UserError where the file isn't COCO's, with annotations."""
    content = read_json(path, "COCO file")
    if not _is_coco(content):
        raise UserError(f"{path} lacks images, annotations or categories, so it is no COCO file with annotations")
    return content


def is_panoptic(content):
    """Whether a COCO file's annotations are segments of panoptic masks, not instances."""
    return any("segments_info" in entry for entry in content["annotations"][:1])


def images_of(content):
    """Image id -> entry. Raises TypeError for one whose file name is no text."""
    for entry in content["images"]:
        if not isinstance(entry["file_name"], str):
            raise TypeError(f"image {entry['id']} has the file name {entry['file_name']!r}")
    return {entry["id"]: entry for entry in content["images"]}


def split_of(path, root):
    """The split that a file's name or folder says, without a year: instances_train2017.json is train."""
    match = _name_of_split(path)
    name = match[1] if match else path.parent.name if path.parent != root else path.stem
    name = _without_year(name)
    return SPLIT_NAMES.get(name.lower(), name if match else None)


def image_folders(path, root):
    """Where the images of a file may be."""
    match = _name_of_split(path)
    own = [match[1], _without_year(match[1])] if match else []
    bases = dict.fromkeys([path.parent, path.parent.parent, root] if path.parent != root else [root])
    inside = ["", *own, *(f"{folder}/{name}" for folder in ("images", "JPEGImages") for name in own), "images"]
    return [base / name for base in bases for name in (*inside, "JPEGImages", "data")]


def _name_of_split(path):
    return re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)


def _without_year(name):
    return re.sub(r"(?<=\D)20\d\d$", "", name)
