"""ResNet and Xception-65, as in every framework."""

import pytest
import tensorflow as tf

from tf2_zoo.backbones.resnet import ResNet
from tf2_zoo.backbones.xception65 import Xception65
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {"ResNet": ResNet, "Xception65": Xception65}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> each of its features, (B, h, w, C)."""

    def of(backbone, images):
        return [each.numpy() for each in backbone(tf.constant(images))]

    return of
