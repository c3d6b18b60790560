"""Where the files of a VOC-layout data set are, and which image belongs to which split."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.ids import image_id
from trizoo.data.images import IMAGE_SUFFIXES
from trizoo.data.reading import read_text
from trizoo.data.splits import split_by_hash
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_SEARCH_DEPTH = 2  # VOCdevkit/VOC2012, or the folder in a folder that unpacking an archive gives
_PER_CLASS_LINE = re.compile(r"(.*\S)\s+(?:-1|0|1)")


def find_root(root):
    """The folder with JPEGImages and Annotations (or SegmentationClass): `root` itself, or the one up to two below.

    None where there is none. Raises UserError where there are several.
    """
    level = [Path(root)]
    for _ in range(_SEARCH_DEPTH + 1):
        found = [folder for folder in level if _is_root(folder)]
        if len(found) > 1:
            raise UserError(f"data set {root} holds several VOC data sets, name one of them: {first_few(found)}")
        if found:
            return found[0]
        level = [child for folder in level for child in _folders(folder)]
    return None


def no_root(root):
    """The sentence about a folder in which `find_root` finds nothing."""
    return (
        f"no VOC data set in {root}: JPEGImages with Annotations or SegmentationClass beside it were looked for there, "
        f"in VOCdevkit/VOC20xx and in every folder up to {_SEARCH_DEPTH} levels below"
    )


@dataclass(frozen=True)
class Files:
    """The files of a data set by image id.

    Args:
        doubles: sentences about files that share an id, of which one counts
    """

    root: Path
    images: dict[str, Path]
    annotations: dict[str, Path]
    masks: dict[str, Path]
    doubles: tuple[tuple[Path, str], ...]

    def split_folder(self, for_masks=False):
        """Where the lists are: ImageSets/Main (Segmentation for masks, where it exists), else ImageSets itself."""
        sets = self.root / "ImageSets"
        names = ["Segmentation", "Main"] if for_masks else ["Main"]
        return next((sets / name for name in names if (sets / name).is_dir()), sets)


def list_files(root):
    """The `Files` of a VOC root. Where two share an id, the first by name counts."""
    doubles = []
    images = _by_id(root / "JPEGImages", IMAGE_SUFFIXES, doubles)
    annotations = _by_id(root / "Annotations", (".xml",), doubles)
    masks = _by_id(root / "SegmentationClass", IMAGE_SUFFIXES, doubles)
    return Files(root, images, annotations, masks, tuple(doubles))


def read_splits(files, for_masks=False):
    """Split name -> image ids, from ImageSets/Main, in the files' order, repeats and all; and sentences for a log.

    Lists may have a byte order mark, any line ends, blank lines and file extensions. Per-class lists such as
    `cat_train.txt`, with -1, 0 or 1 after each id, count only where there are no others: their ids together are the
    split `train`. Without any list the ids are split into train and val, about 80 : 20, by a hash of the id, so that an
    image stays where it is when others come.

    Args:
        for_masks: the lists of ImageSets/Segmentation, where that exists

    Raises:
        UserError: for a list that isn't text
    """
    folder = files.split_folder(for_masks)
    known = {*files.images, *files.annotations}
    plain, per_class = {}, {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        lines = [line.strip() for line in read_text(path)[0].replace("\r", "\n").split("\n")]
        lines = [line for line in lines if line]
        matches = [_PER_CLASS_LINE.fullmatch(line) for line in lines]
        if lines and all(matches) and not all(image_id(line) in known for line in lines):
            ids = per_class.setdefault(path.stem.rpartition("_")[2], {})
            ids.update(dict.fromkeys(image_id(match[1]) for match in matches))
        else:
            plain[path.stem] = [image_id(line) for line in lines]
    if plain:
        return plain, []
    if per_class:
        return {name: list(ids) for name, ids in per_class.items()}, [
            f"{folder} has per-class lists only; their ids together are the splits {', '.join(per_class)}"
        ]
    split = split_by_hash(files.masks if for_masks else files.annotations)
    return split, [
        f"{folder} has no lists; the ids' hashes split the images into train ({len(split['train'])}) and "
        f"val ({len(split['val'])})"
    ]


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


def _by_id(folder, suffixes, doubles):
    """Image id -> file; appends to `doubles` a (file, sentence) for each file whose id another has already taken."""
    if not folder.is_dir():
        return {}
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file()]
    except OSError as error:
        raise UserError(f"folder {folder} can't be read: {error.strerror}") from error
    files = {}
    for name in sorted(names):
        if name.startswith(".") or not name.lower().endswith(suffixes):
            continue
        id, path = image_id(name), folder / name
        if id in files:
            doubles.append((path, f"has the same id as {files[id].name}, which is used instead"))
        else:
            files[id] = path
    return files
