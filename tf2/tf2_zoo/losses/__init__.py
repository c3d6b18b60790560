"""Losses in TensorFlow 2; common/trizoo/losses.py and its neighbours losses_*.py define what they must equal."""

from tf2_zoo.losses.retinanet import RetinaNetLoss
from tf2_zoo.losses.segmentation import SegmentationLoss
from tf2_zoo.losses.ssd import SSDLoss
from tf2_zoo.losses.yolo import YOLOLoss

# by the kind of a recipe's loss section
LOSSES = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss, "segmentation": SegmentationLoss}
