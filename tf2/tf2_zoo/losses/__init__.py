"""Losses in TensorFlow 2; common/losses.py, losses_ssd.py and losses_retinanet.py define what they must equal."""

from tf2_zoo.losses.retinanet import RetinaNetLoss
from tf2_zoo.losses.ssd import SSDLoss
from tf2_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss}  # by the kind of a recipe's loss section
