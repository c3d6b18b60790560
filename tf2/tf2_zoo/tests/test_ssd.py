"""SSD's graphs, as in every framework."""

import pytest
import tensorflow as tf

from tf2_zoo import weights
from tf2_zoo.backbones.mobilenet_v2 import MobileNetV2
from tf2_zoo.blocks import L2Norm, per_anchor
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.tests.contract.ssd import *  # noqa: F403


@pytest.fixture
def rows():
    """(B, H, W, A * K) and K -> what `per_anchor` makes of it."""

    def of(heads, values):
        return per_anchor(tf.constant(heads), values).numpy()

    return of


@pytest.fixture
def features():
    """An output stride and float32 (B, H, W, 3) -> {stride: (B, h, w, C)} of a MobileNetV2 of pseudo-weights."""

    def of(output_stride, images):
        backbone = MobileNetV2(output_stride=output_stride)
        weights.assign(backbone, pseudo_arrays(weights.shapes(backbone)))
        return {stride: each.numpy() for stride, each in backbone(tf.constant(images)).items()}

    return of


def test_each_pixels_features_get_the_length_of_their_scale():
    norm = L2Norm(2)
    x = tf.reshape(tf.constant([[3.0, 4.0], [0.0, 0.0]]), (2, 1, 1, 2))
    norm.scale.assign([10.0, 20.0])
    # 3 / 5 * 10, 4 / 5 * 20; no features stay none
    assert norm(x).numpy().ravel().tolist() == pytest.approx([6, 16, 0, 0])
