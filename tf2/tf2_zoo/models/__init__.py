"""The networks of families that have several: by the model's name, or by the kind that it is of."""

from tf2_zoo.models.deeplab import DeepLabV3, DeepLabV3Plus
from tf2_zoo.models.pspnet import PSPNet
from tf2_zoo.models.ssd import SSD512VGG16, SSDVGG16, SSDMobileNetV2
from tf2_zoo.models.yolov3 import YOLOv3, YOLOv3SPP
from tf2_zoo.models.yolov3_tiny import YOLOv3Tiny
from tf2_zoo.models.yolov4 import YOLOv4
from tf2_zoo.models.yolov4_tiny import YOLOv4Tiny

YOLO = {
    "yolov3": YOLOv3,
    "yolov3-spp": YOLOv3SPP,
    "yolov3-tiny": YOLOv3Tiny,
    "yolov4": YOLOv4,
    "yolov4-tiny": YOLOv4Tiny,
}
SSD = {
    "ssd300-vgg16": SSDVGG16,
    "ssd512-vgg16": SSD512VGG16,
    "ssd300-mobilenetv2": SSDMobileNetV2,
}
SEGMENTATION = {
    "deeplabv3plus": DeepLabV3Plus,
    "deeplabv3": DeepLabV3,
    "pspnet": PSPNet,
}
