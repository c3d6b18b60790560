"""Networks of Keras and TF2 repositories, built here from their description: ours give what they give.

keras-yolo3's and bubbliiiing's YOLOs have Keras's own names, numbered as layers are made; their SSD has names of its
own.
"""

import os

import keras
import numpy as np
import pytest
from keras import layers, ops

import trizoo
from keras_zoo import weights
from keras_zoo.families import make_network
from trizoo.families import model_spec
from trizoo.weights.convert import convert
from trizoo.weights.importers import import_weights
from trizoo.weights.readers import Weights

slow = pytest.mark.skipif("TRIZOO_SLOW" not in os.environ, reason="takes seconds: tox -e keras-slow runs it")
CLASSES = ["cat", "dog"]
OUTPUTS = 3 * (5 + len(CLASSES))


def conv(x, width, kernel, stride=1, activation=None):
    """Convolution, batch norm with Keras's eps, and leaky; with a stride it is padded on the left and above."""
    if stride == 2:
        x = layers.ZeroPadding2D(((1, 0), (1, 0)))(x)
    padding = "valid" if stride == 2 else "same"
    x = layers.Conv2D(width, kernel, strides=stride, padding=padding, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return activation(x) if activation else layers.LeakyReLU(negative_slope=0.1)(x)


def mish(x):
    return layers.Activation("mish")(x)


def five(x, width):
    for number in range(5):
        x = conv(x, width * (1 + number % 2), 1 + 2 * (number % 2))
    return x


def predicted(x, hidden):
    x = conv(x, hidden, 3)
    return layers.Conv2D(OUTPUTS, 1)(x)


def up(x, width):
    return layers.UpSampling2D(2)(conv(x, width, 1))


def joined(*parts):
    return layers.Concatenate()(list(parts))


def yolov3():
    x = images = keras.Input((64, 96, 3))
    x, features = conv(x, 32, 3), []
    for number, count in enumerate((1, 2, 8, 8, 4)):
        width = 64 * 2**number
        x = conv(x, width, 3, 2)
        for _ in range(count):
            x = layers.Add()([x, conv(conv(x, width // 2, 1), width, 3)])
        features.append(x)
    _, _, c3, c4, x = features
    x = five(x, 512)
    p5 = predicted(x, 1024)
    x = five(joined(up(x, 256), c4), 256)
    p4 = predicted(x, 512)
    x = five(joined(up(x, 128), c3), 128)
    return keras.Model(images, [p5, p4, predicted(x, 256)])


def yolov4():
    x = images = keras.Input((64, 96, 3))
    x, features = conv(x, 32, 3, activation=mish), []
    for number, count in enumerate((1, 2, 8, 8, 4)):
        width = 64 * 2**number
        half = width // 2 if number else width
        x = conv(x, width, 3, 2, mish)
        short = conv(x, half, 1, activation=mish)
        x = conv(x, half, 1, activation=mish)
        for _ in range(count):
            hidden = conv(x, width // 2, 1, activation=mish)
            x = layers.Add()([x, conv(hidden, half, 3, activation=mish)])
        x = conv(joined(conv(x, half, 1, activation=mish), short), width, 1, activation=mish)
        features.append(x)
    _, _, c3, c4, x = features
    x = conv(conv(conv(x, 512, 1), 1024, 3), 512, 1)
    x = joined(*(layers.MaxPooling2D(side, 1, "same")(x) for side in (13, 9, 5)), x)
    p5 = conv(conv(conv(x, 512, 1), 1024, 3), 512, 1)
    above = up(p5, 256)
    p4 = five(joined(conv(c4, 256, 1), above), 256)
    above = up(p4, 128)
    p3 = five(joined(conv(c3, 128, 1), above), 128)
    third = predicted(p3, 256)
    p4 = five(joined(conv(p3, 256, 3, 2), p4), 256)
    second = predicted(p4, 512)
    p5 = five(joined(conv(p4, 512, 3, 2), p5), 512)
    return keras.Model(images, [predicted(p5, 1024), second, third])


def yolov4_tiny():
    x = images = keras.Input((64, 96, 3))
    x = conv(conv(x, 32, 3, 2), 64, 3, 2)
    for width in (64, 128, 256):
        whole = conv(x, width, 3)
        first = conv(whole[..., width // 2 :], width // 2, 3)
        c4 = conv(joined(conv(first, width // 2, 3), first), width, 1)
        x = layers.MaxPooling2D(2)(joined(whole, c4))
    x = conv(conv(x, 512, 3), 256, 1)
    p5 = predicted(x, 512)
    return keras.Model(images, [p5, predicted(joined(up(x, 128), c4), 256)])


def yolov3_tiny():
    """keras-yolo3's."""
    x = images = keras.Input((64, 96, 3))
    for width in (16, 32, 64, 128, 256):
        c4 = conv(x, width, 3)
        x = layers.MaxPooling2D(2)(c4)
    x = layers.MaxPooling2D(2, 1, "same")(conv(x, 512, 3))
    x = conv(conv(x, 1024, 3), 256, 1)
    p5 = predicted(x, 512)
    return keras.Model(images, [p5, predicted(joined(up(x, 128), c4), 256)])


@keras.saving.register_keras_serializable("test")
class Normalize(layers.Layer):
    def build(self, shape):
        self.gamma = self.add_weight(shape=(shape[-1],), initializer=keras.initializers.Constant(20.0), name="gamma")

    def call(self, x):
        return self.gamma * x / ops.sqrt(ops.sum(x * x, -1, keepdims=True))


def ssd300():
    """ssd-keras's, of two classes and a background; deltas and logits."""

    def named(x, name, width, kernel=3, **options):
        return layers.Conv2D(width, kernel, name=name, activation="relu", **{"padding": "same", **options})(x)

    x = images = keras.Input((300, 300, 3))
    levels = {}
    for stage, widths in enumerate(((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3), 1):
        for number, width in enumerate(widths, 1):
            x = named(x, f"conv{stage}_{number}", width)
        if stage == 4:
            levels["conv4_3_norm"] = Normalize(name="conv4_3_norm")(x), 4
        x = layers.MaxPooling2D(2, 2, "same")(x) if stage < 5 else layers.MaxPooling2D(3, 1, "same")(x)
    x = named(named(x, "fc6", 1024, dilation_rate=6), "fc7", 1024, 1)
    levels["fc7"] = x, 6
    for stage, hidden, width, stride, anchors in ((6, 256, 512, 2, 6), (7, 128, 256, 2, 6), (8, 128, 256, 1, 4)):
        x = named(x, f"conv{stage}_1", hidden, 1)
        x = layers.ZeroPadding2D(1)(x) if stride == 2 else x
        x = named(x, f"conv{stage}_2", width, strides=stride, padding="valid")
        levels[f"conv{stage}_2"] = x, anchors
    x = named(named(x, "conv9_1", 128, 1), "conv9_2", 256, padding="valid")
    levels["conv9_2"] = x, 4
    deltas, logits = [], []
    for name, (level, anchors) in levels.items():
        deltas.append(layers.Conv2D(anchors * 4, 3, padding="same", name=f"{name}_mbox_loc")(level))
        logits.append(layers.Conv2D(anchors * 3, 3, padding="same", name=f"{name}_mbox_conf")(level))
    flat = (
        [layers.Reshape((-1, length))(x) for x in parts] for length, parts in ((4, deltas), (1 + len(CLASSES), logits))
    )
    return keras.Model(images, [layers.Concatenate(axis=1)(parts) for parts in flat])


def drawn(network):
    """A network whose biases and statistics are drawn too, variances down to where eps matters."""
    rng = np.random.default_rng(7)
    ranges = {"bias": (-0.2, 0.2), "beta": (-0.2, 0.2), "moving_mean": (-0.2, 0.2), "gamma": (0.8, 1.6)}
    ranges["moving_variance"] = (5e-3, 1.5)
    for variable in network.variables:
        if variable.name in ranges:
            low, high = ranges[variable.name]
            scale = 20 if "conv4_3_norm" in variable.path else 1
            variable.assign(scale * rng.uniform(low, high, variable.shape))
    return network


def file_of(network):
    """What a file of a network holds, as `trizoo.weights.readers` reads it: layers as the model lists them."""
    names = [(layer.name, variable) for layer in network.layers for variable in layer.variables]
    arrays = {f"{layer}/{layer}/{variable.name}:0": ops.convert_to_numpy(variable) for layer, variable in names}
    return Weights("keras2", arrays, {})


def ours_of(weights_file, model):
    """The zoo's model with a file's numbers, and what the import says."""
    imported = import_weights(weights_file, model)
    ours = make_network(model_spec(model, len(CLASSES), **imported.settings))
    weights.assign(ours, imported.arrays)
    return ours, imported


def images_of(width, height):
    return np.random.default_rng(5).integers(0, 256, (1, height, width, 3), np.uint8)


def assert_same(found, expected):
    found, expected = ops.convert_to_numpy(found), ops.convert_to_numpy(expected)
    assert np.abs(found.reshape(expected.shape) - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("build", "model", "settings"),
    [
        pytest.param(yolov3, "yolov3", {}, marks=slow),
        pytest.param(yolov4, "yolov4", {"scale_xy": 1.0}, marks=slow),
        (yolov4_tiny, "yolov4-tiny", {"scale_xy": 1.0}),
        # the masks 3, 4, 5 and 1, 2, 3 of 10x14, 23x27, 37x58, 81x82, 135x169, 344x319
        (yolov3_tiny, "yolov3-tiny", {"anchors": ((23, 27), (37, 58), (81, 82), (81, 82), (135, 169), (344, 319))}),
    ],
    ids=["yolov3", "yolov4", "yolov4-tiny", "yolov3-tiny"],
)
def test_a_yolo_of_numbered_layers_gives_what_theirs_gives(build, model, settings):
    theirs, images = drawn(build()), images_of(96, 64)
    ours, imported = ours_of(file_of(theirs), model)
    for found, expected in zip(ours(images), theirs(images / np.float32(255), training=False), strict=True):
        assert_same(found, expected)
    assert imported.settings == {"mean": (0, 0, 0), "std": (255, 255, 255), **settings}
    assert "anchors aren't in the file" in imported.notes[0]


@slow
def test_ssd300_gives_what_theirs_gives():
    theirs, images = drawn(ssd300()), images_of(300, 300)
    ours, imported = ours_of(file_of(theirs), "ssd300-vgg16")
    bgr = images[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)  # Keras Applications' of Caffe
    for found, expected in zip(ours(images), theirs(bgr, training=False), strict=True):
        assert_same(found, expected)
    assert imported.settings["anchor_preset"] == "ssd300-bubbliiiing"


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_a_file_of_a_whole_model_becomes_a_checkpoint(tmp_path):
    theirs, images = drawn(yolov4_tiny()), images_of(96, 64)
    theirs.save(tmp_path / "ep100.h5")
    convert(tmp_path / "ep100.h5", tmp_path / "ours.h5", classes=CLASSES)
    predictor = trizoo.load(tmp_path / "ours.h5", "keras", precision="fp32")
    for found, expected in zip(predictor.model(images), theirs(images / np.float32(255), training=False), strict=True):
        assert_same(found, expected)
    assert (predictor.spec.name, predictor.classes) == ("yolov4-tiny", tuple(CLASSES))
