"""Where the files of a VOC-layout data set are, and which image belongs to which split."""

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.images import IMAGE_SUFFIXES
from trizoo.data.reading import read_text
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

_SEARCH_DEPTH = 2  # VOCdevkit/VOC2012, or the folder in a folder that unpacking an archive gives
_PER_CLASS_LINE = re.compile(r"(.*\S)\s+(?:-1|0|1)")
_TRAIN_SHARE = 0.8


def find_root(root):
    """The folder with JPEGImages and Annotations (or SegmentationClass): `root` itself, or the one up to two below.

    Raises UserError where there is none, or more than one.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"data set {root} {'is not a folder' if root.exists() else 'does not exist'}")
    level = [root]
    for _ in range(_SEARCH_DEPTH + 1):
        found = [folder for folder in level if _is_root(folder)]
        if len(found) > 1:
            raise UserError(f"data set {root} holds several VOC data sets, name one of them: {first_few(found)}")
        if found:
            return found[0]
        level = [child for folder in level for child in _folders(folder)]
    raise UserError(
        f"no VOC data set in {root}: JPEGImages with Annotations or SegmentationClass beside it were looked for there, "
        f"in VOCdevkit/VOC20xx and in every folder up to {_SEARCH_DEPTH} levels below"
    )


def splits(root):
    """Split name -> image ids, from ImageSets/Main, in the files' order.

    Lists may have a byte order mark, any line ends, blank lines and file extensions. Per-class lists such as
    `cat_train.txt`, with -1, 0 or 1 after each id, count only where there are no others: their ids together are the
    split `train`. Without any list the ids are split into train and val, about 80 : 20, by a hash of the id, so that an
    image stays where it is when others come. Raises UserError for a list that isn't text, and as `find_root` does.
    """
    root = find_root(root)
    return read_splits(list_files(root))[0]


@dataclass(frozen=True)
class Files:
    """The files of a data set by image id; doubles: sentences about files that share an id, of which one counts."""

    root: Path
    images: dict[str, Path]
    annotations: dict[str, Path]
    masks: dict[str, Path]
    doubles: tuple[tuple[Path, str], ...]

    def image_of(self, id, annotation=None):
        """The image with this id, else the one that the annotation's filename tag names, else None."""
        if id in self.images or annotation is None:
            return self.images.get(id)
        return self.images.get(image_id(annotation.filename))

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


def image_id(name):
    """A file name or a line of a list, without its extensions and in Unicode's composed form.

    Archives from a Mac hold names in the decomposed form, which looks the same and compares different.
    """
    name = unicodedata.normalize("NFC", name.strip())
    while name.lower().endswith((*IMAGE_SUFFIXES, ".xml")) and not name.startswith("."):
        name = name.rpartition(".")[0]
    return name


def read_splits(files, for_masks=False):
    """What `splits` gives, and notes: (dict of split name -> list of ids, repeats and all; list of sentences)."""
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


def split_by_hash(ids):
    """Ids -> {"train": ids, "val": ids}, each by its own hash; both get at least one, train the only one."""
    ranks = {id: hashlib.sha256(id.encode("utf-8", "surrogateescape")).digest() for id in sorted(ids)}
    val = {id for id, rank in ranks.items() if int.from_bytes(rank[:4], "big") >= _TRAIN_SHARE * 2**32}
    if len(ranks) > 1 and not val:
        val.add(max(ranks, key=ranks.get))
    elif val and len(val) == len(ranks):
        val.remove(min(ranks, key=ranks.get))
    return {"train": [id for id in ranks if id not in val], "val": [id for id in ranks if id in val]}
