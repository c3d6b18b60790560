"""Reads a data set with boxes once, in full, and says what training would stumble over."""

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.advice import advice_on, none_to_train_on
from trizoo.data.boxes.placing import is_drawn_on_stored, place, shares_suspected
from trizoo.data.boxes.points import LAYOUTS as OF_POINTS
from trizoo.data.boxes.points import shared_cells
from trizoo.data.check.names import KINDS, look_at_names
from trizoo.data.check.pictures import decode_all
from trizoo.data.check.report import Findings, Report
from trizoo.data.class_names import class_name
from trizoo.data.images import in_threads, read_mask
from trizoo.data.name_files import class_order
from trizoo.data.statistics import LARGE, SMALL
from trizoo.ground.boxes import centres
from trizoo.ground.conventions import IGNORE
from trizoo.ground.errors import UserError
from trizoo.ground.text import FIRST_FEW, hint

_WARNINGS = {
    "object twice",
    "size tag",
    *KINDS,
    "tiny boxes",
    "listed twice",
    "image in no split",
    "annotation in no split",
    "uncommon mask value",
    "image cut off",
    "annotated twice",
}
_CELLS = (32, 16)  # pixels, of the key point models


def check_boxes(listing, classes=None, watch=None, *, points=False):
    """Read every annotation, image and mask of a `trizoo.data.boxes.listing.Listing`: -> `Report`.

    With `classes`, or where the listing has its own, every other class name is an error; without, names that look like
    slips are warnings. Errors keep the data set from being used as it is, warnings don't: boxes without area are left
    out, swapped corners put right, and so on.

    Args:
        watch: see `trizoo.data.check.pictures.decode_all`
        points: whether boxes stand for their centres
    """
    if isinstance(classes, str):
        raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
    classes = listing.classes if classes is None else classes
    findings = Findings(listing.root, _WARNINGS)
    for problem in (*listing.remarks, *listing.problems):
        findings.add_problem(problem)
    for folder, files in (
        (listing.image_folder, listing.images),
        (listing.annotation_folder, listing.annotations or listing.masks),
    ):
        if not files:
            findings.add("no files", folder or listing.root, "holds nothing that can be used")
    splits = _read_lists(listing, findings)
    if listing.annotations and (untrained := none_to_train_on(listing.root, listing.lists.ids)):
        findings.add_error("no split to train on", untrained)
    annotations = _read_annotations(listing, findings)
    images = {id: listing.image_of(id, annotations.get(id)) for id in {**listing.images, **listing.annotations}}
    _compare_lists(splits, listing, images, findings)
    headers = decode_all([*listing.images.values()], findings, watch)
    sizes = {path: header.size for path, header in headers.items()}
    of_points = listing.layout in OF_POINTS
    boxes = _place_boxes(annotations, images, headers, findings, of_points)
    if suspicion := shares_suspected(np.concatenate([np.zeros((0, 4)), *boxes.values()]), of_points):
        findings.add("tiny boxes", listing.root, suspicion)
    _find_doubles(annotations, images, findings)
    objects, holders = Counter(), Counter()
    for annotation in annotations.values():
        names = [named.name for named in annotation.objects]
        objects.update(names)
        holders.update(set(names))
    if annotations and not objects:
        findings.add("no objects", listing.root, "has no object on any image, so there is nothing to learn")
    _check_names(annotations, objects, classes, findings)
    values = _read_masks(listing, sizes, classes, objects, findings)
    return Report(
        root=listing.root,
        splits={split.name: _count(split.ids, boxes) for split in splits},
        classes={name: {"objects": count, "images": holders[name]} for name, count in objects.most_common()},
        image_sizes={f"{w}x{h}": count for (w, h), count in Counter(sizes.values()).most_common()},
        box_sizes={} if points else _box_sizes(boxes),
        crowded=_crowded(boxes) if points else {},
        mask_values=values,
        findings=findings.all(),
        notes=(
            *(class_order(listing.order_files, objects)[1] if listing.classes is None else ()),
            *(note for lists in _lists(listing).values() for note in lists.notes),
            *advice_on({split.name: split.ids for split in splits}),
        ),
    )


