"""The sections of a page that count."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from trizoo.data.reading import Problem
from trizoo.data.statistics import GRID, MaskStatistics, of_boxes
from trizoo.ground.sample import Record
from trizoo.pictures.palette import class_colours, mask_colours
from trizoo.show import counts
from trizoo.show.folder import claim
from trizoo.show.kinds import KINDS

SIZES = [(640, 480), (640, 480), (30, 20)]
RECORDS = [
    Record(str(k), Path(f"{k}.jpg"), size, np.array([[1, 1, 9, 9]] * k, np.float32).reshape(-1, 4), np.ones(k, int))
    for k, size in enumerate(SIZES)  # as many boxes as k, all of class 1
]
BOXES = of_boxes(RECORDS, 2)
MASKS = MaskStatistics(np.array([750, 250]), 3, np.array([3, 2]), 1, 0.125, np.zeros((2, GRID, GRID)), {(640, 480): 3})


class Source(SimpleNamespace):
    def __len__(self):
        return 3


def source(**changes):
    given = {"root": Path("/data/set"), "layout": "voc", "classes": ("a", "b"), "notes": ["a note"], "problems": []}
    return Source(**{**given, **changes})


def test_the_head_says_how_much_there_is():
    words = KINDS["detection"].words(source(), BOXES)
    head = counts.head(source(), BOXES, "train", {"train": ["0", "1", "2", "0"], "val": ["3"]}, words)
    assert head.lines == (
        "3 images of the split train, with 3 boxes of 2 classes; 1 without a box, the median has 1 and the fullest 2",
    )
    assert head.more[1:] == ("splits: train (3), val (1)", "sizes of the images: 640x480 (2), 30x20 (1)", "a note")
    words = KINDS["segmentation"].words(source(), MASKS)
    assert "with masks of 2 classes" in counts.head(source(), MASKS, "train", {}, words).lines[0]


def test_the_legend_of_boxes_has_every_class_with_its_colour():
    (table,) = KINDS["detection"].classes(source(), BOXES).tables
    assert table.rows == [("a", 0, 0), ("b", 3, 2)]
    assert table.swatches == tuple(map(tuple, class_colours(2).tolist()))


def test_the_legend_of_masks_has_shares_and_what_is_ignored():
    (table,) = KINDS["segmentation"].classes(source(), MASKS).tables
    assert table.rows == [("a", 750, "75.00%", 3), ("b", 250, "25.00%", 2), ("ignored", "", "12.50%", 1)]
    assert table.swatches == (None, tuple(mask_colours(2)[1].tolist()), "stripes")


def test_plots_are_files_of_the_page(tmp_path):
    folder = claim(tmp_path)
    boxes, masks = (KINDS[task].figures for task in ("detection", "segmentation"))
    section = counts.drawn(boxes(BOXES, ("a", "b")), folder)
    assert [figure.file for figure in section.figures] == ["classes.png", "sizes.png", "shapes.png", "positions.png"]
    assert all((tmp_path / figure.file).is_file() for figure in section.figures)
    assert [figure.file for figure in counts.drawn(masks(MASKS, ("a", "b")), folder).figures] == [
        "classes.png",
        "positions.png",
    ]
    assert counts.drawn(boxes(of_boxes(RECORDS[:1], 2), ("a", "b")), folder) is None  # not a box


def test_problems_are_counted_by_kind_with_examples():
    problems = [Problem("box without area", Path(f"/data/set/{k}.xml"), "dog") for k in range(3)]
    section = counts.problems(source(problems=[*problems, Problem("listed twice", Path("/data/set"), "2 ids")]))
    (table,) = section.tables
    assert table.rows == [("box without area", 3, "0.xml: dog; 1.xml: dog"), ("listed twice", 1, "2 ids")]
    assert counts.problems(source()).tables == []
