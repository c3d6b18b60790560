"""The sections of a page of a segmentation model's results."""

import cv2
import numpy as np

from trizoo.metrics import plots
from trizoo.pictures.draw_masks import draw_mask
from trizoo.pictures.palette import mask_colours
from trizoo.show.embedded import plot, side_by_side, small
from trizoo.show.page import Section, Table

CAPTIONS = {
    "confusion": "Which class's pixels are taken for which",
    "iou": "Intersection over union of each class",
    "precision_recall": "F1, precision and recall of each class's pixels",
    "boundary_iou": "Intersection over union of each class's boundaries",
}
MEANS = ("mIoU", "mean_pixel_accuracy", "pixel_accuracy", "frequency_weighted_IoU", "boundary_mIoU")


def sections(data, metrics, found, facts):
    """A list of Sections.

    Args:
        data: a `trizoo.tasks.segmentation.MaskEvaluationSet`
        metrics, found: what its `measure` gave
        facts: lines about the model and the data
    """
    means = [(name.replace("_", " "), metrics[name]) for name in MEANS if name in metrics]
    figures = plots.draw_segmentation(found.measures)
    return [
        Section("", more=tuple(facts), tables=[Table(("metric", "value"), means)]),
        _classes(metrics),
        Section("Plots", figures=[plot(figure, CAPTIONS[name]) for name, figure in figures.items()], layout="plots"),
        _worst(data, found),
    ]


def _classes(metrics):
    """A row for each class."""
    per_class = metrics["per_class"]
    columns = [name for name in next(iter(per_class.values())) if not name.endswith("_pixels")]
    rows = [
        (name, *(values[column] for column in columns), values["truth_pixels"], values["predicted_pixels"])
        for name, values in per_class.items()
    ]
    head = ("class", *(name.replace("_", " ") for name in columns), "pixels", "predicted")
    swatches = (None, *map(tuple, mask_colours(len(rows)).tolist()[1:]))
    return Section("Classes", tables=[Table(head, rows, swatches)])


def _worst(data, found):
    """The images whose prediction is least like the truth."""
    figures = []
    for iou, number, mask in found.worst:
        record = data.records[number]
        image, _ = small(record)
        pictures = []
        for classes in (data.source.mask(data.places[number]), mask):
            size = image.shape[1::-1]
            pictures.append(draw_mask(image, _resized(classes, size), len(data.classes)))
        figures.append(side_by_side(*pictures, (record.id, f"mean IoU {iou:.3f}")))
    more = (
        "truth at the left, striped where it is ignored, prediction at the right",
        "mean IoU over the classes there",
    )
    return Section("Worst images", more=more, figures=figures, layout="plots")


def _resized(mask, size):
    """Class ids in another size (width, height): uint8 (H, W) -> uint8 (h, w)."""
    return np.ascontiguousarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST))
