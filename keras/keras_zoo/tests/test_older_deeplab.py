"""DeepLabv3+ of deeplabv3-plus-keras and -tf2, built here from its description: ours gives what it gives.

At sides of k * 16 + 1; at others their convolutions of stride 2 pad otherwise, which a note says.
"""

import numpy as np
import pytest
from keras import Input, Model, layers, ops

from keras_zoo.tests.test_numbered_layers import CLASSES, assert_same, drawn, file_of, images_of, ours_of, slow

SIDE = 97
EPS = 1e-3  # Keras's own, in the backbone
OURS = 1e-5  # behind it
# MobileNetV2: blocks of (expansion, width, stride, dilation) at the output stride 16
MOBILE = (
    *((1, 16, 1, 1), (6, 24, 2, 1), (6, 24, 1, 1), (6, 32, 2, 1), (6, 32, 1, 1), (6, 32, 1, 1)),
    *((6, 64, 2, 1), (6, 64, 1, 1), (6, 64, 1, 1), (6, 64, 1, 1), (6, 96, 1, 1), (6, 96, 1, 1), (6, 96, 1, 1)),
    *((6, 160, 1, 1), (6, 160, 1, 2), (6, 160, 1, 2), (6, 320, 1, 2)),
)


def norm(x, name, eps, activation=None):
    x = layers.BatchNormalization(epsilon=eps, name=f"{name}_BN")(x)
    return layers.Activation(activation)(x) if activation else x


def full(x, name, width, eps, activation=None, kernel=1, stride=1):
    x = layers.Conv2D(width, kernel, stride, "same", use_bias=False, name=name)(x)
    return norm(x, name, eps, activation)


def depthwise(x, name, eps, activation=None, stride=1, rate=1):
    x = layers.DepthwiseConv2D(3, stride, "same", dilation_rate=rate, use_bias=False, name=name)(x)
    return norm(x, name, eps, activation)


def separable(x, name, width, eps, *, after, rate=1, stride=1):
    """Two convolutions, with relu after each, or before both."""
    x = x if after else layers.Activation("relu")(x)
    if stride == 2:
        x = layers.ZeroPadding2D(1)(x)
        x = layers.DepthwiseConv2D(3, 2, use_bias=False, name=f"{name}_depthwise")(x)
        x = norm(x, f"{name}_depthwise", eps, "relu" if after else None)
    else:
        x = depthwise(x, f"{name}_depthwise", eps, "relu" if after else None, rate=rate)
    return full(x, f"{name}_pointwise", width, eps, "relu" if after else None)


def mobilenetv2(x):
    x, low = full(x, "Conv", 32, EPS, "relu6", 3, 2), None
    for number, (expansion, width, stride, rate) in enumerate(MOBILE):
        name = f"expanded_conv_{number}" if number else "expanded_conv"
        inner = full(x, f"{name}_expand", expansion * x.shape[-1], EPS, "relu6") if number else x
        inner = depthwise(inner, f"{name}_depthwise", EPS, "relu6", stride, rate)
        inner = full(inner, f"{name}_project", width, EPS)
        x = layers.Add()([x, inner]) if stride == 1 and x.shape[-1] == width else inner
        low = x if number == 2 else low
    return low, x


def xception(x):
    def block(x, name, widths, *, shortcut="conv", stride=1, rate=1, after=False):
        inner, second = x, None
        for number, width in enumerate(widths, 1):
            step = stride if number == 3 else 1
            inner = separable(inner, f"{name}_separable_conv{number}", width, EPS, after=after, rate=rate, stride=step)
            second = inner if number == 2 else second
        if shortcut == "conv":
            x = full(x, f"{name}_shortcut", widths[-1], EPS, stride=stride)
        return inner if shortcut is None else layers.Add()([inner, x]), second

    x = full(x, "entry_flow_conv1_1", 32, EPS, "relu", 3, 2)
    x = full(x, "entry_flow_conv1_2", 64, EPS, "relu", 3)
    x, _ = block(x, "entry_flow_block1", (128,) * 3, stride=2)
    x, low = block(x, "entry_flow_block2", (256,) * 3, stride=2)
    x, _ = block(x, "entry_flow_block3", (728,) * 3, stride=2)
    for number in range(1, 17):
        x, _ = block(x, f"middle_flow_unit_{number}", (728,) * 3, shortcut="sum")
    x, _ = block(x, "exit_flow_block1", (728, 1024, 1024))
    x, _ = block(x, "exit_flow_block2", (1536, 1536, 2048), shortcut=None, rate=2, after=True)
    return low, x


def resized(x, size):
    """Bilinear, corners on corners: a place among so many is the same share of the way in both."""

    def shares(before, after):
        places = np.linspace(0, before - 1, after)
        return np.maximum(1 - np.abs(places[:, None] - np.arange(before)), 0).astype(np.float32)  # (after, before)

    rows, columns = (shares(before, after) for before, after in zip(x.shape[1:3], size, strict=True))
    return ops.einsum("rh,bhwc,sw->brsc", rows, x, columns)


def deeplab(backbone):
    images = Input((SIDE, SIDE, 3))
    low, x = backbone(images)
    pooled = full(layers.GlobalAveragePooling2D(keepdims=True)(x), "image_pooling", 256, OURS, "relu")
    size = x.shape[1:3]
    parts = [layers.UpSampling2D(size)(pooled), full(x, "aspp0", 256, OURS, "relu")]
    for number, rate in enumerate((6, 12, 18), 1):
        parts.append(separable(x, f"aspp{number}", 256, OURS, after=True, rate=rate))
    x = full(layers.Concatenate()(parts), "concat_projection", 256, OURS, "relu")
    x = resized(x, low.shape[1:3])
    x = layers.Concatenate()([x, full(low, "feature_projection0", 48, OURS, "relu")])
    for number in range(2):
        x = separable(x, f"decoder_conv{number}", 256, OURS, after=True)
    return Model(images, resized(layers.Conv2D(len(CLASSES), 1)(x), (SIDE, SIDE)))


@pytest.mark.parametrize(
    ("backbone", "model"),
    [
        (mobilenetv2, "deeplabv3plus-mobilenetv2"),
        pytest.param(xception, "deeplabv3plus-xception65", marks=slow),
    ],
    ids=["mobilenetv2", "xception"],
)
def test_an_older_deeplab_gives_what_theirs_gives(backbone, model):
    theirs, images = drawn(deeplab(backbone)), images_of(SIDE, SIDE)
    ours, imported = ours_of(file_of(theirs), model)
    expected = theirs(images / np.float32(127.5) - 1, training=False)
    assert_same(ours(images)[0], expected)
    assert imported.settings == {"mean": (127.5,) * 3, "std": (127.5,) * 3, "align_corners": True}
    assert "half a pixel off" in imported.notes[-1]