@dataclass(frozen=True)
class _Split:
    """One list. file: of its own, or None; ids: each once; needs: "annotation" or "mask", what its images need."""

    name: str
    file: Path | None
    ids: list[str]
    needs: str

    def tell(self, findings, kind, text):
        """A finding about the list."""
        if self.file:
            findings.add(kind, self.file, text)
        else:
            findings.add(kind, findings.root, f"split {self.name}: {text}")


def _lists(listing):
    """What images of lists need -> `Lists`: those of boxes, where anything is annotated with them, and of masks."""
    return {**({"annotation": listing.lists} if listing.annotations else {}), "mask": listing.mask_lists}


def _read_lists(listing, findings):
    """List of `_Split`."""
    splits = []
    for needs, lists in _lists(listing).items():
        if lists.error:
            findings.add_error("unreadable list", lists.error)
        for name, ids in lists.ids.items():
            splits.append(_Split(name, lists.files.get(name), list(dict.fromkeys(ids)), needs))
            for id, count in Counter(ids).items():
                if count > 1:
                    splits[-1].tell(findings, "listed twice", f"{id} stands there {count} times and counts once")
    return splits


def _read_annotations(listing, findings):
    """Id -> annotation, of those that can be read."""
    annotations = {}
    for id in listing.annotations:
        try:
            annotation = annotations[id] = listing.read(id)
        except UserError as error:
            findings.add_error("unreadable annotation", error)
            continue
        for problem in (*annotation.problems, *annotation.remarks):
            findings.add_problem(problem)
        for named, count in Counter((named.name, named.box) for named in annotation.objects).items():
            if count > 1:
                text = f"{named[0]} stands there {count} times with the same box"
                findings.add("object twice", annotation.file, text)
    return annotations


def _compare_lists(splits, listing, images, findings):
    """Lists against files, and against each other."""
    listed = {id: split for split in splits for id in split.ids}
    sought = f"in {(listing.image_folder or listing.root).name}"
    for id in {**listed, **listing.annotations}:
        if images.get(id):
            continue
        if id in listing.annotations:
            findings.add("missing image", listing.annotations[id], f"{id} has no image {sought}")
        else:
            listed[id].tell(findings, "missing image", f"{id} has no image {sought}")
    for needs, present in (("annotation", listing.annotations), ("mask", listing.masks)):
        needing = {id: split for split in splits if split.needs == needs for id in split.ids}
        for id, split in needing.items():
            if id not in present:
                split.tell(findings, f"missing {needs}", f"{id} has no {needs}")
    for one, other in itertools.combinations(splits, 2):
        a, b = (split.name.rpartition("/")[2] for split in (one, other))
        if one.needs == other.needs and a not in b and b not in a:  # trainval is meant to hold train and val
            common = sorted(set(one.ids) & set(other.ids))
            if common:
                one.tell(findings, "overlapping splits", f"{b} has {len(common)} of its images too, like {common[0]}")
    used = {images.get(id) for id in listed}
    for id, path in listing.annotations.items():
        if splits and id not in listed:
            findings.add("annotation in no split", path, "is in no list")
    for path in listing.images.values():
        if splits and path not in used:
            findings.add("image in no split", path, "is in no list, or has no annotation")


def _place_boxes(annotations, images, headers, findings, of_points):
    """Id -> the boxes (N, 4) that training gets."""
    ids = [id for id in annotations if images[id] in headers]
    of_ids = [headers[images[id]] for id in ids]
    placed, _, counts, problems = place([annotations[id] for id in ids], of_ids, of_points)
    for number, (id, header) in enumerate(zip(ids, of_ids, strict=True)):
        annotation = annotations[id]
        for problem in problems.get(number, ()):
            findings.add_problem(problem)
        if annotation.size and annotation.size != header.size and not is_drawn_on_stored(annotation, header):
            said, real = (f"{width}x{height}" for width, height in (annotation.size, header.size))
            findings.add("size tag", annotation.file, f"says {said} but the image is {real}, which counts")
    return dict(zip(ids, np.split(placed, np.cumsum(counts)[:-1]), strict=True)) if ids else {}


