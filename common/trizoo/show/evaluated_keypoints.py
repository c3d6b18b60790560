"""The sections of a page of a key point model's results."""

from trizoo.ground.boxes import centres
from trizoo.metrics import plots
from trizoo.metrics.points import measure_points
from trizoo.pictures.draw_points import draw_points
from trizoo.pictures.palette import class_colours
from trizoo.show.embedded import plot, worst_images
from trizoo.show.page import Section, Table

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

    def draw(image, scale, number):
        record, marks = data.records[number], found[number]
        truth = draw_points(image, centres(record.boxes) * scale, record.labels, data.classes)
        return truth, draw_points(image, centres(marks.boxes) * scale, marks.labels, data.classes, marks.scores)

    return worst_images(data.records, measures["mistakes"], draw)
