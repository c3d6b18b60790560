"""Reads a data set with masks once, in full, and says what training would stumble over."""

import itertools
from collections import Counter

import numpy as np

from trizoo.data.advice import advice_on, none_to_train_on
from trizoo.data.check.names import KINDS, look_at_names
from trizoo.data.check.pictures import decode_all
from trizoo.data.check.report import Findings, MaskReport
from trizoo.data.images import in_threads
from trizoo.data.masks.class_files import find_classes
from trizoo.data.masks.dataset import class_names, meaning_of, no_class
from trizoo.data.masks.encoding import count, few, is_jpeg, read_file, unknown_value
from trizoo.data.masks.pair import BACKGROUND, MaskFile
from trizoo.data.masks.scans import Scan, scan_file, scan_of, settled
from trizoo.data.masks.values import (
    IDLE_PALETTE,
    black_and_white,
    grey_edges,
    instance_ids,
    is_black_and_white,
    not_numbered,
    numbering,
    one_class,
    palettes_differ,
    strays,
    values_of,
)
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import FIRST_FEW

_WARNINGS = {
    "image in no split",
    "mask all ignored",
    "mask saved as JPEG",
    "class without pixels",
    "stray value",
    "values like instance ids",
    "palettes that differ",
    "image cut off",
    *KINDS,
}
_MOST_COLOURS = 64  # more aren't a palette
_PACKED = np.array([1 << 16, 1 << 8, 1])


def check_masks(listing, classes=None, *, mask_map=None, palette=None, ignore_colours=(), watch=None):
    """Read every list, image and mask of a data set with masks: -> `MaskReport`.

    The other arguments are those of `trizoo.data.masks.dataset.MaskSet`. Errors keep the data set, or the masks they
    name, from being used as they are; warnings don't.

    Args:
        watch: see `trizoo.data.check.pictures.decode_all`
    """
    if isinstance(classes, str):
        raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
    findings = Findings(listing.root, _WARNINGS)
    named = find_classes(listing.root) if listing.classes is None else None
    meaning = meaning_of(listing, named, mask_map, palette, ignore_colours, classes)
    names = tuple(classes or listing.classes or (named.names if named else ()))
    for problem in (*listing.unpaired, *listing.problems):
        findings.add_problem(problem)
    _check_splits(listing, findings)
    if untrained := none_to_train_on(listing.root, listing.splits):
        findings.add_error("no split to train on", untrained)
    sizes = _read_images(listing, findings, watch)
    scans, colours, coloured = _read_masks(listing, meaning, names, sizes, findings)
    meaning, scans = settled(dict(enumerate(scans)), meaning)
    scans = list(scans.values())
    for scan in scans:
        if {*scan.counts} == {IGNORE} and IGNORE not in meaning.mask_map:
            findings.add("mask all ignored", scan.path, "holds nothing but 255, so nothing is learned from it")
    values = values_of(scans)
    if colours:
        _tell_colours(coloured[0].parent, colours, findings)
    if listing.classes is None:
        names = _check_files(listing, scans, meaning, names, findings)
    if names:
        _check_values(scans, meaning, names, findings)
    look_at_names(dict.fromkeys(names, 0), lambda name: listing.root, findings, slips=False)
    table = meaning.table(len(names)) if names else None
    return MaskReport(
        root=listing.root,
        layout=listing.layout,
        splits={name: _row(ids, listing, scans) for name, ids in listing.splits.items()},
        classes=_class_pixels(names, scans, table, findings),
        values=_value_rows(values, scans, names, table),
        image_sizes={f"{w}x{h}": count for (w, h), count in Counter(sizes.values()).most_common()},
        findings=findings.all(),
        notes=(*listing.notes, *([IDLE_PALETTE] if meaning.idle and palette else []), *advice_on(listing.splits)),
    )


def _check_splits(listing, findings):
    for one, other in itertools.combinations(listing.splits, 2):
        if one not in other and other not in one:  # trainval is meant to hold train and val
            common = sorted(set(listing.splits[one]) & set(listing.splits[other]))
            if common:
                text = f"the splits {one} and {other} share {len(common)} images, like {common[0]}"
                findings.add("overlapping splits", listing.root, text)
    used = {id for ids in listing.splits.values() for id in ids}
    for id, pair in listing.pairs.items():
        if id not in used:
            findings.add("image in no split", pair.image, "is in no list")


def _read_images(listing, findings, watch):
    """Id -> (width, height), of the images that can be decoded to the last pixel."""
    paths = [pair.image for pair in listing.pairs.values()]
    headers = decode_all(paths, findings, watch)
    return {id: headers[pair.image].size for id, pair in listing.pairs.items() if pair.image in headers}


