"""RetinaNet of retinanet-keras, built here from its description: ours gives the boxes and scores that it gives."""

import numpy as np
import pytest
from keras import Input, Model, layers, ops

from keras_zoo import weights
from keras_zoo.families import make_network
from keras_zoo.tests.test_numbered_layers import CLASSES, assert_same, drawn, images_of, slow
from trizoo.families import model_spec
from trizoo.weights.importers import import_weights
from trizoo.weights.readers import Weights

BGR_MEANS = (103.939, 116.779, 123.68)


def block(x, name, width, *, first=False, stride=1):
    """A bottleneck whose first 1x1 has the stride; batch norms have Keras's eps."""

    def part(x, branch, width, kernel=1, stride=1):
        x = layers.Conv2D(width, kernel, stride, "same", use_bias=False, name=f"res{name}_branch{branch}")(x)
        return layers.BatchNormalization(name=f"bn{name}_branch{branch}")(x)

    inner = layers.Activation("relu")(part(x, "2a", width, 1, stride))
    inner = part(layers.Activation("relu")(part(inner, "2b", width, 3)), "2c", 4 * width)
    x = part(x, "1", 4 * width, 1, stride) if first else x
    return layers.Activation("relu")(layers.Add()([inner, x]))


def like(x, other):
    return layers.UpSampling2D(2)(x)[:, : other.shape[1], : other.shape[2]]


def head(kind, length, inputs, activation=None):
    x = images = Input((None, None, inputs))
    for number in range(4):
        x = layers.Conv2D(256, 3, padding="same", activation="relu", name=f"pyramid_{kind}_{number}")(x)
    x = layers.Conv2D(9 * length, 3, padding="same", name=f"pyramid_{kind}")(x)
    return Model(images, layers.Reshape((-1, length))(x), name=f"{kind}_submodel")


def retinanet(side, blank):
    """Args: blank: whether the first row and column of the first features are 0 and the pool pads nothing."""
    images = Input((side, side, 3))
    x = layers.Conv2D(64, 7, 2, use_bias=False, name="conv1")(layers.ZeroPadding2D(3)(images))
    x = layers.Activation("relu")(layers.BatchNormalization(name="bn_conv1")(x))
    if blank:
        x = layers.ZeroPadding2D(((1, 0), (1, 0)))(x[:, 1:, 1:])
    x = layers.MaxPooling2D(3, 2, "valid" if blank else "same")(x)
    levels = []
    for stage, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for number in range(count):
            stride = 2 if stage > 2 and number == 0 else 1
            x = block(x, f"{stage}{'abcdef'[number]}", width, first=number == 0, stride=stride)
        levels.append(x)
    _, c3, c4, c5 = levels
    p5 = layers.Conv2D(256, 1, name="C5_reduced")(c5)
    p4 = layers.Conv2D(256, 1, name="C4_reduced")(c4)
    p4 = layers.Add()([like(p5, p4), p4])
    p3 = layers.Conv2D(256, 1, name="C3_reduced")(c3)
    p3 = layers.Add()([like(p4, p3), p3])
    p3, p4, p5 = (
        layers.Conv2D(256, 3, padding="same", name=f"P{number}")(x) for number, x in ((3, p3), (4, p4), (5, p5))
    )
    p6 = layers.Conv2D(256, 3, 2, "same", name="P6")(c5)
    p7 = layers.Conv2D(256, 3, 2, "same", name="P7")(layers.Activation("relu")(p6))
    outputs = []
    for of in (head("regression", 4, 256), head("classification", len(CLASSES), 256)):
        outputs.append(layers.Concatenate(axis=1)([of(level) for level in (p3, p4, p5, p6, p7)]))
    return Model(images, outputs)


def file_of(network):
    """What its file holds: layers of the heads lie within these, and the pool stands in the list of layers."""
    arrays = {}
    for layer in network.layers:
        for inner in getattr(layer, "layers", [layer]):
            group = f"{layer.name}/{inner.name}" if inner is not layer else f"{layer.name}/{layer.name}"
            arrays |= {f"{group}/{variable.name}:0": ops.convert_to_numpy(variable) for variable in inner.variables}
    return Weights("keras2", arrays, {"layers": [layer.name for layer in network.layers]})


def boxes_of(deltas, side, cells):
    """Boxes of its offsets of corners from anchors that end at the borders."""
    anchors = []
    for stride, count in zip((8, 16, 32, 64, 128), cells, strict=True):
        for row in range(count):
            for column in range(count):
                for ratio in (0.5, 1, 2):
                    for scale in (1, 2 ** (1 / 3), 2 ** (2 / 3)):
                        wide, high = 4 * stride * scale / np.sqrt(ratio), 4 * stride * scale * np.sqrt(ratio)
                        x, y = (column + 0.5) * stride, (row + 0.5) * stride
                        anchors.append((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
    anchors = np.array(anchors).clip(0, side)
    return anchors + 0.2 * deltas * np.tile(anchors[:, 2:] - anchors[:, :2], 2)


@pytest.mark.parametrize(
    ("side", "cells", "shift"),
    [
        # 129 halves to 65, 33, 17, 9, 5, 3: never an even number, so "same" pads both sides
        (129, (17, 9, 5, 3, 2), 0),
        # of 160 the pool alone meets an even number, 80; then there are 40, 20, 10, 5, 3
        pytest.param(160, (20, 10, 5, 3, 2), 2, marks=slow),
    ],
)
def test_an_older_retinanet_gives_the_boxes_and_scores_that_theirs_gives(side, cells, shift):
    """Where its pool begins further on, its image is as far right and below, with nothing before the features."""
    theirs, images = drawn(retinanet(side + shift, blank=shift > 0)), images_of(side, side)
    imported = import_weights(file_of(theirs), "retinanet-resnet50")
    ours = make_network(model_spec("retinanet-resnet50", len(CLASSES), **imported.settings))
    weights.assign(ours, imported.arrays)
    shifted = np.pad(images[..., ::-1] - np.float32(BGR_MEANS), [(0, 0), (shift, 0), (shift, 0), (0, 0)])
    deltas, logits = (ops.convert_to_numpy(output) for output in theirs(shifted, training=False))
    found, scores = (ops.convert_to_numpy(output) for output in ours(images))
    assert_same(scores, logits)
    expected = boxes_of(deltas[0].astype(np.float64), side, cells) - shift
    assert_same(ours.spec.coding.decode(found[0], ours.spec.grid((side, side)).boxes), expected)
    assert imported.settings["anchor_preset"] == "retinanet-keras"
    assert dict(imported.recipe) == {"input_size": (600, 600), "resize": "stretch"}
