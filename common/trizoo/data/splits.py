"""Which image belongs to which split, whatever a data set's format: lists, folders, or a hash of each id."""

import hashlib
import re

from trizoo.data.ids import image_id
from trizoo.data.reading import Problem, read_text
from trizoo.ground.errors import UserError
from trizoo.ground.text import first_few

# names of splits in lower case -> what they are called here
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FIRST_OF_PAIR = re.compile(r"[\s,]+(?=\S*[/\\.])")  # image and mask on one line
_TRAIN_SHARE = 0.8


def split_by_hash(ids):
    """Ids -> {"train": ids, "val": ids}, each by its own hash; both get at least one, train the only one."""
    ranks = {id: hashlib.sha256(id.encode("utf-8", "surrogateescape")).digest() for id in sorted(ids)}
    val = {id for id, rank in ranks.items() if int.from_bytes(rank[:4], "big") >= _TRAIN_SHARE * 2**32}
    if len(ranks) > 1 and not val:
        val.add(max(ranks, key=ranks.get))
    elif val and len(val) == len(ranks):
        val.remove(min(ranks, key=ranks.get))
    return {"train": [id for id in ranks if id not in val], "val": [id for id in ranks if id in val]}


def split_up(root, ids, splits, having):
    """Split -> ids: those given, else lists of ids, else the folders that ids begin with, else by hash.

    Args:
        ids: of all images that can be used
        having: what these have, such as "a mask", for the error about a list that names others

    Returns:
        The splits, notes for a log, and problems.

    Raises:
        UserError: for a list that names ids of which none can be used
    """
    if splits:
        return splits, (), ()
    lists, problems = _lists(root, ids, having)
    if lists:
        return lists, (), problems
    splits = {}
    for id in ids:
        name = SPLIT_NAMES.get(id.partition("/")[0].lower()) if "/" in id else None
        splits.setdefault(name, []).append(id)
    if None not in splits:
        return splits, (), ()
    split = split_by_hash(ids)
    note = (
        f"{root} has no lists of splits, so the names' hashes split its {len(ids)} images into train "
        f"({len(split['train'])}) and val ({len(split['val'])}), always the same"
    )
    return split, (note,), ()


def _lists(root, ids, having):
    """Split -> ids, of train.txt and the like, in ImageSets/Segmentation, ImageSets or the root; problems."""
    names = {stem: SPLIT_NAMES.get(stem, stem) for stem in (*SPLIT_NAMES, "trainval")}
    by_name = {}
    for id in ids:
        by_name.setdefault(id.rpartition("/")[2], id)
        by_name[id] = id
    for folder in (root / "ImageSets" / "Segmentation", root / "ImageSets", root / "splits", root):
        found, problems = {}, []
        for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
            if path.stem.lower() not in names:
                continue
            lines = [line.strip() for line in read_text(path)[0].replace("\r", "\n").split("\n")]
            lines = [line for line in lines if line]
            listed = [_named(line, by_name) or _named(_FIRST_OF_PAIR.split(line)[0], by_name) for line in lines]
            missing = [line for line, id in zip(lines, listed, strict=True) if id is None]
            if missing:
                raise UserError(f"{len(missing)} lines of {path} name no image with {having}: {first_few(missing)}")
            found[names[path.stem.lower()]] = list(dict.fromkeys(listed))
            if len(set(listed)) < len(listed):
                text = f"{len(listed) - len(set(listed))} ids stand more than once and count once"
                problems.append(Problem("listed twice", path, text))
        if any(found.values()):
            return {name: ids for name, ids in found.items() if ids}, tuple(problems)
    return {}, ()


def _named(name, by_name):
    """The id that a file's name or path in a list means, or None."""
    id = image_id(name)
    return by_name.get(id, by_name.get(re.split(r"[/\\]", id)[-1]))
