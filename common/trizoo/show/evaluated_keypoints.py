"""The sections of a page of a key point model's results."""

import numpy as np

from trizoo.metrics import plots
from trizoo.metrics.points import measure_points
from trizoo.pictures.draw_points import draw_points
from trizoo.pictures.palette import class_colours
from trizoo.show.embedded import plot, side_by_side, small
from trizoo.show.page import Section, Table

WORST = 12  # images
CAPTIONS = {
    "confusion": "Which class is taken for which, what is missed (last column) and invented (last row)",
    "distances": "How far marks found lie from the true ones",
    "precision_recall": "F1, precision and recall of each class",
}
COLUMNS = ("F1", "precision", "recall", "mean_distance", "median_distance", "p95_distance")
HEADS = ("F1", "precision", "recall", "mean distance", "median", "95 %", "marks", "found")


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.keypoints.KeypointEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    measures = measure_points(found, data.records, data.classes)
    names = [(name.replace("_", " "), metrics[name]) for name in ("mF1", *COLUMNS)]
    per_class = metrics["per_class"].items()
    rows = [(name, *(of[column] for column in (*COLUMNS, "ground_truths", "detections"))) for name, of in per_class]
    colours = tuple(map(tuple, class_colours(len(data.classes)).tolist()))
    point = f"pairs of a class at most {metrics['radius']:g} pixels apart; distances in pixels"
    figures = [plot(figure, CAPTIONS[name]) for name, figure in plots.draw_keypoints(measures).items()]
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), names)]),
        Section("Classes", more=(point,), tables=[Table(("class", *HEADS), rows, colours)]),
        Section("Distances and confusion", figures=figures, layout="plots"),
        _worst(data, measures, found),
    ]


def _worst(data, measures, found):
    """The images with the most mistakes."""
    mistakes = measures["mistakes"]
    total = sum(mistakes.values())
    worst = [int(number) for number in np.argsort(-total, kind="stable")[:WORST] if total[number]]
    if not worst:
        return Section("Worst images", ("None: nothing is missed, invented or confused.",))
    figures = []
    for number in worst:
        record = data.records[number]
        image, scale = small(record)
        truth = draw_points(image, _centres(record.boxes) * scale, record.labels, data.classes)
        points = _centres(found[number].boxes) * scale
        prediction = draw_points(image, points, found[number].labels, data.classes, found[number].scores)
        counts = ", ".join(f"{counts[number]} {name}" for name, counts in mistakes.items())
        figures.append(side_by_side(truth, prediction, (record.id, counts)))
    sums = ", ".join(f"{counts.sum():,} {name}" for name, counts in mistakes.items())
    more = ("truth at the left, prediction with its confidence at the right",)
    return Section("Worst images", (f"In all images {sums}.",), more, figures=figures, layout="plots")


def _centres(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2
