"""The networks, by the names of common/architectures.py."""

from tf2_zoo.models.yolov3 import YOLOv3, YOLOv3SPP
from tf2_zoo.models.yolov3_tiny import YOLOv3Tiny
from tf2_zoo.models.yolov4 import YOLOv4
from tf2_zoo.models.yolov4_tiny import YOLOv4Tiny

MODELS = {
    "yolov3": YOLOv3,
    "yolov3-spp": YOLOv3SPP,
    "yolov3-tiny": YOLOv3Tiny,
    "yolov4": YOLOv4,
    "yolov4-tiny": YOLOv4Tiny,
}
