"""What a page shows of the data and the results of each task: a line a task."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from trizoo.data import statistics
from trizoo.show import (
    counts,
    evaluated_boxes,
    evaluated_classes,
    evaluated_embeddings,
    evaluated_keypoints,
    evaluated_labels,
    evaluated_masks,
    plots,
)


@dataclass(frozen=True)
class Kind:
    """How a task's data and results are shown.

    Args:
        model: whose recipe a page of data goes by where nothing names one
        count: opened split -> statistics
        words: (opened split, statistics) -> what the images are annotated with, in words
        classes: (opened split, statistics) -> Section of the classes
        figures: (statistics, class names) -> {file stem: matplotlib's Figure}
        legend: whether pictures need one, since nothing in them names the classes
        results: (EvaluationSet, metrics, what was found, lines of facts) -> Sections of an evaluation
    """

    model: str
    count: Callable[[Any], Any]
    words: Callable[[Any, Any], str]
    classes: Callable[[Any, Any], Any]
    figures: Callable[[Any, Any], dict[str, Any]]
    legend: bool
    results: Callable[[Any, Any, Any, Any], list]


KINDS = {
    "detection": Kind(
        "yolov3-tiny",
        lambda source: statistics.of_boxes(source.records, len(source.classes)),
        counts.words_on_boxes,
        counts.classes_of_boxes,
        plots.draw_boxes,
        False,
        evaluated_boxes.sections,
    ),
    "segmentation": Kind(
        "deeplabv3plus-mobilenetv2",
        statistics.of_masks,
        counts.words_on_masks,
        counts.classes_of_masks,
        plots.draw_masks,
        True,
        evaluated_masks.sections,
    ),
    "keypoints": Kind(
        "keypoints-stride32",
        lambda source: statistics.of_boxes(source.records, len(source.classes)),
        partial(counts.words_on_boxes, called="mark"),
        partial(counts.classes_of_boxes, called="marks"),
        plots.draw_points,
        False,
        evaluated_keypoints.sections,
    ),
    "classification": Kind(
        "classify-resnet18",
        statistics.of_classes,
        counts.words_on_images,
        counts.classes_of_images,
        plots.draw_images,
        False,
        evaluated_classes.sections,
    ),
    "embedding": Kind(
        "embed-resnet18",
        statistics.of_classes,
        counts.words_on_images,
        counts.classes_of_images,
        plots.draw_images,
        False,
        evaluated_embeddings.sections,
    ),
    "multilabel": Kind(
        "multilabel-resnet18",
        statistics.of_classes,
        counts.words_on_labels,
        counts.classes_of_images,
        plots.draw_images,
        False,
        evaluated_labels.sections,
    ),
}
