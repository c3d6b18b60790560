"""ResNet and Xception-65, as in every framework."""

import pytest
import torch

from torch_zoo.backbones.resnet import ResNet
from torch_zoo.backbones.xception65 import Xception65
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {"ResNet": ResNet, "Xception65": Xception65}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> each of its features, (B, h, w, C)."""

    def of(backbone, images):
        x = torch.from_numpy(images).permute(0, 3, 1, 2)
        with torch.inference_mode():
            return [each.permute(0, 2, 3, 1).numpy() for each in backbone.eval()(x)]

    return of
