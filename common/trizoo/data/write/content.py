"""What a writer of data sets is given, whatever the format: images under their new names, classes, splits, labels."""

import contextlib
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trizoo.data.images import in_threads
from trizoo.data.members import is_member, open_file
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.ground.conventions import BACKGROUND_NAMES
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record

_NOT_IN_LISTS = re.compile(r"[\x00-\x1f\x7f\\/\ud800-\udfff]|(?:(?<=\s)|^)#")  # a list's lines end at a comment
_ENDINGS = (*IMAGE_SUFFIXES, ".xml", ".txt", ".json")
SHARD_SIZE = 10**9  # bytes
_PARTS = ("train", "val", "test")  # what other splits, such as trainval, are made of


@dataclass(frozen=True)
class Content:
    """A data set to be written.

    Args:
        classes: names in the order of their labels
        records: of N images, `trizoo.ground.sample.Record`
        names: of their files, without suffix; no two alike, even where case isn't told apart
        splits: name -> places of its images, which several may have
        mask: place -> class ids, uint8 (H, W); None where labels are boxes
        link: whether images are links to the files of the source instead of copies
        shard_size: bytes that a tar shard has at most
        watch: takes an iterator, a number and a word, and gives the iterator on, to draw a progress bar
    """

    classes: tuple[str, ...]
    records: Sequence[Record]
    names: list[str]
    splits: dict[str, list[int]]
    mask: Callable[[int], np.ndarray] | None = None
    link: bool = False
    shard_size: int = SHARD_SIZE
    watch: Callable = lambda found, total, what: found

    def __len__(self):
        return len(self.names)

    @property
    def without_background(self):
        """Whether labels are masks none of whose classes is the background.

        Readers of objects add one to the classes, for what no object covers, unless files say that there is none.
        """
        return self.mask is not None and not {*self.classes} & {*BACKGROUND_NAMES}

    @property
    def in_no_split(self):
        """Places of the images that are in no split."""
        listed = set().union(*self.splits.values())
        return [place for place in range(len(self)) if place not in listed]

    def file_name(self, place):
        """The name of an image file."""
        return self.names[place] + self.records[place].image.suffix.lower()

    def put_image(self, place, folder):
        """Copies or links an image into a folder. Gives whether it is a hard link, for want of symbolic ones."""
        source, target = self.records[place].image, folder / self.file_name(place)
        if is_member(source):
            if self.link:
                raise UserError(f"{source} lies within a tar, so it can't be linked; leave --link out to copy images")
            with open_file(source) as file, target.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            return False
        if not self.link:
            shutil.copyfile(source, target)
            return False
        source = source.resolve()
        with contextlib.suppress(OSError, NotImplementedError):
            target.symlink_to(source)
            return False
        try:
            os.link(source, target)
        except OSError as error:
            raise UserError(
                f"{target.name} can be neither a symbolic nor a hard link to {source} ({error.strerror}); "
                f"leave --link out to copy images"
            ) from error
        return True

    def each(self, write, places=None):
        """`[write(place) for place in places]`, all of them by default, by a few threads and with the progress bar."""
        places = range(len(self)) if places is None else places
        return in_threads(write, places, lambda found: self.watch(found, len(places), "images"))

    def once(self):
        """Split -> places, each image in one split, and sentences: for formats that have an image in one place.

        Of several splits train, val and test keep their images, in this order, before trainval and all others do.
        """
        owner, several = {}, set()
        for name in in_order(self.splits):
            for place in self.splits[name]:
                if place in owner:
                    several.add(place)
                owner.setdefault(place, name)
        splits = {name: [place for place in places if owner[place] == name] for name, places in self.splits.items()}
        notes = []
        if several:
            gone = [name for name, places in splits.items() if not places]
            less = f", and there is no {' and no '.join(gone)}" if gone else ""
            notes.append(f"images in several splits are written once{less}: {len(several)}")
        return {name: places for name, places in splits.items() if places}, notes

    def left_out(self):
        """The sentence about images in no split, for formats that have no place for them -> list, empty for none."""
        number = len(self.in_no_split)
        return [f"images in no split are left out: {number}"] if number else []


def in_order(splits):
    """The same mapping with train, val and test before all others."""
    names = sorted(splits, key=lambda name: _PARTS.index(name) if name in _PARTS else len(_PARTS))
    return {name: splits[name] for name in names}


def hard_link_notes(hard):
    """The sentence about hard links -> list, empty where no image became one.

    Args:
        hard: what `put_image` gave for each image
    """
    return [f"no symbolic links can be made here, so these images are hard links: {sum(hard)}"] if any(hard) else []


def file_names(ids):
    """Ids of images -> names for their files, in order: the last part where that is unique, else all parts joined by _.

    Names that would be the same where case isn't told apart get a number. Characters that lists, label files or
    systems read in another way become _.
    """
    last = {}
    for id in ids:
        key = _key(_plain(id.rpartition("/")[2]))
        last[key] = last.get(key, 0) + 1
    wanted = []
    for id in ids:
        name = _plain(id.rpartition("/")[2])
        wanted.append(name if last[_key(name)] == 1 else _plain(id.replace("/", "_")))
    first = {}
    for name in wanted:
        first[_key(name)] = first.get(_key(name), 0) + 1
    taken, names = set(), []
    for name in wanted:
        number, numbered = 1, name
        while _key(numbered) in taken or (number > 1 and _key(numbered) in first):
            number += 1
            numbered = f"{name}_{number}"
        taken.add(_key(numbered))
        names.append(numbered)
    return names


def _plain(name):
    name = _NOT_IN_LISTS.sub("_", unicodedata.normalize("NFC", name)).strip()
    while name.casefold().endswith(_ENDINGS):
        stem, _, ending = name.rpartition(".")
        name = f"{stem}_{ending}"
    return f"_{name[1:]}" if name.startswith(".") else name or "_"


def _key(name):
    return unicodedata.normalize("NFC", name).casefold()


def write_lines(path, lines):
    """Writes text, one line each."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def write_lists(folder, content):
    """Writes a list of names for each split, in a folder that is made."""
    folder.mkdir(parents=True)
    for split, places in content.splits.items():
        write_lines(folder / f"{split}.txt", [content.names[place] for place in places])
