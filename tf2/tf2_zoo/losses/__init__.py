"""Losses; each must equal the `reference.py` of its family in trizoo.families."""

from tf2_zoo.losses.retinanet import RetinaNetLoss
from tf2_zoo.losses.segmentation import SegmentationLoss
from tf2_zoo.losses.ssd import SSDLoss
from tf2_zoo.losses.yolo import YOLOLoss

__all__ = ["RetinaNetLoss", "SSDLoss", "SegmentationLoss", "YOLOLoss"]
