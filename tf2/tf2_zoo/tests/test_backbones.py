"""ResNet and Xception-65, as in every framework."""

import pytest
import tensorflow as tf

from tf2_zoo.backbones.csp_darknet53 import CSPDarknet53
from tf2_zoo.backbones.darknet53 import Darknet53
from tf2_zoo.backbones.mobilenet_v2 import MobileNetV2
from tf2_zoo.backbones.resnet import ResNet
from tf2_zoo.backbones.vgg16 import VGG16
from tf2_zoo.backbones.xception65 import Xception65
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {kind.__name__: kind for kind in (ResNet, Xception65, MobileNetV2, Darknet53, CSPDarknet53, VGG16)}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> {stride: features, (B, h, w, C)}."""

    def of(backbone, images):
        return {stride: each.numpy() for stride, each in backbone(tf.constant(images)).items()}

    return of
