"""Losses in Keras; common/losses.py, losses_ssd.py and losses_retinanet.py define what they must equal."""

from keras_zoo.losses.retinanet import RetinaNetLoss
from keras_zoo.losses.ssd import SSDLoss
from keras_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss}  # by the kind of a recipe's loss section
