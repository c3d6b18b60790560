"""Tar shards as the library webdataset reads them: files of one key, `a.jpg` and `a.json`, are one sample.

Each shard's directory is read once, and each file in it is known by its place from then on (`trizoo.data.members`), so
images come in any order, as they do from files. Nothing is unpacked.
"""

import re
import tarfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from trizoo.data.image_tree import files_below
from trizoo.data.members import member_path
from trizoo.data.opening import IMAGE_SUFFIXES
from trizoo.data.reading import PointerError, Problem, is_pointer
from trizoo.data.splits import SPLIT_NAMES, Lists, find_lists
from trizoo.download.unpack import DAMAGE, MOST_OF_HEADER, said_little
from trizoo.ground.errors import UserError
from trizoo.ground.files import Sparing, open_ordinary
from trizoo.ground.text import counted, first_few

SUFFIX = ".tar"
MOST_MEMBERS = 100_000  # of one shard
_MOST_SHARDS = 100_000
_LONGEST_NAME = 1024  # characters
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,12})\.\.(\d{1,12})")
_ADDRESS = re.compile(r"(?:^|[/\\])([a-z][a-z0-9+]+:[/\\].*)", re.IGNORECASE)  # after a folder where made absolute
_MASKS = ("mask", "seg", "segmentation", "label")  # a.mask.png
_SPLITS = {**SPLIT_NAMES, "trainval": "trainval"}


@dataclass(frozen=True)
class Sample:
    """The files of one key, None where there is none: the image, its mask, and JSON."""

    image: Path | None
    mask: Path | None
    json: Path | None


@dataclass(frozen=True)
class Shards:
    """What the shards of a data set hold.

    Args:
        root: the folder that they lie in
        samples: id -> `Sample`, in the shards' order. The id is the key, after the shard's name where keys aren't
            unique in the data set
        split_of: id -> the split that its shard's name or folder tells, "" for none
        problems: what is left out
        by_lists: whether lists of splits in the folder count, since all shards in it are meant
    """

    root: Path
    samples: dict[str, Sample]
    split_of: dict[str, str]
    problems: tuple[Problem, ...]
    by_lists: bool

    def lists(self, ids, others=()):
        """The `Lists` of the samples with these ids: text files in the folder, the shards' names, or hashes of ids.

        Args:
            others: ids that text files may name too
        """
        found = find_lists(self.root, ids, others=others)
        if self.by_lists and (found.files or found.error):
            return found
        named = {}
        for id in ids:
            if self.split_of[id]:
                named.setdefault(self.split_of[id], []).append(id)
        if named:
            return Lists(named)
        there = {split: [id for id in listed if id in self.samples] for split, listed in found.ids.items()}
        return Lists({split: listed for split, listed in there.items() if listed}, notes=found.notes)


def read_shards(root):
    """The `Shards` of a folder, of one file or of a pattern; None of a folder without any.

    Raises:
        UserError: for a shard that can't be read, as `shard_files` does, and for what no shard holds: links and devices
    """
    root = Path(root)
    files = shard_files(root)
    if not files:
        return None
    folder = root if root.is_dir() else _common(files)
    of_shards, problems = [], []
    for path in files:
        keys, doubles = _keys(path)
        if doubles:
            stand = "stands" if len(doubles) == 1 else "stand"
            names = counted(len(doubles), "name")
            text = f"{names} {stand} in it twice, of which the first counts: {first_few(doubles)}"
            problems.append(Problem("same id", path, text))
        of_shards.append(keys)
    distinct = set().union(*of_shards)
    unique = len(distinct) == sum(map(len, of_shards))
    samples, split_of = {}, {}
    for path, keys in zip(files, of_shards, strict=True):
        shard = path.relative_to(folder).with_suffix("").as_posix()
        split = _split_of(path, folder)
        for key, members in keys.items():
            id = key if unique else f"{shard}/{key}"
            samples[id], others = _sample(members)
            split_of[id] = split
            if others:
                text = f"{key} has {1 + len(others)} images, of which the first counts: {first_few(others)} is left out"
                problems.append(Problem("several images", path, text))
    return Shards(folder, samples, split_of, tuple(problems), root.is_dir())


def shard_files(root):
    """The shards that a folder, a file or a pattern means: all below a folder, `a.tar`, `train-{000000..000031}.tar`.

    A pattern has braces with a range or with several words between commas.

    Raises:
        UserError: for a pattern with too many, for a file that isn't there, and for addresses
    """
    root = Path(root)
    if root.is_dir():
        return [root / relative for relative in files_below(root, (SUFFIX,))]
    if address := _ADDRESS.search(str(root)):
        raise UserError(
            f"the shards {address[1]} are at an address, and images are read in any order, which needs them on a disk; "
            f"fetch them first"
        )
    paths = [Path(text) for text in ([str(root)] if root.is_file() else _expanded(str(root)))]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise UserError(f"of {len(paths)} shards {len(missing)} aren't there: {first_few(missing)}")
    return list(dict.fromkeys(paths))


