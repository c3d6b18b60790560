"""Cityscapes: leftImg8bit and gtFine, whose label ids become the 19 classes that are trained and measured."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.ids import image_files
from trizoo.data.masks.cityscapes_labels import CLASSES, LABEL_IDS
from trizoo.data.masks.encoding import VALUES, few, read_pixels
from trizoo.data.masks.folders import and_below, pair_stems, subfolders
from trizoo.data.masks.listing import Listing
from trizoo.data.masks.pair import Pair
from trizoo.data.reading import Problem
from trizoo.data.splits import SPLIT_NAMES, split_up
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError

_ENDINGS = ("_labelTrainIds", "_labelIds")
_TRUTHS = ("gtfine", "gtcoarse")


@dataclass(frozen=True)
class CityscapesMask:
    """A mask of label ids, or of training ids where its name says so."""

    path: Path

    def draw(self, labels, size):
        """See `trizoo.data.masks.pair.Drawn`. Raises UserError for a value that is no id."""
        values = read_pixels(self.path)
        if values.ndim != 2 or values.shape[::-1] != size:
            what = "is in colours" if values.ndim != 2 else "is {}x{}".format(*values.shape[::-1])
            raise UserError(
                f"mask {self.path} {what}; ids in a mask of its image's size, {size[0]}x{size[1]}, are needed"
            )
        trained = self.path.stem.endswith(_ENDINGS[0])
        table = np.full(VALUES, -1, np.int16)
        table[: len(CLASSES) if trained else LABEL_IDS] = IGNORE
        table[IGNORE] = IGNORE
        for number, (name, (id, _)) in enumerate(CLASSES.items()):
            table[number if trained else id] = labels[name]
        found = table[values]
        if found.size and found.min() < 0:
            kind, last = ("training", len(CLASSES) - 1) if trained else ("label", LABEL_IDS - 1)
            raise UserError(
                f"mask {self.path} holds {few(np.unique(values[found < 0]).tolist())}; Cityscapes' {kind} ids are 0 to "
                f"{last}, and {IGNORE} is ignored; --layout folders takes values as they are"
            )
        return found.astype(np.uint8)


def find_cityscapes(root, images=None, annotations=None):
    """The `Listing` of leftImg8bit and gtFine (or gtCoarse), None where there are none with Cityscapes' names."""
    for folder in and_below(root):
        there = subfolders(folder)
        truth = next((there[name] for name in _TRUTHS if name in there), None)
        if "leftimg8bit" in there and truth is not None:
            masks = _masks_of(image_files(truth))
            if masks:
                return _listing(folder, there["leftimg8bit"], truth, masks)
    return None


def _masks_of(files):
    """{stem: path} of the masks of ids, training ids where an image has both."""
    found = {}
    for ending in _ENDINGS:
        for stem, path in files.items():
            if stem.endswith(ending):
                found.setdefault(stem.removesuffix(ending), (stem, path))
    return dict(found.values())


def _listing(root, image_folder, mask_folder, masks):
    found, without, others = pair_stems(image_files(image_folder), masks)
    if not found:
        raise UserError(f"no image in {image_folder} has a mask in {mask_folder}, such as {next(iter(masks.values()))}")
    unpaired = [Problem("image without mask", path, f"has no mask in {mask_folder.name}") for path in without]
    unpaired += [Problem("mask without image", path, f"has no image in {image_folder.name}") for path in others]
    pairs = {id: Pair(id, image, CityscapesMask(mask)) for id, (image, mask) in found.items()}
    splits, notes = {}, []
    for id in pairs:
        name = id.partition("/")[0]
        splits.setdefault(SPLIT_NAMES.get(name.casefold(), name), []).append(id)
    if any("/" not in id for id in pairs):
        splits, notes, problems = split_up(root, pairs, {}, having="a mask")
        return Listing(root, "cityscapes", pairs, splits, tuple(CLASSES), tuple(unpaired), problems, notes)
    if "test" in splits and _is_withheld(pairs[splits["test"][0]]):
        count = len(splits["test"])
        pairs = {id: pair for id, pair in pairs.items() if id not in set(splits["test"])}
        del splits["test"]
        notes.append(f"the {count} test images are left out: Cityscapes keeps their classes to itself")
    return Listing(root, "cityscapes", pairs, splits, tuple(CLASSES), tuple(unpaired), (), tuple(notes))


def _is_withheld(pair):
    """Whether a mask holds no class at all, as those that Cityscapes gives for its test images."""
    values = read_pixels(pair.truth.path)
    mask = pair.truth.draw(dict.fromkeys(CLASSES, 0), values.shape[1::-1])
    return bool((mask == IGNORE).all())
