"""Where the files of a VOC-layout data set are, and which image belongs to which split."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.image_tree import ImageTree, bare_id, files_below
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import POINTER
from trizoo.data.splits import SPLIT_NAMES
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_ANNOTATION = re.compile(rb"(?i)<(?:\w+:)?annotation[\s>]")  # CVAT's begins with <annotations>
_HEAD = 4096  # bytes in which an annotation's first tag stands
_SEARCH_DEPTH = 2  # VOCdevkit/VOC2012, or the folder in a folder that unpacking an archive gives


def find_root(root):
    """The folder with JPEGImages and Annotations (or SegmentationClass): `root` itself, or the one up to two below.

    None where there is none, or one for each split (train/JPEGImages, val/JPEGImages). Raises UserError where there
    are several others.
    """
    level = [Path(root)]
    for _ in range(_SEARCH_DEPTH + 1):
        found = [folder for folder in level if _is_root(folder)]
        if len(found) > 1 and all(folder.name.casefold() in SPLIT_NAMES for folder in found):
            return None
        if len(found) > 1:
            raise UserError(f"data set {root} holds several VOC data sets, name one of them: {first_few(found)}")
        if found:
            return found[0]
        level = [child for folder in level for child in _folders(folder)]
    return None


@dataclass(frozen=True)
class Files:
    """The files of a data set by image id.

    Args:
        images: those that an annotation or a mask has the id of, under that id; the others under their own
        doubles: sentences about files that share an id, of which one counts
        image_folder, annotation_folder: where they were looked for
    """

    root: Path
    images: dict[str, Path]
    annotations: dict[str, Path]
    masks: dict[str, Path]
    doubles: tuple[tuple[Path, str], ...]
    image_folder: Path
    annotation_folder: Path

    def list_folders(self, for_masks=False):
        """Where every text file is a list: ImageSets/Main (Segmentation for masks, where it exists), else ImageSets."""
        sets = self.root / "ImageSets"
        names = ["Segmentation", "Main"] if for_masks else ["Main"]
        return [next((sets / name for name in names if (sets / name).is_dir()), sets)]


def list_files(root, images=None, annotations=None):
    """The `Files` of a VOC root. Where two share an id, the first by name counts.

    Args:
        images, annotations: folders of other names than JPEGImages and Annotations
    """
    image_folder, annotation_folder = images or root / "JPEGImages", annotations or root / "Annotations"
    doubles = []
    tree = ImageTree(image_folder)
    doubles += [(path, f"has the same id as {first.name}, which is used instead") for path, first in tree.doubles]
    xmls = _by_id(annotation_folder, (".xml",), doubles)
    masks = _by_id(root / "SegmentationClass", IMAGE_SUFFIXES, doubles)
    return Files(root, paired(tree, {**xmls, **masks}), xmls, masks, tuple(doubles), image_folder, annotation_folder)


def list_loose(root, images=None, annotations=None):
    """The `Files` of VOC annotations in any arrangement: beside their images, in folders of splits, of other names.

    None where no XML file is a VOC annotation.

    Args:
        images, annotations: the folders to look in, None = root
    """
    folder, image_folder = annotations or root, images or root
    doubles = []
    xmls = {id: path for id, path in _by_id(folder, (".xml",), doubles).items() if _is_annotation(path)}
    if not xmls:
        return None
    tree = ImageTree(image_folder)
    doubles += [(path, f"has the same id as {first.name}, which is used instead") for path, first in tree.doubles]
    return Files(root, paired(tree, xmls), xmls, {}, tuple(doubles), image_folder, folder)


def _is_annotation(path):
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD).replace(b"\0", b"")  # UTF-16 has zeros
    except OSError:
        return False
    return _ANNOTATION.search(head) is not None or head.startswith(POINTER)  # which reading it tells


def paired(tree, ids):
    """Id -> image, for the ids of annotations and, under their own, for all other images of an `ImageTree`."""
    images = {id: tree.by_id[id] for id in ids if id in tree.by_id}
    taken = set(images.values())
    for id in ids:
        path = None if id in images else tree.named(id)
        if path is not None and path not in taken:
            images[id] = path
            taken.add(path)
    for id, path in tree.by_id.items():
        if path not in taken:
            images.setdefault(id, path)
    return images


def _by_id(folder, suffixes, doubles):
    """Bare id -> file; appends to `doubles` a (file, sentence) for each file whose id another has already taken."""
    files = {}
    for relative in files_below(folder, suffixes):
        id, path = bare_id(relative), folder / relative
        if id in files:
            doubles.append((path, f"has the same id as {files[id].name}, which is used instead"))
        else:
            files[id] = path
    return files


def _is_root(folder):
    return (folder / "JPEGImages").is_dir() and any((folder / n).is_dir() for n in ("Annotations", "SegmentationClass"))


def _folders(folder):
    """The folders in a folder by name, hidden ones and what a Mac's archives add left out."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except PermissionError:  # what can't be entered can't be the data set
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".") and name != "__MACOSX"]
