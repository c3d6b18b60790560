"""The networks, by the names of common/architectures.py."""

from keras_zoo.models.yolov3 import YOLOv3
from keras_zoo.models.yolov3_tiny import YOLOv3Tiny

MODELS = {
    "yolov3": YOLOv3,
    "yolov3-tiny": YOLOv3Tiny,
}
