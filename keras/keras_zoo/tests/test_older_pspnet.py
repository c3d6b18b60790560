"""PSPNet of pspnet-keras and -tf2, built here from its description: ours gives what it gives.

On MobileNetV2 at sides of k * 16 + 1 alone; at others their convolutions of stride 2 pad otherwise, which a note says.
"""

import keras
import pytest
from keras import Input, Model, layers

from keras_zoo import weights
from keras_zoo.families import make_network
from keras_zoo.tests.test_numbered_layers import CLASSES, assert_same, drawn, file_of, images_of, slow
from keras_zoo.tests.test_older_deeplab import mobilenetv2, resized
from trizoo.families import model_spec
from trizoo.weights.importers import import_weights

SIDE = 81  # 6 x 6 cells at stride 16, 11 x 11 at 8


def bottleneck(x, name, width, *, first=False, stride=1, rate=1):
    def part(x, branch, width, kernel=1, stride=1, rate=1):
        options = {"padding": "same", "dilation_rate": rate, "use_bias": False}
        x = layers.Conv2D(width, kernel, stride, name=f"res{name}_branch{branch}", **options)(x)
        return layers.BatchNormalization(name=f"bn{name}_branch{branch}")(x)

    inner = layers.Activation("relu")(part(x, "2a", width, 1, stride))
    inner = part(layers.Activation("relu")(part(inner, "2b", width, 3, 1, rate)), "2c", 4 * width)
    x = part(x, "1", 4 * width, 1, stride) if first else x
    return layers.Activation("relu")(layers.Add()([inner, x]))


def resnet50(x):
    """At an output stride of 16: the last stage's first block isn't dilated, the others are."""
    for number, width in ((1, 64), (2, 64), (3, 128)):
        x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(width, 3, 2 if number == 1 else 1, use_bias=False, name=f"conv{number}")(x)
        x = layers.Activation("relu")(layers.BatchNormalization(name=f"bn_conv{number}")(x))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    stages = []
    for stage, (width, count, stride) in enumerate(((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 1)), 2):
        for number in range(count):
            options = {"stride": stride, "first": True} if number == 0 else {"rate": 2 if stage == 5 else 1}
            x = bottleneck(x, f"{stage}{'abcdef'[number]}", width, **options)
        stages.append(x)
    return stages[2], x


def pspnet(backbone, channels, named):
    """Args: named: whether the auxiliary branch's layers have names of their own; None: there is none."""
    keras.backend.clear_session()
    images = Input((SIDE, SIDE, 3))
    other, x = backbone(images)
    parts = [x]
    for bins in (1, 2, 3, 6):
        size = x.shape[1] // bins
        pooled = layers.AveragePooling2D(size, size, "same")(x)
        pooled = layers.Conv2D(channels // 4, 1, use_bias=False)(pooled)
        pooled = layers.Activation("relu")(layers.BatchNormalization()(pooled))
        parts.append(resized(pooled, x.shape[1:3]))
    x = layers.Conv2D(channels // 4, 3, padding="same", use_bias=False)(layers.Concatenate()(parts))
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    outputs = [resized(layers.Conv2D(len(CLASSES), 1)(x), (SIDE, SIDE))]
    if named is not None:
        names = ("branch_conv1", "branch_batchnor1", "branch_conv2") if named else (None,) * 3
        x = layers.Conv2D(channels // 8, 3, padding="same", use_bias=False, name=names[0])(other)
        x = layers.Activation("relu")(layers.BatchNormalization(name=names[1])(x))
        outputs.append(resized(layers.Conv2D(len(CLASSES), 1, name=names[2])(x), (SIDE, SIDE)))
    return Model(images, outputs)


@pytest.mark.parametrize(
    ("backbone", "channels", "named", "model"),
    [
        (mobilenetv2, 320, None, "pspnet-mobilenetv2"),
        (mobilenetv2, 320, False, "pspnet-mobilenetv2"),
        pytest.param(resnet50, 2048, True, "pspnet-resnet50", marks=slow),
    ],
    ids=["mobilenetv2", "mobilenetv2 with a branch of numbers", "resnet50 with a branch of names"],
)
def test_an_older_pspnet_gives_what_theirs_gives(backbone, channels, named, model):
    theirs, images = drawn(pspnet(backbone, channels, named)), images_of(SIDE, SIDE)
    imported = import_weights(file_of(theirs), model)
    ours = make_network(model_spec(model, len(CLASSES), **imported.settings))
    weights.assign(ours, imported.arrays)
    outputs = theirs(images / keras.ops.cast(255, "float32"), training=False)
    assert_same(ours(images)[0], outputs[0] if isinstance(outputs, list) else outputs)
    assert ("auxiliary branch" in imported.notes[-1]) == (named is not None)
    assert imported.recipe["input_size"] == (473, 473)
