"""Metrics: pure functions from predictions and ground truth of a whole data set to a dict of numbers.

An absent class is nan (None in a report), never 0, and stays out of the mean.
"""

from trizoo.metrics.coco_protocol import coco
from trizoo.metrics.confusion import confusion_matrix
from trizoo.metrics.curves import write_report, write_segmentation_report
from trizoo.metrics.detection import evaluate
from trizoo.metrics.operating import operating_point
from trizoo.metrics.segmentation import SegmentationMetrics
from trizoo.metrics.voc_protocol import voc_ap

__all__ = [
    "SegmentationMetrics",
    "coco",
    "confusion_matrix",
    "evaluate",
    "operating_point",
    "voc_ap",
    "write_report",
    "write_segmentation_report",
]
