"""What a search for images and masks finds, and the splits of it."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.images import IMAGE_SUFFIXES
from trizoo.data.masks.coco import CocoImage, PanopticImage
from trizoo.data.masks.labelme import LabelmeFile
from trizoo.data.reading import Problem, read_text
from trizoo.data.voc_files import image_id, split_by_hash
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

# names of splits in lower case -> what they are called here
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FIRST_OF_PAIR = re.compile(r"[\s,]+(?=\S*[/\\.])")  # image and mask on one line


@dataclass(frozen=True)
class MaskFile:
    """A mask that is a picture."""

    path: Path


@dataclass(frozen=True)
class Pair:
    """An image and what says its classes."""

    id: str
    image: Path
    truth: MaskFile | LabelmeFile | CocoImage | PanopticImage


@dataclass(frozen=True)
class Listing:
    """What was found in a folder, before any pixel is read.

    pairs: id -> Pair; splits: name -> ids, each in `pairs`; classes: names that the annotations bring along, or None
    unpaired: list of Problem, a file without its other half each; problems: what else is left out; notes: for a log
    """

    root: Path
    layout: str
    pairs: dict[str, Pair]
    splits: dict[str, list[str]]
    classes: tuple[str, ...] | None = None
    unpaired: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def image_files(folder):
    """Stem relative to the folder -> image file, in this folder and all below; of two with one stem the first."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__", "panoptic_")))
        for name in sorted(names):
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith("."):
                path = Path(parent, name)
                stem = unicodedata.normalize("NFC", path.relative_to(folder).with_suffix("").as_posix())
                found.setdefault(stem, path)
    return found


def examples(unpaired):
    """The names of the first files that have no other half."""
    names = [problem.file.name for problem in unpaired]
    return f"there are {first_few(names)}"


def split_up(root, pairs, splits):
    """Split -> ids: those given, else lists of ids, else the folders that ids begin with, else by hash.

    Gives the splits, notes for a log, and problems.
    """
    if splits:
        return splits, (), ()
    lists, problems = _lists(root, pairs)
    if lists:
        return lists, (), problems
    for id in pairs:
        name = SPLIT_NAMES.get(id.partition("/")[0].lower()) if "/" in id else None
        splits.setdefault(name, []).append(id)
    if None not in splits:
        return splits, (), ()
    split = split_by_hash(pairs)
    note = (
        f"{root} has no lists of splits, so the names' hashes split its {len(pairs)} images into train "
        f"({len(split['train'])}) and val ({len(split['val'])}), always the same"
    )
    return split, (note,), ()


def _lists(root, pairs):
    """Split -> ids, of train.txt and the like, in ImageSets/Segmentation, ImageSets or the root; problems."""
    names = {stem: SPLIT_NAMES.get(stem, stem) for stem in (*SPLIT_NAMES, "trainval")}
    by_name = {}
    for id in pairs:
        by_name.setdefault(id.rpartition("/")[2], id)
        by_name[id] = id
    for folder in (root / "ImageSets" / "Segmentation", root / "ImageSets", root / "splits", root):
        found, problems = {}, []
        for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
            if path.stem.lower() not in names:
                continue
            lines = [line.strip() for line in read_text(path)[0].replace("\r", "\n").split("\n")]
            lines = [line for line in lines if line]
            ids = [_named(line, by_name) or _named(_FIRST_OF_PAIR.split(line)[0], by_name) for line in lines]
            missing = [line for line, id in zip(lines, ids, strict=True) if id is None]
            if missing:
                raise UserError(f"{len(missing)} lines of {path} name no image with a mask: {first_few(missing)}")
            found[names[path.stem.lower()]] = list(dict.fromkeys(ids))
            if len(set(ids)) < len(ids):
                text = f"{len(ids) - len(set(ids))} ids stand more than once and count once"
                problems.append(Problem("listed twice", path, text))
        if any(found.values()):
            return {name: ids for name, ids in found.items() if ids}, tuple(problems)
    return {}, ()


def _named(name, by_name):
    """The id that a file's name or path in a list means, or None."""
    id = image_id(name)
    return by_name.get(id, by_name.get(re.split(r"[/\\]", id)[-1]))
