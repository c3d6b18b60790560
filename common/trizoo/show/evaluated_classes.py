"""The sections of a page of a classifier's results."""

import numpy as np

from trizoo.metrics import plots
from trizoo.pictures.draw_class import draw_class
from trizoo.pictures.palette import class_colours
from trizoo.show.embedded import WORST, plot, side_by_side, small
from trizoo.show.page import Section, Table

CAPTIONS = {
    "confusion": "Which class is taken for which",
    "precision_recall": "F1, precision and recall of each class",
    "calibration": "How often images are right that the network is so sure of; above each bar its images",
}
COLUMNS = ("F1", "precision", "recall", "images", "predicted")


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.classification.ClassEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    means = [(name.replace("_", " "), metrics[name]) for name in ("top1", "top5", "mF1", "calibration_error")]
    rows = [(name, *(values[column] for column in COLUMNS)) for name, values in metrics["per_class"].items()]
    colours = tuple(map(tuple, class_colours(len(rows)).tolist()))
    figures = [plot(figure, CAPTIONS[name]) for name, figure in plots.draw_classification(found).items()]
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), means)]),
        Section("Classes", tables=[Table(("class", *COLUMNS), rows, colours)]),
        Section("Confusion and calibration", figures=figures, layout="plots"),
        _worst(data, found),
    ]


def _worst(data, found):
    """The images whose class was thought least likely, of those that are wrong."""
    order = np.argsort(found["of_truth"], kind="stable").tolist()
    wrong = [number for number in order if found["predicted"][number] != data.records[number].label][:WORST]
    if not wrong:
        return Section("Worst images", ("None: every image is of the class that was predicted.",))
    figures = []
    for number in wrong:
        record = data.records[number]
        image, _ = small(record)
        label, score = int(found["predicted"][number]), float(found["confidence"][number])
        pictures = draw_class(image, record.label, data.classes), draw_class(image, label, data.classes, score)
        caption = f"{data.classes[record.label]} was thought {found['of_truth'][number]:.1%} likely"
        figures.append(side_by_side(*pictures, (record.id, caption)))
    more = ("truth at the left, prediction with its confidence at the right",)
    return Section("Worst images", more=more, figures=figures, layout="plots")
