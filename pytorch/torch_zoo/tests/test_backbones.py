"""ResNet and Xception-65, as in every framework."""

import pytest
import torch

from torch_zoo.backbones.csp_darknet53 import CSPDarknet53
from torch_zoo.backbones.darknet53 import Darknet53
from torch_zoo.backbones.mobilenet_v2 import MobileNetV2
from torch_zoo.backbones.resnet import ResNet
from torch_zoo.backbones.vgg16 import VGG16
from torch_zoo.backbones.xception65 import Xception65
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {kind.__name__: kind for kind in (ResNet, Xception65, MobileNetV2, Darknet53, CSPDarknet53, VGG16)}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> {stride: features, (B, h, w, C)}."""

    def of(backbone, images):
        x = torch.from_numpy(images).permute(0, 3, 1, 2)
        with torch.inference_mode():
            return {stride: each.permute(0, 2, 3, 1).numpy() for stride, each in backbone.eval()(x).items()}

    return of
