"""Data sets with a class for every pixel, whatever their format: records of a split, samples, masks of class ids."""

from collections import Counter

import numpy as np

from trizoo.data.images import CUT_OFF, in_threads, read_image, sound_headers
from trizoo.data.masks.class_files import find_classes
from trizoo.data.masks.encoding import Meaning, unknown_value
from trizoo.data.masks.naming import Naming
from trizoo.data.masks.pair import BACKGROUND, MaskFile
from trizoo.data.masks.scans import scan, settled
from trizoo.data.masks.values import (
    IDLE_PALETTE,
    black_and_white,
    few_hold,
    grey_edges,
    instance_ids,
    is_black_and_white,
    not_numbered,
    numbering,
    one_class,
    palettes_differ,
    values_of,
)
from trizoo.data.reading import LEFT_OUT, Problem
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record, Sample
from trizoo.ground.text import first_few, hint

_MOST_COUNTED = 1000  # masks drawn from annotations that `class_pixels` looks at


class MaskSet:
    """Images and masks of a data set, or of one split of it.

    Every mask file of the split is read once, so that training never meets a value that is no class.

    Args:
        listing: a `trizoo.data.masks.listing.Listing`
        split: a name among its splits, None for every image that has a mask
        classes: names in the order of their ids, the background's first where there is one, None for its annotations'
            or its class file's, else class_0, class_1 … by the values in all masks. Where it has names of its own, its
            masks' values go by these names, whatever order they stand in
        mask_map: value in a mask file, or "128-255" for several -> class id, 255 = ignore
        palette: (r, g, b) of the classes in order, for masks in colours (see `trizoo.data.masks.encoding.Meaning`)
        ignore_colours: (r, g, b) of what is ignored in those

    Attributes:
        root: the listing's
        layout: the listing's
        splits: the listing's
        records: list of `Record` without boxes
        problems: list of `Problem`, what is left out, such as pairs whose image or mask file can't be read
        notes: list of sentences worth a line in a log; one that begins with "warning: " is worth more
        labels_are_read: whether `labels_in` reads a file each time: it does

    Raises:
        UserError: one sentence that names the file, for a value that is no class, with its pixels and the mask map that
            would do; for masks of 0 and 255 without one, or with grey edges, colours without a palette, masks of
            another size than their images, unknown or empty splits, and class names that annotations use, or a class
            file and masks, and `classes` lacks
    """

    labels_are_read = True

    def __init__(self, listing, split=None, classes=None, *, mask_map=None, palette=None, ignore_colours=()):
        if isinstance(classes, str):
            raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
        self.root, self.layout, self.split, self.splits = listing.root, listing.layout, split, listing.splits
        self.problems = [*listing.unpaired, *listing.problems]
        self.notes = list(listing.notes)
        named = find_classes(self.root) if listing.classes is None else None
        self.meaning = meaning_of(listing, named, mask_map, palette, ignore_colours, classes)
        pairs, sizes = self._sound([listing.pairs[id] for id in _ids(listing, split)])
        names = classes or listing.classes or (named and named.names)
        scans = None
        if listing.classes is None:
            scans = scan(pairs if names else listing.pairs.values(), self.meaning)
            pairs, sizes = self._with_masks(pairs, sizes, scans)
            self.meaning, scans = settled(scans, self.meaning, listing.pairs.values())
            found = list(scans.values())
            names = names or _found_names(self.root, found, self.meaning)
            self.notes += _notes(self.root, found, self.meaning, named, classes)
            if self.meaning.idle and palette:
                self.notes.append(IDLE_PALETTE)
        self.classes = tuple(names)
        _check_names(self.classes, listing)
        self._labels = {name: label for label, name in enumerate(self.classes)}
        self._pixels = None
        if scans is not None:
            self._pixels = self._check_values(pairs, [scans[pair.id] for pair in pairs], sizes)
            if len(self.classes) > 1 and np.count_nonzero(self._pixels) == 1:
                self.notes.append(f"warning: the masks hold nothing but {self.classes[self._pixels.argmax()]}")
        self._truths = [pair.truth for pair in pairs]
        self.records = [
            Record(pair.id, pair.image, size, mask=pair.truth.path) for pair, size in zip(pairs, sizes, strict=True)
        ]

    def __len__(self):
        return len(self.records)

    def sample(self, index, at_least=None):
        """Image and mask of `records[index]` as a `Sample` without boxes.

        The image is always decoded in full, whatever `at_least` says, so that its pixels agree with the mask's.
        """
        image = read_image(self.records[index].image)
        return Sample(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64), self.mask(index))

    def mask(self, index):
        """The class ids of `records[index]`: uint8 (H, W), 255 = ignore. Raises UserError as the class does."""
        record, truth = self.records[index], self._truths[index]
        if not isinstance(truth, MaskFile):
            return truth.draw(self._labels, record.size)
        labels = self.meaning.labels(self.meaning.values(truth.path), len(self.classes), truth.path)
        _check_size(truth.path, labels.shape[::-1], record)
        return labels

    def labels_in(self, index):
        """The set of class ids in the mask of `records[index]`, which is read for it; 255 is none."""
        return set(np.unique(self.mask(index)).tolist()) - {IGNORE}

    def class_pixels(self):
        """How many pixels each class has, int64 (C,), for class weights; of drawn annotations the first 1,000."""
        if self._pixels is None:
            masks = range(min(len(self), _MOST_COUNTED))
            counts = in_threads(lambda index: np.bincount(self.mask(index).ravel(), minlength=256), masks)
            self._pixels = np.sum(counts, axis=0)[: len(self.classes)]
        return self._pixels

    def _sound(self, pairs):
        """The pairs whose image can be read, and the images' sizes; the others become problems.

        Raises UserError where none is left.
        """
        headers = sound_headers([pair.image for pair in pairs])
        wrong = [header for header in headers if isinstance(header, UserError)]
        if len(wrong) == len(pairs):
            raise wrong[0]
        kept, sizes = [], []
        for pair, header in zip(pairs, headers, strict=True):
            if isinstance(header, UserError):
                self.problems.append(Problem(LEFT_OUT, pair.image, str(header)))
                continue
            if header.cut:
                self.problems.append(Problem("image cut off", pair.image, CUT_OFF))
            kept.append(pair)
            sizes.append(header.size)
        return kept, sizes

    def _with_masks(self, pairs, sizes, scans):
        """The pairs whose mask file can be read, and their sizes; the others become problems.

        Raises UserError where none is left.

        Args:
            scans: id -> Scan, or the UserError that says why there is none
        """
        damaged = {pair.id: scans[pair.id] for pair in pairs if isinstance(scans[pair.id], UserError)}
        if len(damaged) == len(pairs):
            raise next(iter(damaged.values()))
        kept = [place for place, pair in enumerate(pairs) if pair.id not in damaged]
        for pair in pairs:
            if pair.id in damaged:
                self.problems.append(Problem(LEFT_OUT, pair.truth.path, str(damaged[pair.id])))
        return [pairs[place] for place in kept], [sizes[place] for place in kept]

    def _check_values(self, pairs, scans, sizes):
        """Pixels of each class, int64 (C,). Raises UserError for the first mask that can't be used."""
        number = len(self.classes)
        table = self.meaning.table(number)
        pixels = np.zeros(256, np.int64)
        for pair, found, size in zip(pairs, scans, sizes, strict=True):
            _check_size(pair.truth.path, found.size, Record(pair.id, pair.image, size))
        _refuse_black_and_white(scans, self.meaning)
        for found in scans:
            values = [*found.counts]
            if (table[values] < 0).any():
                raise UserError(no_class(found, scans, self.meaning, self.classes))
            np.add.at(pixels, table[values], [*found.counts.values()])
        return pixels[:number]


