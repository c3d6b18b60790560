"""Losses; each must equal the `reference.py` of its family in trizoo.families."""

from keras_zoo.losses.retinanet import RetinaNetLoss
from keras_zoo.losses.segmentation import SegmentationLoss
from keras_zoo.losses.ssd import SSDLoss
from keras_zoo.losses.yolo import YOLOLoss

__all__ = ["RetinaNetLoss", "SSDLoss", "SegmentationLoss", "YOLOLoss"]
