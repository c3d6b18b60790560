"""Reads a data set of classes once, in full, and says what training would stumble over."""

from collections import Counter

import numpy as np

from trizoo.data.advice import advice_on, none_to_train_on
from trizoo.data.check.names import KINDS, look_at_names
from trizoo.data.check.pictures import decode_all
from trizoo.data.check.report import ClassReport, Findings
from trizoo.data.class_names import class_name
from trizoo.data.twins import same_bytes
from trizoo.ground.text import hint

_WARNINGS = {
    "class missing in a split",
    "class of one image",
    "picture twice",
    "image cut off",
    "image in no split",
    *KINDS,
}


def check_classes(index, classes=None, watch=None, own_classes=False):
    """Read every image of a `trizoo.data.classes.index.ClassIndex`: -> `ClassReport`.

    Errors keep the data set from being used as it is: images that can't be read, the same picture in two classes or in
    two splits, classes that aren't among those given. Warnings don't.

    Args:
        classes: the names, any other one is an error
        watch: see `trizoo.data.check.pictures.decode_all`
        own_classes: whether each split may have classes of its own, as data of embeddings have
    """
    findings = Findings(index.root, _WARNINGS)
    for problem in index.problems:
        findings.add_problem(problem)
    if untrained := none_to_train_on(index.root, index.splits):
        findings.add_error("no split to train on", untrained)
    paths = [index.path(row) for row in range(len(index))]
    headers = decode_all(paths, findings, watch)
    counts = {split: index.counts(rows) for split, rows in index.rows_of.items()}
    _compare_splits(index, counts, findings, own_classes)
    _find_doubles(index, [row for row, path in enumerate(paths) if path in headers], findings)
    files = dict.fromkeys(index.class_names, index.root)
    totals = index.counts(slice(None)).tolist()
    look_at_names(dict(zip(index.class_names, totals, strict=True)), files.get, findings, slips=classes is None)
    known = {class_name(name) for name in classes or ()}
    for name, count in zip(index.class_names, totals, strict=True):
        if classes is not None and name not in known:
            text = f"{count:,} images are of {name!r}, which is not among the classes{hint(name, classes)}"
            findings.add("unknown class", index.root, text)
    return ClassReport(
        root=index.root,
        layout=index.layout,
        splits={split: len(rows) for split, rows in index.rows_of.items()},
        classes={
            name: {split: int(of_split[label]) for split, of_split in counts.items()}
            for label, name in enumerate(index.class_names)
        },
        image_sizes={
            f"{width}x{height}": count
            for (width, height), count in Counter(header.size for header in headers.values()).most_common()
        },
        findings=findings.all(),
        notes=(*index.notes, *advice_on({split: rows.tolist() for split, rows in index.rows_of.items()})),
    )


def _compare_splits(index, counts, findings, own_classes):
    """Classes that a split lacks, or those with nothing to be compared with, and images in none."""
    kind, number, has = "class missing in a split", 0, "no image"
    if own_classes:
        kind, number, has = "class of one image", 1, "one image alone"
    for split, of_split in counts.items():
        for label in np.flatnonzero(of_split == number).tolist():
            findings.add(kind, index.root, f"split {split} has {has} of {index.class_names[label]}")
    used = {row for rows in index.rows_of.values() for row in rows.tolist()}
    for row in range(len(index)):
        if row not in used:
            findings.add("image in no split", index.path(row), "is in no list")


def _find_doubles(index, rows, findings):
    """Pictures of the same bytes: in two classes or two splits an error, else a warning."""
    split_of = {row: split for split, of_split in index.rows_of.items() for row in of_split.tolist()}
    first = {}
    for row, key in zip(rows, same_bytes([index.path(row) for row in rows]), strict=True):
        other = first.setdefault(key, row)
        if other == row:
            continue
        one, another = (index.names_of(place) for place in (row, other))
        same = f"has the bytes of {index.path(other)}"
        if one != another:
            findings.add("picture of two classes", index.path(row), f"{same}, and is of {one}, not of {another}")
        elif split_of.get(row) != split_of.get(other):
            findings.add("picture in two splits", index.path(row), same)
        else:
            findings.add("picture twice", index.path(row), same)
