"""The images of a data set shared out among train, val and test, as lists where the readers find them."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.boxes.find import find_boxes
from trizoo.data.classes.find import find_classes, find_label_sets
from trizoo.data.images import in_threads
from trizoo.data.masks.find import find_masks
from trizoo.data.purpose import find_labels
from trizoo.data.reading import read_marker
from trizoo.data.splits import SPLIT_NAMES, find_lists
from trizoo.data.stratify import stratify
from trizoo.data.twins import same_bytes
from trizoo.ground.errors import UserError
from trizoo.ground.files import write_atomically
from trizoo.ground.text import counted, first_few

NAMES = ("train", "val", "test")
# of all other purposes: find_boxes
_FINDERS = {"segmentation": find_masks, "classification": find_classes, "multilabel": find_label_sets}
_MARKER = ".trizoo-split.json"  # beside the lists: their hashes, by which they are known as written here


@dataclass(frozen=True)
class SplitUp:
    """What was written.

    Args:
        folder: of the lists
        layout: the data set's
        ids: split -> ids of its images, in order
        objects: split -> int64 (C,), objects of each class; None for masks and classes
        holders: split -> int64 (C,), images that hold each class
        twins: how many images have the bytes of another one
        problems: how many things of the source were put right or left out
    """

    folder: Path
    layout: str
    classes: tuple[str, ...]
    ids: dict[str, list[str]]
    objects: dict[str, np.ndarray] | None
    holders: dict[str, np.ndarray]
    twins: int
    problems: int

    def lacking(self):
        """Names of the classes that some image holds, and none of the split train."""
        there = sum(self.holders.values())
        return [name for label, name in enumerate(self.classes) if there[label] and not self.holders["train"][label]]

    def __str__(self):
        """A table of the images that hold each class, and of its objects where they are counted, in each split."""
        head = ["class", "", "all", *(text for name in self.ids for text in (name, ""))]
        rows = [["", "images", *_cells([len(ids) for ids in self.ids.values()])]]
        for label, name in enumerate(self.classes):
            rows.append([name, "images", *_cells([int(counts[label]) for counts in self.holders.values()])])
            if self.objects is not None:
                rows.append(["", "objects", *_cells([int(counts[label]) for counts in self.objects.values()])])
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(f"{cell:{'<' if place < 2 else '>'}{widths[place]}}" for place, cell in enumerate(row)).rstrip()
            for row in (head, *rows)
        ]
        return "\n".join(lines)


def _cells(numbers):
    """The sum, and each number with its share of it."""
    total = sum(numbers)
    shares = [f"{100 * number / total:.1f} %" if total else "" for number in numbers]
    return [str(total), *(text for pair in zip(map(str, numbers), shares, strict=True) for text in pair)]


def split(
    root,
    ratios=(0.8, 0.1, 0.1),
    seed=0,
    out=None,
    *,
    task=None,
    layout=None,
    images=None,
    annotations=None,
    mask_map=None,
    palette=None,
    ignore_colours=(),
):
    """Share the images of a data set out among train, val and, with three ratios, test -> `SplitUp`.

    Each class is shared out in the ratios as far as can be (see `trizoo.data.stratify.stratify`). Images of the same
    bytes go to the same split. The lists go where readers look first: ImageSets/Main, or ImageSets/Segmentation for
    masks, of VOC's layout, else splits. Lists that are there are left alone, unless they were written here and not
    changed since.

    Args:
        ratios: two or three above 0, that add up to 1, or to 100
        out: another folder for the lists, which no reader looks into but that of class-folders, as its annotations
        task, layout, images, annotations: see `trizoo.data.convert.convert`
        mask_map, palette, ignore_colours: see `trizoo.data.masks.dataset.MaskSet`

    Raises:
        UserError: where there are other lists, or fewer images than splits, where the data set's own files or folders
            say what its splits are, and as the readers do
    """
    names = _names(ratios)
    places = {"layout": layout, "images": images, "annotations": annotations}
    options = {"mask_map": mask_map, "palette": palette, "ignore_colours": ignore_colours}
    purpose, listing = find_labels(root, task, **places, about_masks=any(options.values()))
    has_masks, has_boxes = purpose == "segmentation", purpose not in _FINDERS
    folder = Path(out) if out is not None else _folder(listing, has_masks)
    data = listing.open(None, **options) if has_masks else listing.open()
    ids = [record.id for record in data.records]
    if out is None:
        _refuse_others(folder, _lists_of(listing, purpose, ids, folder), _annotations(listing, has_boxes))
    else:
        _refuse_others(folder)
    if out is None:
        _refuse_folders(listing.root, ids)
    pictures = same_bytes([record.image for record in data.records])
    different = len(set(pictures))
    if different < len(names):
        raise UserError(f"{listing.root} has {different} different pictures, too few for {', '.join(names)}")
    label_sets = in_threads(data.labels_in, range(len(data)))
    where = stratify(label_sets, ratios, seed, pictures)
    members = {name: np.flatnonzero(where == number).tolist() for number, name in enumerate(names)}
    number = len(data.classes)
    found = SplitUp(
        folder,
        listing.layout,
        data.classes,
        {name: [ids[place] for place in places_] for name, places_ in members.items()},
        {name: _objects(data, places_, number) for name, places_ in members.items()} if has_boxes else None,
        {name: _holders(label_sets, places_, number) for name, places_ in members.items()},
        len(pictures) - different,
        len(data.problems),
    )
    _write(found, listing, purpose, places, check=out is None)
    return found


def _names(ratios):
    """The names of the splits. Raises UserError for ratios that are none."""
    shown = " ".join(f"{ratio:g}" for ratio in ratios)
    if len(ratios) not in (2, 3) or not all(0 < ratio < float("inf") for ratio in ratios):
        raise UserError(f"the ratios are {shown}; two or three above 0 are needed, such as 0.8 0.1 0.1")
    if not any(abs(sum(ratios) - whole) < 1e-6 * whole for whole in (1, 100)):
        raise UserError(f"the ratios {shown} add up to {sum(ratios):g}; 1 is needed, or 100")
    return NAMES[: len(ratios)]


def _folder(listing, has_masks):
    """Where readers look first."""
    if listing.layout == "voc" and (listing.root / "JPEGImages").is_dir():
        return listing.root / "ImageSets" / ("Segmentation" if has_masks else "Main")
    return listing.root / "splits"


def _lists_of(listing, purpose, ids, folder):
    """The files that say what a data set's splits are, none where these are made by hash."""
    own = () if purpose == "segmentation" else listing.files if purpose in _FINDERS else listing.lists.files.values()
    return dict.fromkeys([*own, *find_lists(listing.root, ids, [folder]).files.values()])


