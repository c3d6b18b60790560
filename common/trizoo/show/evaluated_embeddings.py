"""The sections of a page of an embedding model's results."""

import numpy as np

from trizoo.metrics.embedding_report import draw_similarities
from trizoo.pictures.draw_class import draw_class
from trizoo.show.embedded import WORST, plot, side_by_side, small
from trizoo.show.page import Section, Table

SHARES = ("recall_at_1", "recall_at_5", "map_at_r", "threshold", "kept", "refused")
COLUMNS = ("recall_at_1", "map_at_r", "images")
CAPTION = "How similar the nearest image is; the threshold keeps most of one's class and refuses most of others"


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.embedding.EmbeddingEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    shares = [(name.replace("_", " "), metrics[name]) for name in SHARES]
    rows = [(name, *(values[column] for column in COLUMNS)) for name, values in metrics["per_class"].items()]
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), shares)]),
        Section("Similarities", figures=[plot(draw_similarities(found), CAPTION)], layout="plots"),
        Section("Classes", tables=[Table(("class", *COLUMNS), rows)]),
        _worst(data, found),
    ]


def _worst(data, found):
    """The images that are most alike to one of another class, of those whose nearest is such a one."""
    labels, nearest = found["labels"], found["nearest"]
    wrong = np.flatnonzero((labels[nearest] != labels) & ~np.isnan(found["of_same"]))
    wrong = wrong[np.argsort(-found["of_other"][wrong], kind="stable")][:WORST].tolist()
    if not wrong:
        return Section("Worst images", ("None: the image most similar to each is of its class.",))
    figures = []
    for number in wrong:
        places = (number, int(nearest[number]))
        pictures = [draw_class(_square(small(data.records[place])[0]), labels[place], data.classes) for place in places]
        own, other = (found[name][number] for name in ("of_same", "of_other"))
        caption = f"similarity {other:.3f}; to the nearest of its class {own:.3f}"
        figures.append(side_by_side(*pictures, (data.records[number].id, caption)))
    more = ("an image at the left, the one most similar to it at the right",)
    return Section("Worst images", more=more, figures=figures, layout="plots")


def _square(image):
    """An image in the middle of a white square, so that any two stand side by side: uint8 (H, W, 3) -> (S, S, 3)."""
    height, width, _ = image.shape
    side = max(height, width)
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return square
