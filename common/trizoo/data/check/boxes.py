"""Reads a VOC-layout data set once, in full, and says what training would stumble over."""

import difflib
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trizoo.data.boxes.voc import place
from trizoo.data.boxes.voc_annotation import read_annotation
from trizoo.data.check.report import Findings, Report
from trizoo.data.images import in_threads, read_image, read_mask
from trizoo.data.voc_files import find_root, list_files, read_splits
from trizoo.ground.errors import UserError
from trizoo.ground.text import FIRST_FEW, hint

_IGNORED = 255  # a mask's void pixels
_SMALL, _LARGE = 32, 96  # COCO's limits of small, medium and large, as sides of a square in pixels
_CLOSE, _RARE = 0.8, 20  # names are near misses from this similarity on, if one is this many times rarer
_WARNINGS = {
    "box without area",
    "box outside the image",
    "object without name",
    "object without box",
    "swapped corners",
    "object twice",
    "size tag",
    "similar class names",
    "same id",
    "listed twice",
    "image in no split",
    "annotation in no split",
    "not UTF-8",
    "uncommon mask value",
}


def check(root, classes=None):
    """Read every list, annotation, image and mask of a VOC-layout data set: -> `Report`.

    With `classes` every other class name is an error; without, names that look like slips are warnings. Errors keep
    the data set from being used as it is, warnings don't: boxes without area are left out, swapped corners put right,
    and so on. Raises UserError where no data set is at `root` (see `trizoo.data.boxes.voc.find_root`).
    """
    if isinstance(classes, str):
        raise ValueError(f"classes is {classes!r}; a sequence of names is needed")
    root = find_root(root)
    files = list_files(root)
    findings = Findings(root, _WARNINGS)
    for path, text in files.doubles:
        findings.add("same id", path, text)
    for folder, entries in (("JPEGImages", files.images), ("Annotations", files.annotations or files.masks)):
        if not entries:
            findings.add("no files", root / folder, "holds nothing that can be used")
    lists, notes = _read_lists(files, findings)
    annotations = _read_annotations(files, findings)
    images = {id: files.image_of(id, annotations.get(id)) for id in {**files.images, **files.annotations}}
    _compare_lists(lists, files, images, findings)
    sizes = _read_images(files, findings)
    boxes = _place_boxes(annotations, images, sizes, findings)
    objects, holders = Counter(), Counter()
    for annotation in annotations.values():
        names = [named.name for named in annotation.objects]
        objects.update(names)
        holders.update(set(names))
    _check_names(annotations, objects, classes, findings)
    values = _read_masks(files, sizes, classes, objects, findings)
    return Report(
        root=root,
        splits={name: _count(split.ids, boxes) for name, split in lists.items()},
        classes={name: {"objects": count, "images": holders[name]} for name, count in objects.most_common()},
        image_sizes={f"{w}x{h}": count for (w, h), count in Counter(sizes.values()).most_common()},
        box_sizes=_box_sizes(boxes),
        mask_values=values,
        findings=findings.all(),
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Split:
    """One list. ids: each once; needs: "annotation" or "mask", what its images can't do without."""

    path: Path
    ids: list[str]
    needs: str


def _read_lists(files, findings):
    """Name -> split, and notes. Lists of ImageSets/Segmentation are called Segmentation/NAME."""
    lists, notes = {}, []
    for_boxes, for_masks = files.split_folder(), files.split_folder(for_masks=True)
    kinds = [("annotation", "", for_boxes)] if files.annotations else []
    if files.masks and (for_masks != for_boxes or not kinds):
        kinds.append(("mask", "Segmentation/" if kinds else "", for_masks))
    for needs, prefix, folder in kinds:
        try:
            found, said = read_splits(files, for_masks=needs == "mask")
        except UserError as error:
            findings.add_error("unreadable list", error)
            continue
        notes += said
        for name, ids in found.items():
            path = folder / f"{name}.txt"
            lists[prefix + name] = _Split(path, list(dict.fromkeys(ids)), needs)
            for id, count in Counter(ids).items():
                if count > 1:
                    findings.add("listed twice", path, f"{id} stands there {count} times and counts once")
    return lists, notes


def _read_annotations(files, findings):
    """Id -> annotation, of those that can be read."""
    annotations = {}
    for id, path in files.annotations.items():
        try:
            annotation = annotations[id] = read_annotation(path)
        except UserError as error:
            findings.add_error("unreadable annotation", error)
            continue
        for problem in annotation.problems:
            findings.add(problem.kind, problem.file, problem.text)
        if annotation.encoding not in ("utf-8", "utf-8-sig", "ascii"):
            findings.add("not UTF-8", path, f"is written in {annotation.encoding}, which other tools may not read")
        for named, count in Counter((named.name, named.box) for named in annotation.objects).items():
            if count > 1:
                findings.add("object twice", path, f"{named[0]} stands there {count} times with the same box")
    return annotations


def _compare_lists(lists, files, images, findings):
    """Lists against files, and against each other."""
    listed = {id: split.path for split in lists.values() for id in split.ids}
    for id in {**listed, **files.annotations}:
        if not images.get(id):
            findings.add("missing image", files.annotations.get(id, listed.get(id)), f"{id} has no image in JPEGImages")
    for needs, present in (("annotation", files.annotations), ("mask", files.masks)):
        needing = {id: split.path for split in lists.values() if split.needs == needs for id in split.ids}
        for id, path in needing.items():
            if id not in present:
                findings.add(f"missing {needs}", path, f"{id} has no {needs}")
    for one, other in itertools.combinations(lists.values(), 2):
        a, b = one.path.stem, other.path.stem
        if one.needs == other.needs and a not in b and b not in a:  # trainval is meant to hold train and val
            common = sorted(set(one.ids) & set(other.ids))
            if common:
                findings.add(
                    "overlapping splits", one.path, f"{b} has {len(common)} of its images too, like {common[0]}"
                )
    used = {images.get(id) for id in listed}
    for id, path in files.annotations.items():
        if lists and id not in listed:
            findings.add("annotation in no split", path, "is in no list")
    for path in files.images.values():
        if lists and path not in used:
            findings.add("image in no split", path, "is in no list, or has no annotation")


def _read_images(files, findings):
    """Image file -> (width, height), of those that can be decoded to the last pixel."""

    def size_of(path):
        try:
            return read_image(path).shape[1::-1]
        except UserError as error:
            return error

    sizes = {}
    for path, size in zip(files.images.values(), in_threads(size_of, files.images.values()), strict=True):
        if isinstance(size, UserError):
            findings.add_error("unreadable image", size)
        else:
            sizes[path] = size
    return sizes


def _place_boxes(annotations, images, sizes, findings):
    """Id -> the boxes (N, 4) that training gets."""
    boxes = {}
    for id, annotation in annotations.items():
        size = sizes.get(images[id])
        if size is None:
            continue
        boxes[id], _, problems = place(annotation.objects, size, annotation.file)
        for problem in problems:
            findings.add(problem.kind, problem.file, problem.text)
        if annotation.size and annotation.size != size:
            said, real = (f"{width}x{height}" for width, height in (annotation.size, size))
            findings.add("size tag", annotation.file, f"says {said} but the image is {real}, which counts")
    return boxes


def _check_names(annotations, objects, classes, findings):
    if classes is None:
        _find_similar_names(annotations, objects, findings)
        return
    for annotation in annotations.values():
        for named in annotation.objects:
            if named.name not in classes:
                text = f"line {named.line}: {named.name!r} is not among the classes{hint(named.name, classes)}"
                findings.add("unknown class", annotation.file, text)


def _find_similar_names(annotations, objects, findings):
    """Names that differ in case, spaces and dashes only, or a little where one is much rarer than the other."""
    names = sorted(objects, key=lambda name: (objects[name], name))
    folded = {name: re.sub(r"[\s_-]+", " ", name.casefold()) for name in names}
    for index, rare in enumerate(names):
        for other in reversed(names[index + 1 :]):
            same = folded[rare] == folded[other]
            numbered = re.sub(r"\d", "", rare) == re.sub(r"\d", "", other)  # defect 1, defect 2
            rarer = objects[rare] * _RARE <= objects[other] and not numbered
            if same or (rarer and difflib.SequenceMatcher(None, folded[rare], folded[other]).ratio() >= _CLOSE):
                file = next(a.file for a in annotations.values() if any(named.name == rare for named in a.objects))
                text = f"{rare!r} ({objects[rare]:,}) looks like {other!r} ({objects[other]:,})"
                findings.add("similar class names", file, text)
                break


def _read_masks(files, sizes, classes, objects, findings):
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
        files.masks.items(), in_threads(histogram, files.masks.values()), strict=True
    ):
        if isinstance(counts, UserError):
            findings.add_error("unreadable mask", counts)
            continue
        pixels += counts
        masks += counts > 0
        real = sizes.get(files.images.get(id), size)
        if size != real:
            findings.add("mask size", path, f"is {size[0]}x{size[1]} but the image is {real[0]}x{real[1]}")
        strange = [int(value) for value in np.flatnonzero(counts) if known < value < _IGNORED]
        if known and strange:
            kind = "uncommon mask value" if classes is None else "mask value"
            shown = ", ".join(map(str, strange[:FIRST_FEW])) + (" ..." if len(strange) > FIRST_FEW else "")
            findings.add(kind, path, f"has {shown}; the {known} classes are 1 to {known}, {_IGNORED} is ignored")
    values = np.flatnonzero(pixels).tolist()
    if values in ([_IGNORED], [0, _IGNORED]):
        text = (
            f"every mask holds 0 and {_IGNORED} only, and {_IGNORED} means ignored; the mapping 255=1 makes it a class"
        )
        findings.add("mask value", files.root / "SegmentationClass", text)
    return {value: {"pixels": int(pixels[value]), "masks": int(masks[value])} for value in values}


def _count(ids, boxes):
    counts = [len(boxes.get(id, ())) for id in ids]
    return {"images": len(ids), "objects": sum(counts), "without_objects": counts.count(0)}


def _box_sizes(boxes):
    corners = np.concatenate([np.zeros((0, 4)), *boxes.values()])
    if not len(corners):
        return {}
    sides = np.sqrt((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))
    small, large = int((sides < _SMALL).sum()), int((sides > _LARGE).sum())
    return {
        "smallest": round(float(sides.min()), 2),
        "median": round(float(np.median(sides)), 2),
        "largest": round(float(sides.max()), 2),
        "small": small,
        "medium": len(sides) - small - large,
        "large": large,
    }