def meaning_of(listing, named, mask_map, palette, ignore_colours, classes=None):
    """The `Meaning` of a data set's masks: what was given, else the colours and the names of its class file.

    Args:
        named: the `ClassFile`, or None
        classes: names that a run has already, or None
    """
    if listing.classes is not None and (mask_map or palette or ignore_colours):
        what = "mask map" if mask_map else "palette"
        raise UserError(
            f"{listing.root} has annotations with names (layout {listing.layout}), so a {what} has nothing to map; "
            f"leave it out, or choose another layout"
        )
    naming = None
    if palette is None and named is not None:
        if classes and tuple(classes) != named.names:
            naming = Naming(named.path, named.names, tuple(classes))
        if named.palette:
            palette, ignore_colours = named.palette, (*ignore_colours, *named.ignore_colours)
    return Meaning(dict(mask_map or {}), palette, tuple(ignore_colours), naming)


def no_class(found, scans, meaning, names):
    """The sentence about a mask with values that are no class.

    Args:
        found: its `Scan`, one of `scans`
        names: of the classes
    """
    number = len(names)
    greys = grey_edges(scans, meaning) or instance_ids(scans, meaning)
    sentence = unknown_value(found.path, found.counts, meaning, number)
    if greys:
        return f"{sentence.partition(';')[0]}; {greys}"
    table = meaning.table(number)
    rare = few_hold(scans, min(value for value in found.counts if table[value] < 0))
    if rare:
        sentence += f"; {rare}"
    if number in found.counts and BACKGROUND not in names:
        sentence += f"; or is there a name missing, as background before {names[0]}?"
    return sentence


