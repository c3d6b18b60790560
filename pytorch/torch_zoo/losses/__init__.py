"""Losses in PyTorch; common/losses.py, losses_ssd.py and losses_retinanet.py define what they must equal."""

from torch_zoo.losses.retinanet import RetinaNetLoss
from torch_zoo.losses.ssd import SSDLoss
from torch_zoo.losses.yolo import YOLOLoss

LOSSES = {"yolo": YOLOLoss, "ssd": SSDLoss, "retinanet": RetinaNetLoss}  # by the kind of a recipe's loss section
