"""The sections of a page of a multi-label classifier's results."""

import numpy as np

from trizoo.metrics.multilabel_report import draw_multilabel
from trizoo.pictures.draw_class import draw_classes
from trizoo.pictures.palette import class_colours
from trizoo.show.embedded import WORST, plot, side_by_side, small
from trizoo.show.page import Section, Table
from trizoo.tasks.classify import above

CAPTIONS = {
    "average_precision": "How well images with a label come before those without",
    "precision_recall": "F1, precision and recall of each label",
}
MEANS = ("mAP", "mF1", "F1", "all_right", "score")
COLUMNS = ("AP", "F1", "precision", "recall", "images", "predicted")


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.multilabel.LabelEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    means = [(name.replace("_", " "), metrics[name]) for name in MEANS]
    rows = [(name, *(values[column] for column in COLUMNS)) for name, values in metrics["per_class"].items()]
    colours = tuple(map(tuple, class_colours(len(rows)).tolist()))
    figures = [plot(figure, CAPTIONS[name]) for name, figure in draw_multilabel(found).items()]
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), means)]),
        Section("Labels", tables=[Table(("class", *COLUMNS), rows, colours)]),
        Section("In numbers", figures=figures, layout="plots"),
        _worst(data, found),
    ]


def _worst(data, found):
    """The images with the label, or the lack of one, that was thought least likely, of those that are wrong."""
    scores, truths = found["probabilities"], found["truths"]
    of_truth = np.where(truths, scores, 1 - scores)  # (N, C)
    wrong = np.flatnonzero(((scores >= found["score"]) != truths).any(axis=1))
    wrong = wrong[np.argsort(of_truth[wrong].min(axis=1), kind="stable")][:WORST].tolist()
    if not wrong:
        return Section("Worst images", ("None: of every image just its labels were found.",))
    figures = []
    for number in wrong:
        record = data.records[number]
        image, _ = small(record)
        labels = above(scores[number], found["score"])
        pictures = (
            draw_classes(image, record.labels.tolist(), data.classes),
            draw_classes(image, labels, data.classes, scores[number][labels].tolist()),
        )
        label = int(of_truth[number].argmin())
        caption = f"{data.classes[label]}{'' if truths[number, label] else ', not there,'} was thought"
        figures.append(side_by_side(*pictures, (record.id, f"{caption} {scores[number, label]:.1%} likely")))
    more = ("truth at the left, what was found with its probability at the right",)
    return Section("Worst images", more=more, figures=figures, layout="plots")