def _find_doubles(annotations, images, findings):
    """Annotations of a picture that another annotates too."""
    first = {}
    for id, annotation in annotations.items():
        if images[id] and first.setdefault(images[id], id) != id:
            findings.add("annotated twice", annotation.file, f"{id} annotates the same picture as {first[images[id]]}")


def _check_names(annotations, objects, classes, findings):
    files = {named.name: a.file for a in reversed(annotations.values()) for named in a.objects}
    file_of = lambda name: files.get(name, findings.root)  # noqa: E731
    counts = objects if classes is None else {name: objects[name] for name in classes}
    look_at_names(counts, file_of, findings, slips=classes is None)
    if classes is None:
        return
    known = {*classes, *map(class_name, classes)}
    for annotation in annotations.values():
        for named in annotation.objects:
            if named.name not in known:
                text = f"{named.name!r} is not among the classes{hint(named.name, classes)}"
                findings.add("unknown class", annotation.file, named.located(text))


def _read_masks(listing, sizes, classes, objects, findings):
    """Value -> {"pixels", "masks"} over all masks, and what is wrong with them."""

    def histogram(path):
        try:
            mask = read_mask(path)
        except UserError as error:
            return error, None
        return np.bincount(mask.ravel(), minlength=256), mask.shape[::-1]

    known = len(objects if classes is None else classes)
    pixels, masks = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for (id, path), (counts, size) in zip(
        listing.masks.items(), in_threads(histogram, listing.masks.values()), strict=True
    ):
        if isinstance(counts, UserError):
            findings.add_error("unreadable mask", counts)
            continue
        pixels += counts
        masks += counts > 0
        real = sizes.get(listing.images.get(id), size)
        if size != real:
            findings.add("mask size", path, f"is {size[0]}x{size[1]} but the image is {real[0]}x{real[1]}")
        strange = [int(value) for value in np.flatnonzero(counts) if known < value < IGNORE]
        if known and strange:
            kind = "uncommon mask value" if classes is None else "mask value"
            shown = ", ".join(map(str, strange[:FIRST_FEW])) + (" ..." if len(strange) > FIRST_FEW else "")
            findings.add(kind, path, f"has {shown}; the {known} classes are 1 to {known}, {IGNORE} is ignored")
    values = np.flatnonzero(pixels).tolist()
    if values in ([IGNORE], [0, IGNORE]):
        text = f"every mask holds 0 and {IGNORE} only, and {IGNORE} means ignored; the mapping 255=1 makes it a class"
        findings.add("mask value", next(iter(listing.masks.values())).parent, text)
    return {value: {"pixels": int(pixels[value]), "masks": int(masks[value])} for value in values}


def _count(ids, boxes):
    counts = [len(boxes.get(id, ())) for id in ids]
    return {"images": len(ids), "objects": sum(counts), "without_objects": counts.count(0)}


def _crowded(boxes):
    """Side of a cell -> marks of all images that share one with another: id -> boxes (N, 4)."""
    return {side: sum(shared_cells(centres(of_image), side) for of_image in boxes.values()) for side in _CELLS}


def _box_sizes(boxes):
    corners = np.concatenate([np.zeros((0, 4)), *boxes.values()])
    if not len(corners):
        return {}
    sides = np.sqrt((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))
    small, large = int((sides < SMALL).sum()), int((sides > LARGE).sum())
    return {
        "smallest": round(float(sides.min()), 2),
        "median": round(float(np.median(sides)), 2),
        "largest": round(float(sides.max()), 2),
        "small": small,
        "medium": len(sides) - small - large,
        "large": large,
    }
