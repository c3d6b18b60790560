"""Keras Applications' own networks, with numbers drawn here: what they give, ours give from their files."""

import keras
import numpy as np
import pytest
from keras import ops
from keras.applications import mobilenet_v2, resnet, vgg16

from keras_zoo import layout, weights
from keras_zoo.backbones.mobilenet_v2 import MobileNetV2
from keras_zoo.backbones.resnet import ResNet
from keras_zoo.backbones.vgg16 import VGG16
from keras_zoo.blocks import Normalize
from keras_zoo.families import FAMILIES
from trizoo.families import model_spec
from trizoo.weights.importers import import_weights
from trizoo.weights.readers import read

PREFIX = "backbone."


def drawn(network):
    """A network whose biases and statistics are drawn too, variances down to where eps matters."""
    rng = np.random.default_rng(7)
    ranges = {"bias": (-0.5, 0.5), "beta": (-0.5, 0.5), "moving_mean": (-0.5, 0.5), "gamma": (0.5, 1.5)}
    ranges["moving_variance"] = (5e-4, 2)
    for variable in network.variables:
        if variable.name in ranges:
            variable.assign(rng.uniform(*ranges[variable.name], variable.shape))
    return network


@pytest.mark.parametrize(
    ("theirs", "side", "layer", "ours", "model", "pick", "suffix"),
    [
        (resnet, 64, "conv3_block4_out", lambda: ResNet(50, stride_on_1x1=True), "retinanet-resnet50", 8, ".h5"),
        (vgg16, 32, "block4_conv3", VGG16, "ssd300-vgg16", 8, ".h5"),
        # an odd size: with an even one Keras pads convolutions of stride 2 on two sides alone
        (mobilenet_v2, 65, "out_relu", lambda: MobileNetV2(last=True), "ssd300-mobilenetv2", 32, ".weights.h5"),
    ],
)
def test_our_features_are_those_of_keras_applications(theirs, side, layer, ours, model, pick, suffix, tmp_path):
    build = {resnet: "ResNet50", vgg16: "VGG16", mobilenet_v2: "MobileNetV2"}[theirs]
    network = drawn(getattr(theirs, build)(weights=None, include_top=False, input_shape=(side, side, 3)))
    (network.save if suffix == ".h5" else network.save_weights)(tmp_path / f"theirs{suffix}")
    images = np.random.default_rng(8).integers(0, 256, (2, side, side, 3), np.uint8)
    part = keras.Model(network.input, network.get_layer(layer).output)
    expected = ops.convert_to_numpy(part(theirs.preprocess_input(images.astype(np.float32)), training=False))

    imported = import_weights(read(tmp_path / f"theirs{suffix}"), model)
    backbone = ours()
    given = {name.removeprefix(PREFIX): array for name, array in imported.arrays.items()}
    weights.assign(backbone, given)
    normalize = Normalize(imported.settings["mean"], imported.settings["std"])
    found = ops.convert_to_numpy(layout.to_images(backbone(normalize(ops.convert_to_tensor(images)))[pick]))
    assert imported.unexpected == ()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("theirs", "build", "side", "model"),
    [
        (resnet, "ResNet50", 64, "classify-resnet50"),
        (mobilenet_v2, "MobileNetV2", 65, "classify-mobilenetv2"),  # an odd size, as above
    ],
)
def test_our_classifiers_give_the_probabilities_of_keras_applications(theirs, build, side, model, tmp_path):
    network = drawn(getattr(theirs, build)(weights=None, input_shape=(side, side, 3), classes=7))
    network.save(tmp_path / "theirs.h5")
    images = np.random.default_rng(8).integers(0, 256, (2, side, side, 3), np.uint8)
    expected = network(theirs.preprocess_input(images.astype(np.float32)), training=False)

    imported = import_weights(read(tmp_path / "theirs.h5"), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    ours = FAMILIES["classification"].network(model_spec(model, 7, **imported.settings))
    weights.assign(ours, imported.arrays)
    (logits,) = ours(ops.convert_to_tensor(images))
    assert np.abs(ops.convert_to_numpy(ops.softmax(logits) - expected)).max() < 1e-4
