"""SSD's graphs, as in every framework."""

import pytest
from keras import ops

from keras_zoo import layout, weights
from keras_zoo.backbones.mobilenet_v2 import MobileNetV2
from keras_zoo.blocks import L2Norm, per_anchor
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.tests.contract.ssd import *  # noqa: F403


@pytest.fixture
def rows():
    """(B, H, W, A * K) and K -> what `per_anchor` makes of it."""

    def of(heads, values):
        return ops.convert_to_numpy(per_anchor(layout.from_images(ops.convert_to_tensor(heads)), values))

    return of


@pytest.fixture
def features():
    """An output stride and float32 (B, H, W, 3) -> {stride: (B, h, w, C)} of a MobileNetV2 of pseudo-weights."""

    def of(output_stride, images):
        backbone = MobileNetV2(output_stride=output_stride)
        weights.assign(backbone, pseudo_arrays(weights.shapes(backbone)))
        found = backbone(layout.from_images(ops.convert_to_tensor(images)))
        return {stride: ops.convert_to_numpy(layout.to_images(each)) for stride, each in found.items()}

    return of


def test_each_pixels_features_get_the_length_of_their_scale():
    norm = L2Norm(2)
    x = ops.reshape(ops.convert_to_tensor([[3.0, 4.0], [0.0, 0.0]]), (2, 1, 1, 2))
    norm.scale.assign([10.0, 20.0])
    found = layout.to_images(norm(layout.from_images(x)))
    # 3 / 5 * 10, 4 / 5 * 20; no features stay none
    assert ops.convert_to_numpy(found).ravel().tolist() == pytest.approx([6, 16, 0, 0])