def _expanded(pattern):
    """The texts that a pattern with braces stands for."""
    texts, done = [pattern], []
    while texts:
        text = texts.pop()
        found = _BRACES.search(text)
        if found is None:
            done.append(text)
            continue
        span = _RANGE.fullmatch(found[1])
        if span is None and "," not in found[1]:
            raise UserError(
                f"the shards {pattern} have {found[0]}; a range such as {{000000..000031}}, or words with commas "
                f"between them, belong in braces"
            )
        if span:
            first, last, width = int(span[1]), int(span[2]), len(span[1])
            if last - first >= _MOST_SHARDS:
                raise UserError(f"the shards {pattern} would be more than {_MOST_SHARDS:,}")
            words = [f"{number:0{width}}" for number in range(first, last + 1)]
        else:
            words = found[1].split(",")
        texts += [f"{text[: found.start()]}{word}{text[found.end() :]}" for word in reversed(words)]
        if len(texts) + len(done) > _MOST_SHARDS:
            raise UserError(f"the shards {pattern} would be more than {_MOST_SHARDS:,}")
    return done


def _common(files):
    """The nearest folder that all files lie in."""
    return next(folder for folder in files[0].parents if all(folder in path.parents for path in files))


def _keys(path):
    """What a shard holds: key -> {suffix: path}; and the names that stand in it twice."""
    if is_pointer(path):
        raise PointerError(path)
    keys, doubles = {}, []
    try:
        with open_ordinary(path) as file:
            for name, start, size in _members(path, file):
                key, suffix = _key(name)
                if not suffix:
                    continue
                members = keys.setdefault(key, {})
                if suffix in members:
                    doubles.append(name)
                else:
                    members[suffix] = member_path(path, start, size, name)
    except DAMAGE as error:
        raise UserError(f"the shard {path} is damaged or no tar: {error or type(error).__name__}") from error
    except OSError as error:
        raise UserError(f"the shard {path} can't be read: {error.strerror or error}") from error
    return keys, doubles


def _members(path, file):
    """Yields name, first byte and size of each file in a tar. Raises UserError for what a shard doesn't hold."""
    length, last = file.seek(0, 2), -1
    file.seek(0)
    with tarfile.open(fileobj=Sparing(file, MOST_OF_HEADER), mode="r:") as opened:
        for number, info in enumerate(said_little(opened), 1):
            name = info.name
            if number > MOST_MEMBERS:
                raise UserError(f"the shard {path} holds more than {MOST_MEMBERS:,} files; split it into several")
            if len(name) > _LONGEST_NAME:
                raise UserError(f"the shard {path} holds a name of {len(name):,} characters; {_LONGEST_NAME:,} may be")
            if info.size < 0 or info.offset <= last:
                raise UserError(f"the shard {path} is damaged: {name!r} has {info.size:,} bytes")
            last = info.offset
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                kind = "a link" if info.issym() or info.islnk() else "no plain file"
                raise UserError(f"the shard {path} holds {name!r}, which is {kind}; shards hold plain files alone")
            if info.offset_data + info.size > length:
                raise UserError(
                    f"the shard {path} is cut off within {name!r}: it has {length:,} bytes and would need "
                    f"{info.offset_data + info.size:,}; fetch or write it again"
                )
            yield name, info.offset_data, info.size
        file.seek(opened.offset)  # where the next header isn't one, which tarfile takes for the end
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise UserError(
                f"the shard {path} is cut off or damaged: a tar's end mark is missing at byte {opened.offset:,}; "
                f"fetch or write it again"
            )


def _key(name):
    """The key and the suffix of a file as webdataset has them, `a/b`, `mask.png` of `a/b.mask.png`; "" for none."""
    parts = [part for part in unicodedata.normalize("NFC", name).split("/") if part not in ("", ".", "..")]
    if not parts or parts[-1].startswith(".") or "__MACOSX" in parts:
        return "", ""
    stem, _, suffix = parts[-1].partition(".")
    return "/".join([*parts[:-1], stem]), suffix.lower()


def _sample(members):
    """The `Sample` of {suffix: path}, and the names of images that are left out."""
    pictures = [suffix for suffix in members if f".{suffix}".endswith(IMAGE_SUFFIXES)]
    masks = [suffix for suffix in pictures if suffix.partition(".")[0] in _MASKS]
    images = [suffix for suffix in pictures if suffix not in masks]
    if not masks and len(images) > 1 and "png" in images:
        masks = ["png"]
        images.remove("png")
    image, mask = (members[found[0]] if found else None for found in (images, masks))
    return Sample(image, mask, members.get("json")), [members[suffix].name for suffix in images[1:]]


def _split_of(path, folder):
    """The split that a shard's name tells, `train-000000.tar`, else its folder's; "" for none."""
    words = re.split("[^a-z]+", path.stem.casefold())
    folders = [part.casefold() for part in path.relative_to(folder).parts[-2::-1]]
    return next((_SPLITS[name] for name in (*words, *folders) if name in _SPLITS), "")
