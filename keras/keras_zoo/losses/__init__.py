"""Losses in Keras; common/losses.py defines what they must equal."""

from keras_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss}  # by the kind of a recipe's loss section
