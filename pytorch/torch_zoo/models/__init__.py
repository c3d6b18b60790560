"""The networks, by the names of trizoo.families."""

from torch_zoo.models.deeplab import DeepLabV3, DeepLabV3Plus
from torch_zoo.models.pspnet import PSPNet
from torch_zoo.models.retinanet import RetinaNet
from torch_zoo.models.ssd import SSD512VGG16, SSDVGG16, SSDMobileNetV2
from torch_zoo.models.yolov3 import YOLOv3, YOLOv3SPP
from torch_zoo.models.yolov3_tiny import YOLOv3Tiny
from torch_zoo.models.yolov4 import YOLOv4
from torch_zoo.models.yolov4_tiny import YOLOv4Tiny
from torch_zoo.network import Network

MODELS: dict[str, type[Network]] = {
    "yolov3": YOLOv3,
    "yolov3-spp": YOLOv3SPP,
    "yolov3-tiny": YOLOv3Tiny,
    "yolov4": YOLOv4,
    "yolov4-tiny": YOLOv4Tiny,
    "ssd300-vgg16": SSDVGG16,
    "ssd512-vgg16": SSD512VGG16,
    "ssd300-mobilenetv2": SSDMobileNetV2,
    "retinanet-resnet18": RetinaNet,
    "retinanet-resnet34": RetinaNet,
    "retinanet-resnet50": RetinaNet,
    "retinanet-resnet50-v2": RetinaNet,
    "retinanet-resnet101": RetinaNet,
    "retinanet-resnet152": RetinaNet,
    "deeplabv3plus-mobilenetv2": DeepLabV3Plus,
    "deeplabv3plus-xception65": DeepLabV3Plus,
    "deeplabv3plus-resnet50": DeepLabV3Plus,
    "deeplabv3plus-resnet101": DeepLabV3Plus,
    "deeplabv3-resnet50": DeepLabV3,
    "deeplabv3-resnet101": DeepLabV3,
    "deeplabv3-mobilenetv2": DeepLabV3,
    "pspnet-mobilenetv2": PSPNet,
    "pspnet-resnet50": PSPNet,
}
