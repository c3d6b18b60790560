"""Losses; each must equal the `reference.py` of its family in trizoo.families."""

from torch_zoo.losses.retinanet import RetinaNetLoss
from torch_zoo.losses.segmentation import SegmentationLoss
from torch_zoo.losses.ssd import SSDLoss
from torch_zoo.losses.yolo import YOLOLoss

__all__ = ["RetinaNetLoss", "SSDLoss", "SegmentationLoss", "YOLOLoss"]
