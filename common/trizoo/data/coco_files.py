"""Where the COCO files of a data set are, what they hold, and which image and split belong to which."""

import re
from functools import cached_property

from trizoo.data.coco_json import holds_coco
from trizoo.data.image_tree import parts_of
from trizoo.data.reading import PointerError, begins_with_key, is_pointer, json_files, read_json
from trizoo.data.splits import SPLIT_NAMES
from trizoo.ground.errors import UserError

_KEYS_OF_COCO = ("file_name", "image_id", "category_id", "categories")
_NO_SPLIT = ("default", "all", "")
_OF_ANNOTATIONS = re.compile(r"(?i)annotation|coco|instances|^(?:train|val|valid|test)$")
_MOST_OTHERS = 10  # JSON files of other names among which a COCO file is looked for


def is_named_as_coco(path):
    """Whether a JSON file's name is one that COCO's files have."""
    return bool(re.match(r"(?i)(instances|panoptic)_", path.name)) or path.name.lower().endswith(".coco.json")


def is_named_as_panoptic(path):
    """Whether a JSON file's name says that its annotations are segments of panoptic masks."""
    return path.name.lower().startswith("panoptic_")


def find_files(root, annotations=None):
    """Paths of the COCO files in a folder and those below it: those that are named so, else those that look so.

    A file that is named like one, or that begins like one, and isn't JSON is an error when it is read, and one of
    Git LFS's pointers under a name of annotations at once. Results, which are a list, are none.

    Args:
        annotations: the only folder to look in, or a JSON file, which has to look so; None: the root
    """
    if annotations is not None and annotations.is_file():
        return [annotations] if annotations.suffix.lower() == ".json" and _holds_coco(annotations) else []
    paths = json_files(annotations or root)
    lost = [path for path in paths if len(paths) <= _MOST_OTHERS and _OF_ANNOTATIONS.search(path.stem)]
    lost = next(filter(is_pointer, lost), None)
    if lost:
        raise PointerError(lost)
    named = [path for path in paths if is_named_as_coco(path) and not _is_list(path)] or [
        path
        for path in paths
        if len(paths) <= _MOST_OTHERS and begins_with_key(path, "images", "annotations", "categories", "info")
    ]
    return [path for path in named if is_named_as_coco(path) or _holds_coco(path)]


def _holds_coco(path):
    held = holds_coco(path)
    return begins_with_key(path, *_KEYS_OF_COCO) if held is None else held


def _is_list(path):
    """Whether a JSON file is a list, as COCO's results are."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    except OSError:
        return False


def read_content(path):
    """The mapping in a COCO file. Raises UserError where the file isn't COCO's, with annotations."""
    content = read_json(path, "COCO file")
    if not all(isinstance(content.get(key), list) for key in ("images", "annotations", "categories")):
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
    """The split that a file's name says, or a folder that it is in, without a year; None where neither says one.

    instances_train2017.json and valid/_annotations.coco.json are train and val; instances_night.json is night, since
    COCO's names end with what the images are called, and CVAT's instances_default.json is of no split.
    """
    match = _name_of_split(path)
    if match:
        name = _without_year(match[1])
        return None if name.lower() in _NO_SPLIT else SPLIT_NAMES.get(name.lower(), name)
    if re.search(r"(?i)train_?val", path.stem):
        return "trainval"
    words = [*_folders(path, root), *re.split(r"[\W_]+", path.stem)]
    return next(filter(None, map(named_split, reversed(words))), None)


def named_split(text):
    """What the split is called that a folder's or a file's name says, a year aside: valid2017 is val; None: none."""
    return SPLIT_NAMES.get(_without_year(text).lower())


class FileImages:
    """The images that one COCO file names, wherever they lie below a folder and never outside of it.

    Args:
        tree: a `trizoo.data.image_tree.ImageTree`
        path: the COCO file
        root: of the data set
    """

    def __init__(self, tree, path, root):
        self.split = split_of(path, root)
        self._tree = tree
        inside = _folders(path, root)
        self._beside = bool(self.split) and any(named_split(folder) == self.split for folder in inside)
        match = _name_of_split(path)
        self._near = {*inside, *((match[1], _without_year(match[1])) if match else ()), *filter(None, [self.split])}
        self._near = {name.casefold() for name in self._near}
        self._folders = [folder for folder in image_folders(path, root) if folder.is_relative_to(tree.folder)]

    def find(self, names):
        """The image of each file name, None where there is none, or several that fit alike.

        An image in the folder of another split is none, unless the name has that folder or no image of this file lies
        in a folder of its own: val/1.jpg isn't the lost train/1.jpg.
        """
        found = [self._tree.named(name, self._near) or self._exactly(name) for name in names]
        folders = {path.parent: self._judge(path.parent) for path in found if path}
        if self.split not in SPLIT_NAMES.values():
            return found
        if not self._beside and not any(near for near, _ in folders.values()):
            return found
        return [
            path if path is None or self._belongs(name, path, *folders[path.parent]) else None
            for name, path in zip(names, found, strict=True)
        ]

    def _judge(self, folder):
        """Whether a folder has a name that this file's images are near to, and which split it says."""
        parts = [part.casefold() for part in folder.relative_to(self._tree.folder).parts]
        return bool(self._near.intersection(parts)), next(filter(None, map(named_split, reversed(parts))), None)

    def _belongs(self, name, path, near, split):
        in_name = {part.casefold() for part in parts_of(name)[:-1]}
        return near or split in (None, self.split) or path.parent.name.casefold() in in_name

    def _exactly(self, name):
        """The image of a name as it stands, in the first folder where images of such a file lie."""
        inside = "/".join(parts_of(name))
        return next((path for folder in self._folders if (path := folder / inside) in self._paths), None)

    @cached_property
    def _paths(self):
        return {*self._tree, *(path for path, _ in self._tree.doubles)}


def image_folders(path, root):
    """Where the images of a file may be."""
    match = _name_of_split(path)
    own = [match[1], _without_year(match[1])] if match else []
    bases = dict.fromkeys([path.parent, path.parent.parent, root] if path.parent != root else [root])
    inside = ["", *own, *(f"{folder}/{name}" for folder in ("images", "JPEGImages") for name in own), "images"]
    return [base / name for base in bases for name in (*inside, "JPEGImages", "data")]


def _folders(path, root):
    """The names of the folders that a file is in, from the root on; of a file elsewhere the last one."""
    return path.relative_to(root).parts[:-1] if path.is_relative_to(root) else path.parts[-2:-1]


def _name_of_split(path):
    return re.match(r"(?i)(?:instances|panoptic)_(.+)$", path.stem)


def _without_year(name):
    return re.sub(r"(?<=\D)20\d\d$", "", name)