def class_names(number):
    """class_0, class_1, …"""
    return tuple(f"class_{label}" for label in range(number))


def _ids(listing, split):
    if split is None:
        return list(listing.pairs)
    if split not in listing.splits:
        raise UserError(
            f"{listing.root} has no split {split!r} of masks; there are {', '.join(sorted(listing.splits))}"
        )
    if not listing.splits[split]:
        raise UserError(f"the split {split!r} of {listing.root} has no images with masks")
    return listing.splits[split]


def _found_names(root, scans, meaning):
    """Names by the values in the masks. Raises UserError where these don't count from 0, or are 0 and 255 only."""
    values = values_of(scans)
    _refuse_black_and_white(scans, meaning)
    if meaning.palette:
        return class_names(len(meaning.palette)) if not meaning.mask_map else class_names(_highest(values, meaning) + 1)
    if numbering(values, meaning) is not None:
        raise UserError(grey_edges(scans, meaning) or not_numbered(root, scans, meaning))
    if _highest(values, meaning) < 1:
        raise UserError(one_class(root, values))
    return class_names(_highest(values, meaning) + 1)


def _refuse_black_and_white(scans, meaning):
    """UserError where all values are 0 and 255 and no mask map says more."""
    if is_black_and_white(values_of(scans), meaning):
        raise UserError(black_and_white(scans, meaning))


def _notes(root, scans, meaning, named, classes):
    """Sentences about what masks look like, and by what their classes go."""
    notes = [palettes_differ(scans)]
    if meaning.naming is not None:
        notes.append(meaning.naming.note())
    elif named is None:
        notes.append(instance_ids(scans, meaning))
        if classes and tuple(classes) != class_names(len(classes)):
            notes.append(f"{root} names no classes, so values in its masks are the ids of {first_few(classes)}")
    return [note for note in notes if note]


def _highest(values, meaning):
    return max((label for value in values if (label := meaning.mask_map.get(value, value)) != IGNORE), default=-1)


def _check_names(classes, listing):
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice:
        raise UserError(f"the class {twice[0]!r} is named twice in {first_few(classes)}")
    if not 1 <= len(classes) <= IGNORE:
        raise UserError(f"the masks in {listing.root} have {len(classes)} classes; 1 to {IGNORE} are needed")
    for name in listing.classes or ():
        if name not in classes and name != BACKGROUND:
            raise UserError(
                f"the annotations in {listing.root} have the class {name!r}, which isn't among "
                f"{first_few(classes)}{hint(name, classes)}"
            )


def _check_size(path, size, record):
    if size != record.size:
        turned = " (its image's EXIF orientation turns it)" if size == record.size[::-1] else ""
        (width, height), (image_width, image_height) = size, record.size
        raise UserError(
            f"mask {path} is {width}x{height} but its image {record.image} is {image_width}x{image_height}{turned}; "
            f"they must be of one size"
        )
