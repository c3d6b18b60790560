"""Which image belongs to which split, whatever a data set's format: lists, folders, or a hash of each id."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from trizoo.data.ids import image_id
from trizoo.data.image_tree import bare_id, parts_of
from trizoo.data.reading import list_entries, listed_twice
from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, first_few

# names of splits in lower case -> what they are called here
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_CALLED = {**SPLIT_NAMES, "trainval": "trainval", "train_val": "trainval"}
_FIRST_OF_PAIR = re.compile(r"(?<![\s,])[\s,]+(?![\s,])(?=\S*[/\\.])")  # image and mask on one line
_COMMENT = re.compile(r"(?:^|\s)#.*")
_FLAGGED = re.compile(r"(.*\S)\s+(?:-1|0|1)")  # a line of VOC's lists of one class
_TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Lists:
    """The lists of splits, as they stand.

    Args:
        ids: split -> image ids in order, repeats and all; one that no image has stands as it is written
        files: split -> the file of the list, where it has one of its own
        notes: sentences for a log
        error: why they can't be read, None where they can
    """

    ids: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: UserError | None = None


def split_by_hash(ids):
    """Ids -> {"train": ids, "val": ids}, each by its own hash; both get at least one, train the only one."""
    ranks = {id: hashlib.sha256(id.encode("utf-8", "surrogateescape")).digest() for id in sorted(ids)}
    val = {id for id, rank in ranks.items() if int.from_bytes(rank[:4], "big") >= _TRAIN_SHARE * 2**32}
    if len(ranks) > 1 and not val:
        val.add(max(ranks, key=ranks.get))
    elif val and len(val) == len(ranks):
        val.remove(min(ranks, key=ranks.get))
    return {"train": [id for id in ranks if id not in val], "val": [id for id in ranks if id in val]}


def find_lists(root, ids, folders=(), others=()):
    """The `Lists` of a data set: its text files, else the folders that ids begin with, else by a hash of each id.

    Lists may have a byte order mark, any line ends, blank lines, comments after #, suffixes, whole paths of any system,
    and -1, 0 or 1 after each name. VOC's lists of one class (`cat_train.txt`) count only where there are no others: the
    ids of all of them together are the split `train`.

    Args:
        ids: of all images that can be used
        others: ids that lists may name too
        folders: where every text file is a list; the first that has one counts. In ImageSets, Main, splits and the root
            itself only those count that are called as splits are (train.txt, Valid.txt, trainval.txt …)
    """
    try:
        found = _text_lists(root, {**dict.fromkeys(ids), **dict.fromkeys(others)}, folders)
    except UserError as error:
        return Lists(error=error)
    return found if found.ids else _without_lists(next((f for f in folders if f.is_dir()), root), ids)


def split_up(root, ids, splits, having):
    """Split -> ids: those given, else as `find_lists` finds them, but every line has to name an image.

    Args:
        ids: of all images that can be used
        having: what these have, such as "a mask", for the error about a list that names others

    Returns:
        The splits, notes for a log, and problems.

    Raises:
        UserError: for a list that names what isn't there
    """
    if splits:
        return splits, (), ()
    found = _text_lists(root, ids, [root / "ImageSets" / "Segmentation"])
    if not any(found.ids.values()):
        found = _without_lists(root, ids)
    known, problems = set(ids), []
    for name, path in found.files.items():
        listed = found.ids[name]
        missing = [id for id in listed if id not in known]
        if missing:
            lines, named = counted(len(missing), "line"), "names" if len(missing) == 1 else "name"
            raise UserError(f"{lines} of {path} {named} no image with {having}: {first_few(missing)}")
        repeats = len(listed) - len(set(listed))
        if repeats:
            problems.append(listed_twice(path, repeats))
    return (
        {name: list(dict.fromkeys(listed)) for name, listed in found.ids.items() if listed},
        found.notes,
        tuple(problems),
    )


def _without_lists(where, ids):
    """The `Lists` by the folders that ids begin with, else by hash. where: folder that has no lists, for the note."""
    splits = {}
    for id in ids:
        name = SPLIT_NAMES.get(id.partition("/")[0].casefold()) if "/" in id else None
        splits.setdefault(name, []).append(id)
    if None not in splits:
        return Lists(splits)
    split = split_by_hash(ids)
    train, val = len(split["train"]), len(split["val"])
    note = (
        f"{where} has no lists of splits, so the names' hashes split its {train + val} images into train ({train}) and "
        f"val ({val}), always the same"
    )
    return Lists(split, notes=(note,))


def _text_lists(root, ids, folders):
    """The `Lists` of the first place that has any; none of them where no place has one."""
    names = Names(ids)
    root = Path(root)
    places = [(folder, None) for folder in folders]
    places += [(root / name, _CALLED) for name in ("ImageSets/Main", "ImageSets", "Main", "splits", "")]
    for folder, called in places:
        files = sorted(folder.glob("*.txt")) if folder.is_dir() else ()
        files = [path for path in files if not path.name.startswith(".")]
        if called is not None:
            files = [path for path in files if path.stem.casefold() in called]
        found = _read_lists(folder, files, names)
        if any(found.ids.values()):
            return found
    return Lists()


def _read_lists(folder, files, names):
    plain, per_class, paths = {}, {}, {}
    for path in files:
        lines = [_COMMENT.sub("", line).strip() for line in list_entries(path)]
        head, _, tail = path.stem.rpartition("_")
        of_class = bool(head) and tail.casefold() in _CALLED
        listed, flagged = names.of_lines([line for line in lines if line], of_class)
        if flagged and of_class:
            per_class.setdefault(tail, {}).update(dict.fromkeys(listed))
            continue
        name = _CALLED.get(path.stem.casefold(), path.stem)
        if name in plain and name != path.stem:  # train.txt and training.txt
            name = path.stem
        plain[name], paths[name] = listed, path
    if plain or not per_class:
        return Lists(plain, paths)
    note = f"{folder} has per-class lists only; their ids together are the splits {', '.join(per_class)}"
    return Lists({name: list(ids) for name, ids in per_class.items()}, notes=(note,))


class Names:
    """What lists and annotations may call the images of a data set.

    Args:
        ids: of all images
    """

    def __init__(self, ids):
        self.ids = {}
        self.last = {}  # an id's last part -> the id, None where several have it
        for id in ids:
            self.ids.setdefault(id.casefold(), id)
            last = id.rpartition("/")[2].casefold()
            self.last[last] = None if self.last.get(last, id) != id else id
        self.exact = frozenset(ids)

    def id_of(self, text):
        """The id that a name or a path of any system's kind means, None where none fits or several fit alike."""
        if text in self.exact:
            return text
        parts = bare_id("/".join(parts_of(text)) or text).casefold().split("/")
        whole = image_id(text).casefold()
        for name in (whole, *("/".join(parts[first:]) for first in range(len(parts)))):
            if name in self.ids:
                return self.ids[name]
        return self.last.get(parts[-1]) or self.last.get(whole)

    def of_lines(self, lines, expect_flags=False):
        """The id of each line of a list, and whether the lines have -1, 0 or 1 after the names.

        What names no image stands as it is written, without its suffix.

        Args:
            expect_flags: what counts where no line helps to decide
        """
        matches = [_FLAGGED.fullmatch(line) for line in lines]
        whole = [self._of_line(line) for line in lines]
        if lines and all(matches):
            without = [self._of_line(match[1]) for match in matches]
            fits = sum(id is not None for id in without) - sum(id is not None for id in whole)
            if fits > 0 or (fits == 0 and expect_flags):
                return [id or image_id(match[1]) for id, match in zip(without, matches, strict=True)], True
        return [id or image_id(line) for id, line in zip(whole, lines, strict=True)], False

    def _of_line(self, line):
        return self.id_of(line) or self.id_of(_FIRST_OF_PAIR.split(line)[0])
