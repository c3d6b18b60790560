"""ResNet and Xception-65, as in every framework."""

import pytest
from keras import ops

from keras_zoo import layout
from keras_zoo.backbones.resnet import ResNet
from keras_zoo.backbones.xception65 import Xception65
from keras_zoo.layers import finish
from trizoo.tests.contract.backbones import *  # noqa: F403


@pytest.fixture(scope="module")
def backbones():
    """The classes by name."""
    return {"ResNet": ResNet, "Xception65": Xception65}


@pytest.fixture(scope="module")
def features():
    """A backbone and float32 (B, H, W, 3) -> each of its features, (B, h, w, C)."""

    def of(backbone, images):
        finish(backbone)
        found = backbone(layout.from_images(ops.convert_to_tensor(images)))
        return [ops.convert_to_numpy(layout.to_images(each)) for each in found]

    return of