def _annotations(listing, has_boxes):
    """The files that hold boxes, which lists can be too."""
    return set(listing.annotations.values()) if has_boxes else set()


def _refuse_others(folder, others=(), annotations=()):
    """UserError where there are lists that weren't written here, or were changed since.

    Args:
        others: what says what the data set's splits are
        annotations: files that hold its labels
    """
    own = _own(folder)
    there = dict.fromkeys([*(sorted(folder.glob("*.txt")) if folder.is_dir() else ()), *others])
    fixed = [str(path) for path in others if path.suffix.lower() != ".txt" or path in annotations]
    if fixed:
        raise UserError(
            f"what the splits are stands in {first_few(fixed)}, which count before lists; --out DIR writes lists "
            f"elsewhere"
        )
    foreign = [str(path) for path in there if path.parent != folder or own.get(path.name, "") != _hash(path)]
    if foreign:
        raise UserError(
            f"there are lists already that this command didn't write, or that were changed since: "
            f"{first_few(foreign)}; remove them first, or --out DIR writes others elsewhere"
        )


def _own(folder):
    """Name -> hash of the lists that were written here into a folder."""
    return read_marker(folder / _MARKER)


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _objects(data, places, number):
    counts = [np.bincount(data.records[place].labels, minlength=number) for place in places]
    return np.sum([np.zeros(number, np.int64), *counts], axis=0)


def _holders(label_sets, places, number):
    counts = Counter(label for place in places for label in label_sets[place])
    return np.array([counts[label] for label in range(number)], np.int64)


def _refuse_folders(root, ids):
    """UserError where the folders that images lie in say what the splits are."""
    folders = {id.partition("/")[0] if "/" in id else "" for id in ids}
    if all(folder.casefold() in SPLIT_NAMES for folder in folders):
        named = first_few([f"{folder}/" for folder in sorted(folders)])
        raise UserError(f"the folders {named} of {root} say what its splits are; --out DIR writes lists elsewhere")


def _why_not(found, root, read):
    """Why readers don't go by the lists that were written: a name in them, or splits that something else makes."""
    ids = [id for listed in found.ids.values() for id in listed]
    listed = find_lists(root, ids, [found.folder]).ids
    lost = [id for name, written in found.ids.items() for id in written if id not in listed.get(name, ())]
    if lost:
        are = "is read from a list as another" if len(lost) == 1 else "are read from a list as others"
        return f"{counted(len(lost), 'name')} {are}, such as {lost[0]!r}; call these files something else"
    return f"its splits {first_few(sorted(read))} are made by something else than lists"


def _write(found, listing, purpose, places, check):
    """Writes the lists; with `check` takes them away again and raises UserError where the readers don't go by them."""
    texts = {f"{name}.txt": "".join(f"{id}\n" for id in ids) for name, ids in found.ids.items()}
    for name in _own(found.folder):
        if name not in texts:
            (found.folder / name).unlink(missing_ok=True)
    for name, text in texts.items():
        write_atomically(found.folder / name, text)
    own = {name: _hash(found.folder / name) for name in texts}
    write_atomically(found.folder / _MARKER, json.dumps(own, indent=1) + "\n")
    if not check:
        return
    try:
        read = _FINDERS.get(purpose, find_boxes)(listing.root, **places).splits
        if {name: list(ids) for name, ids in read.items()} == found.ids:
            return
        why = _why_not(found, listing.root, read)
    except UserError as error:
        why = str(error)
    for name in (*texts, _MARKER):
        (found.folder / name).unlink()
    if not any(found.folder.iterdir()):
        found.folder.rmdir()
    raise UserError(f"{listing.root} can't be split by lists: {why}; --out DIR writes them elsewhere")
