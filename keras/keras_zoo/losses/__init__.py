"""Losses in Keras; common/trizoo/losses.py and its neighbours losses_*.py define what they must equal."""

from keras_zoo.losses.retinanet import RetinaNetLoss
from keras_zoo.losses.segmentation import SegmentationLoss
from keras_zoo.losses.ssd import SSDLoss
from keras_zoo.losses.yolo import YOLOLoss

# by the kind of a recipe's loss section
LOSSES = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss, "segmentation": SegmentationLoss}
