"""Metrics: pure functions from predictions and ground truth of a whole data set to a dict of numbers.

An absent class is nan (None in a report), never 0, and stays out of the mean.
"""

from common.metrics.coco_protocol import coco
from common.metrics.confusion import confusion_matrix
from common.metrics.curves import write_report, write_segmentation_report
from common.metrics.detection import evaluate
from common.metrics.operating import operating_point
from common.metrics.segmentation import SegmentationMetrics
from common.metrics.voc_protocol import voc_ap

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
