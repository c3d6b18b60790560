"""The sections of a page that count: what there is, classes, plots, what was put right."""

import numpy as np

from trizoo.data.check.report import Findings
from trizoo.ground.files import replacing, write_from_memory
from trizoo.ground.text import quoted
from trizoo.pictures.palette import class_colours, mask_colours
from trizoo.show.page import Figure, Section, Table

MOST_SIZES = 5
EXAMPLES = 2
CAPTIONS = {
    "classes": "How much there is of each class",
    "sizes": "How large boxes are; dashed: COCO's limits of small and large, 32 and 96 pixels",
    "shapes": "How wide boxes are for their height; dashed: as wide as high",
    "positions": "Where in the images they lie, brighter where more often",
}


def head(source, counts, split, splits, held):
    """What the data set is and how much there is of it -> Section.

    Args:
        source: the split, opened
        counts: its `BoxStatistics` or `MaskStatistics`
        split: its name
        splits: name -> ids, of all
        held: what the images are annotated with, in words
    """
    line = f"{_number(len(source), 'image')} of the split {split}, with {held}"
    sizes = [f"{width}x{height} ({count:,})" for (width, height), count in counts.sizes.items()]
    more = f" and {len(sizes) - MOST_SIZES:,} more" if len(sizes) > MOST_SIZES else ""
    all_splits = ", ".join(f"{name} ({len(dict.fromkeys(ids)):,})" for name, ids in splits.items())
    small = (
        f"{source.root.absolute()}, layout {source.layout}",
        f"splits: {all_splits}",
        f"sizes of the images: {', '.join(sizes[:MOST_SIZES])}{more}",
    )
    return Section("", (line,), (*small, *source.notes))


def words_on_boxes(source, counts, called="box"):
    """How many boxes there are, or what else is called so, as the end of a sentence."""
    boxes, full = _number(int(counts.objects.sum()), called), counts.per_image
    return (
        f"{boxes} of {_number(len(source.classes), 'class')}; {counts.without:,} without a {called}, the median has "
        f"{np.median(full):g} and the fullest {full.max():,}"
    )


def words_on_images(source, counts):
    """How many classes there are, as the end of a sentence."""
    return f"one of {_number(len(source.classes), 'class')} each"


def words_on_labels(source, counts):
    """How many labels there are, as the end of a sentence."""
    labels = _number(int(counts.images.sum()), "label")
    return f"{labels} of {_number(len(source.classes), 'class')}; {_without(source):,} without a label"


def _without(source):
    return int((~source.records.labels.any(axis=1)).sum())


def words_on_masks(source, counts):
    """How many classes there are, as the end of a sentence."""
    return f"masks of {_number(len(source.classes), 'class')}"


def classes_of_boxes(source, counts, called="boxes"):
    """The legend, with the boxes of each class, or what else is called so -> Section."""
    names = source.classes
    rows = list(zip(names, counts.objects.tolist(), counts.holders.tolist(), strict=True))
    swatches = tuple(map(tuple, class_colours(len(names)).tolist()))
    return Section("Classes", tables=[Table(("class", called, "images"), rows, swatches)])


def classes_of_images(source, counts):
    """The legend, with the images of each class -> Section."""
    rows = list(zip(source.classes, counts.images.tolist(), strict=True))
    swatches = tuple(map(tuple, class_colours(len(rows)).tolist()))
    return Section("Classes", tables=[Table(("class", "images"), rows, swatches)])


def classes_of_masks(source, counts):
    """The legend, with the pixels of each class -> Section."""
    names = source.classes
    shares = counts.pixels / max(1, counts.pixels.sum())
    rows = [
        (name, pixels, f"{share:.2%}", held)
        for name, pixels, share, held in zip(
            names, counts.pixels.tolist(), shares, counts.holders.tolist(), strict=True
        )
    ]
    rows.append(("ignored", "", f"{counts.ignored:.2%}", counts.ignoring))
    swatches = (None, *map(tuple, mask_colours(len(names)).tolist()[1:]), "stripes")
    line = f"{names[0]}, class 0, leaves the image as it is"
    head = ("class", "pixels", "share", f"of {_number(counts.looked_at, 'mask')}")
    return Section("Classes", more=(line,), tables=[Table(head, rows, swatches)])


def drawn(figures, folder):
    """Histograms and maps -> Section, None where there is nothing to draw.

    Args:
        figures: {file stem: matplotlib's Figure}
        folder: `trizoo.show.folder.PageFolder`
    """
    if not figures:
        return None
    files = []
    for stem, figure in figures.items():
        with replacing(folder.file(f"{stem}.png")) as path:
            write_from_memory(path, lambda file, figure=figure: figure.savefig(file, format="png"))
        width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
        files.append(Figure(f"{stem}.png", (CAPTIONS[stem],), (width, height)))
    return Section("In numbers", figures=files, layout="plots")


def problems(source):
    """What reading lists and annotations met -> Section."""
    findings = Findings(source.root, ())
    for problem in source.problems:
        findings.add_problem(problem)
    rows = [(found.kind, found.count, "; ".join(found.examples[:EXAMPLES])) for found in findings.all()]
    more = (f"trizoo data check {quoted(source.root)} reads every image too and says all that is wrong",)
    if not rows:
        return Section("Put right or left out", ("Nothing, as far as lists and annotations say.",), more)
    return Section("Put right or left out", more=more, tables=[Table(("what", "times", "such as"), rows)])


def _number(count, name):
    plural = f"{name}es" if name.endswith(("x", "s")) else f"{name}s"
    return f"{count:,} {name if count == 1 else plural}"
