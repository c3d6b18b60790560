"""The sections of a page of a detector's results."""

from dataclasses import replace

import numpy as np

from trizoo.ground.boxes import area
from trizoo.metrics import plots
from trizoo.metrics.coco_protocol import AREAS
from trizoo.metrics.detection import IOU_THRESHOLD, measure
from trizoo.metrics.errors import MEANINGS
from trizoo.metrics.plain import shown
from trizoo.pictures.draw import draw_boxes, draw_detections
from trizoo.pictures.palette import class_colours
from trizoo.show.embedded import plot, worst_images
from trizoo.show.page import Section, Table

SIZES = {"small": "small: to 32x32 pixels", "medium": "medium: to 96x96", "large": "large"}
CAPTIONS = {
    "precision_recall": "Precision over recall at IoU 0.5, with AP50",
    "score_curves": "Precision, recall and F1 over the score at IoU 0.5; dotted: the score of the numbers above",
    "confusion": "Which class is taken for which, what is missed (last column) and invented (last row)",
    "average_precision": "Average precision of each class",
    "miss_rate": "Log-average miss rate of each class",
}


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.detection.BoxEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    measures = measure(found, data.records, data.classes, metrics["score"])
    point = f"at score {metrics['score']:g} and IoU {IOU_THRESHOLD:g}"
    names = {"mAP50": metrics["mAP50"], "mAP": metrics["mAP"], "mAP75": metrics["mAP75"]}
    names["VOC mAP50"] = metrics["voc"]["mAP50"]
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), list(names.items()))]),
        _classes(metrics, data.classes, point),
        _sizes(metrics, data.records),
        _errors(metrics),
        Section(
            "Curves and confusion",
            figures=[plot(figure, CAPTIONS[name]) for name, figure in plots.draw_all(measures).items()],
            layout="plots",
        ),
        _worst(data, measures, found, point),
    ]


def _classes(metrics, classes, point):
    """A row for each class."""
    columns = ("AP50", "AP", "precision", "recall", "F1", "ground_truths", "detections")
    rows = [(name, *(values[column] for column in columns)) for name, values in metrics["per_class"].items()]
    table = Table(
        ("class", *columns[:5], "objects", "detections"), rows, tuple(map(tuple, class_colours(len(classes)).tolist()))
    )
    return Section("Classes", more=(f"precision, recall and F1 {point}; detections of any score",), tables=[table])


def _sizes(metrics, records):
    """A row for each of COCO's sizes."""
    areas = np.concatenate(
        [np.zeros(0), *(area(record.boxes)[~(record.difficult | record.crowd)] for record in records)]
    )
    rows = []
    for name, text in SIZES.items():
        low, high = AREAS[name]
        count = int(((areas >= low) & (areas < high)).sum())
        rows.append((text, metrics["coco"][f"AP_{name}"], metrics["coco"][f"AR_{name}"], count))
    more = ("AP and recall are COCO's, means over IoU 0.50 to 0.95; sizes in the images' own pixels",)
    return Section("Sizes", more=more, tables=[Table(("size", "AP", "recall", "objects"), rows)])


def _errors(metrics):
    """AP by threshold, and a row for each kind of error."""
    kinds, places = metrics["errors"], list(metrics["errors"])
    rows = [
        (f"{kind}: {text}", *(kinds[place][kind][column] for place in places for column in ("count", "cost")))
        for kind, text in MEANINGS.items()
    ]
    head = ("error", *(f"{column} at {place}" for place in places for column in ("number", "AP lost")))
    found = shown(metrics["matched_iou"])
    more = (
        f"What is found at an IoU of 0.5 has a mean IoU of {found}. Errors are those of detections of any score; each "
        "kind's AP lost is what AP at that IoU gains when errors of that kind alone are put right (TIDE, Bolya et al. "
        "2020)",
    )
    at = Table(("IoU", *metrics["AP_at"]), [("AP", *metrics["AP_at"].values())])
    return Section("Errors", more=more, tables=[at, Table(head, rows)])


def _worst(data, measures, found, point):
    """The images with the most mistakes."""

    def draw(image, scale, number):
        record, strong = data.records[number], found[number].above(measures["score"])
        truth = draw_boxes(image, record.boxes * np.tile(scale, 2), record.labels, data.classes)
        strong = replace(strong, boxes=strong.boxes * np.tile(scale, 2))
        return truth, draw_detections(image, strong, data.classes)

    return worst_images(data.records, measures["mistakes"], draw, f", {point}")
