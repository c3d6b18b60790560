"""Losses in PyTorch; common/losses.py defines what they must equal."""

from torch_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss}  # by the kind of a recipe's loss section
