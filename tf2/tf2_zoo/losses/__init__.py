"""Losses in TensorFlow 2; common/losses.py defines what they must equal."""

from tf2_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss}  # by the kind of a recipe's loss section
