"""ResNet and Xception-65, as in every framework."""

import pytest
from keras import ops

from keras_zoo import layout
from keras_zoo.backbones.csp_darknet53 import CSPDarknet53
from keras_zoo.backbones.darknet53 import Darknet53
from keras_zoo.backbones.mobilenet_v2 import MobileNetV2
from keras_zoo.backbones.resnet import ResNet
from keras_zoo.backbones.vgg16 import VGG16
from keras_zoo.backbones.xception65 import Xception65
from keras_zoo.layers import finish
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {kind.__name__: kind for kind in (ResNet, Xception65, MobileNetV2, Darknet53, CSPDarknet53, VGG16)}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> {stride: features, (B, h, w, C)}."""

    def of(backbone, images):
        finish(backbone)
        found = backbone(layout.from_images(ops.convert_to_tensor(images)))
        return {stride: ops.convert_to_numpy(layout.to_images(each)) for stride, each in found.items()}

    return of