def _read_masks(listing, meaning, names, sizes, findings):
    """The `Scan` of each mask, drawn or not; Counter of the colours in masks without a palette; these masks."""
    labels = {name: label for label, name in enumerate(names)}

    def read(pair):
        """The `Scan` of a mask, or size and pixels of each packed colour where nothing says what they are."""
        try:
            if not isinstance(pair.truth, MaskFile):
                size = sizes.get(pair.id)
                return None if size is None else Scan(pair.image, count(pair.truth.draw(labels, size)), size)
            path = pair.truth.path
            if meaning.palette is not None:
                return scan_file(path, meaning)
            pixels, colours = read_file(path)
            if pixels.ndim == 2:
                return scan_of(path, pixels, colours)
            found, counts = np.unique(pixels.astype(np.int32) @ _PACKED, return_counts=True)
            few_enough = dict(zip(found.tolist(), counts.tolist(), strict=True)) if len(found) < 10_000 else {}
            return pixels.shape[1::-1], few_enough
        except UserError as error:
            return error
        except KeyError as error:
            return UserError(f"{pair.truth.path}: unknown class {error}; the classes are {', '.join(labels)}")

    scans, colours, coloured = [], Counter(), []
    pairs = list(listing.pairs.values())
    for pair, result in zip(pairs, in_threads(read, pairs), strict=True):
        path = pair.truth.path if isinstance(pair.truth, MaskFile) else pair.image
        if isinstance(result, UserError):
            findings.add_error("unreadable mask" if isinstance(pair.truth, MaskFile) else "annotation", result)
            continue
        if result is None:
            continue
        if isinstance(result, Scan):
            scans.append(result)
            size = result.size
        else:
            size, in_colours = result
            many = f"{len(in_colours)} colours" if in_colours else "more than 10,000 colours"
            findings.add("mask in colours", path, f"has {many} and no palette that says what they are")
            colours.update(in_colours or {-1: 1})
            coloured.append(path)
        if is_jpeg(path) and path == pair.truth.path:
            text = "JPEG changes values along edges; PNG keeps them"
            findings.add("mask saved as JPEG", path, text)
        real = sizes.get(pair.id, size)
        if size != real:
            turned = ", as it is turned by its EXIF orientation" if size == real[::-1] else ""
            text = f"is {size[0]}x{size[1]} but the image is {real[0]}x{real[1]}{turned}"
            findings.add("mask size", path, text)
    return scans, colours, coloured


def _tell_colours(folder, colours, findings):
    """What colours there are, and the palette that would name them."""
    if -1 in colours or len(colours) > _MOST_COLOURS:
        text = f"masks hold more than {_MOST_COLOURS} colours, as pictures do, or masks saved as JPEG; save them as PNG"
        findings.add("mask in colours", folder, text)
        return
    palette = ",".join(f"{colour:06x}" for colour in sorted(colours))
    rows = ", ".join(f"#{colour:06x} in {pixels:,} pixels" for colour, pixels in colours.most_common(FIRST_FEW))
    text = f"the masks hold {len(colours)} colours ({rows}); --palette {palette}, put into the order of the classes"
    findings.add("colours without a palette", folder, f"{text}, would say which class each is")


def _check_files(listing, scans, meaning, names, findings):
    """The names of the classes of mask files: those given, else class_0 …, or () where the values don't say."""
    values = values_of(scans)
    differ = palettes_differ(scans)
    if differ:
        findings.add("palettes that differ", listing.root, differ)
    if is_black_and_white(values, meaning):
        findings.add_error("masks of 0 and 255", black_and_white(scans, meaning))
        return names or class_names(1)
    if names:
        return names
    if meaning.palette is None and numbering(values, meaning) is not None:
        greys = grey_edges(scans, meaning)
        kind = "masks with grey edges" if greys else "values that don't count from 0"
        findings.add_error(kind, greys or not_numbered(listing.root, scans, meaning))
        return ()
    ids = [meaning.mask_map.get(value, value) for value in (*values, *range(len(meaning.palette or ())))]
    highest = max((id for id in ids if id != IGNORE), default=-1)
    if values and highest < 1:
        findings.add_error("one class alone", one_class(listing.root, values))
        return class_names(highest + 1)
    numbers = instance_ids(scans, meaning)
    if numbers:
        findings.add("values like instance ids", listing.root, numbers)
    for text in () if numbers or meaning.palette else strays(scans, meaning):
        findings.add("stray value", listing.root, text)
    return class_names(highest + 1)


def _check_values(scans, meaning, names, findings):
    table = meaning.table(len(names))
    greys = grey_edges(scans, meaning)
    wrong = [scan for scan in scans if any(table[value] < 0 for value in scan.counts)]
    if wrong and greys:
        findings.add_error("masks with grey edges", greys)
        return
    for number, scan in enumerate(wrong):  # all files are looked at for the first few alone
        if number < FIRST_FEW:
            text = no_class(scan, scans, meaning, names)
        else:
            text = unknown_value(scan.path, scan.counts, meaning, len(names))
        findings.add_error("value that is no class", text)
    labels = {int(table[value]) for scan in scans for value in scan.counts} - {IGNORE}
    if (
        labels == {0}
        and names[0] == BACKGROUND
        and len(names) > 1
        and not is_black_and_white(values_of(scans), meaning)
    ):
        text = f"the masks hold nothing but {BACKGROUND}, so there is nothing to learn"
        findings.add("nothing but background", findings.root, text)


def _row(ids, listing, scans):
    values = {scan.path: len(scan.counts) for scan in scans}
    found = []
    for id in ids:
        pair = listing.pairs[id]
        found.append(values.get(pair.truth.path if isinstance(pair.truth, MaskFile) else pair.image))
    return {"images": len(ids), "one_value": found.count(1)}


def _class_pixels(names, scans, table, findings):
    """Name -> pixels and masks."""
    rows = {name: {"pixels": 0, "masks": 0} for name in names}
    for scan in scans if table is not None else ():
        in_mask = Counter()
        for value, pixels in scan.counts.items():
            if 0 <= table[value] < len(names):
                in_mask[names[table[value]]] += pixels
        for name, pixels in in_mask.items():
            rows[name]["pixels"] += pixels
            rows[name]["masks"] += 1
    without = [name for name, row in rows.items() if not row["pixels"]]
    if without and table is not None and scans:
        findings.add("class without pixels", scans[0].path.parent, f"no mask holds {few(without)}")
    return rows


def _value_rows(values, scans, names, table):
    rows = {}
    for value in values:
        label = int(table[value]) if table is not None else IGNORE if value == IGNORE else -1
        meant = "ignored" if label == IGNORE else names[label] if label >= 0 else None
        held = [scan.counts[value] for scan in scans if value in scan.counts]
        rows[value] = {"pixels": sum(held), "masks": len(held), "class": meant}
    return rows
