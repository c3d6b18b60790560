import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights, keras_layers
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights

RGB = (123.68, 116.779, 103.939)


def of(shapes, **changes):
    return Weights("keras2", published.filled(shapes) | changes, {})


def backbone(model):
    return {name: shape for name, shape in load_names(model).items() if name.startswith("backbone.")}


@pytest.mark.parametrize("depth", [50, 101, 152])
@pytest.mark.parametrize("caffe", [False, True])
def test_resnets_become_backbones(depth, caffe):
    imported = import_weights(of(published.keras_resnet(depth, caffe=caffe)), f"retinanet-resnet{depth}")
    assert {name: array.shape for name, array in imported.arrays.items()} == backbone(f"retinanet-resnet{depth}")
    last = "fc1000" if caffe else "probs"
    assert imported.unexpected == (f"{last}.weight", f"{last}.bias")
    assert imported.settings == {"mean": RGB, "std": (1, 1, 1), "stride_on_1x1": True}


@pytest.mark.parametrize(
    ("shapes", "model", "layer"),
    [
        (published.keras_resnet(50), "classify-resnet50", "probs"),
        (published.keras_resnet(101, caffe=True), "classify-resnet101", "fc1000"),
        (published.keras_mobilenet_v2(), "classify-mobilenetv2", "Logits"),
    ],
)
def test_a_classifier_is_imported_with_its_last_layer(shapes, model, layer):
    path = next(path for path in shapes if path.startswith(f"{layer}/") and "kernel" in path)
    kernel = np.random.default_rng(1).random(shapes[path], np.float32)
    imported = import_weights(of(shapes, **{path: kernel}), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert np.array_equal(imported.arrays["head.predict.weight"][:, :, 0, 0], kernel.T)


def test_without_its_last_layer_a_mobilenet_v2_gives_the_block_before_it_too():
    imported = import_weights(of(published.keras_mobilenet_v2(top=False)), "classify-mobilenetv2")
    assert imported.missing == ("head.predict.weight", "head.predict.bias")
    assert imported.unexpected == ()


def test_the_last_layer_of_vgg16_does_not_fit_and_a_note_says_why():
    imported = import_weights(of(published.keras_vgg16()), "classify-vgg16")
    assert imported.missing == ("head.predict.weight", "head.predict.bias")
    assert "takes 4096 channels, of which the zoo's VGG16 keeps every fourth" in imported.notes[0]


@pytest.mark.parametrize("model", ["deeplabv3-resnet50", "deeplabv3plus-resnet101", "pspnet-resnet50"])
def test_a_segmentation_model_strides_as_the_weights_were_trained(model):
    imported = import_weights(of(published.keras_resnet(int(model[-3:].removeprefix("t")))), model)
    assert {name: array.shape for name, array in imported.arrays.items()} == backbone(model)
    assert imported.settings == {"mean": RGB, "std": (1, 1, 1), "stride_on_1x1": True}
    assert imported.notes == ()


def test_the_bias_before_a_batch_norm_goes_into_its_mean_and_eps_into_its_variance():
    """g (x + b - m) / sqrt(v + e) is g (x - (m - b)) / sqrt(v + e)."""
    at = "conv3_block2_1"
    given = of(
        published.keras_resnet(50, top=False),
        **{
            f"{at}_conv/{at}_conv/bias:0": np.full(128, 3, np.float32),
            f"{at}_bn/{at}_bn/moving_mean:0": np.full(128, 5, np.float32),
            f"{at}_bn/{at}_bn/moving_variance:0": np.full(128, 0.25, np.float32),
        },
    )
    arrays = import_weights(given, "retinanet-resnet50").arrays
    block = "backbone.stages.1.blocks.1.conv1"
    assert arrays[f"{block}.bn.running_mean"].tolist() == [2.0] * 128
    assert arrays[f"{block}.bn.running_var"] == pytest.approx(0.25 + 1.001e-5 - 1e-5, abs=1e-8)
    assert arrays[f"{block}.bn.weight"].flat[0] == given.arrays[f"{at}_bn/{at}_bn/gamma:0"].flat[0]


def test_kernels_are_transposed_and_the_first_takes_rgb():
    kernel = np.arange(7 * 7 * 3 * 64, dtype=np.float32).reshape(7, 7, 3, 64)
    given = of(published.keras_resnet(50), **{"conv1_conv/conv1_conv/kernel:0": kernel})
    ours = import_weights(given, "retinanet-resnet50").arrays["backbone.stem.conv.weight"]
    assert ours.shape == (64, 3, 7, 7)
    assert ours[10, 0, 4, 6] == kernel[4, 6, 2, 10]  # red is Caffe's last
    assert ours[10, 2, 4, 6] == kernel[4, 6, 0, 10]


def test_vgg16_with_and_without_its_classifier():
    places = np.broadcast_to(np.arange(25088, dtype=np.float32)[:, None], (25088, 4096))
    given = of(published.keras_vgg16(), **{"fc1/fc1/kernel:0": places})
    whole = import_weights(given, "ssd300-vgg16")
    assert {name: array.shape for name, array in whole.arrays.items()} == backbone("ssd300-vgg16")
    assert whole.unexpected == ("predictions.weight", "predictions.bias")
    # flattened as rows, columns, channels: place (row, column) of channel 2 is at (7 row + column) 512 + 2
    expected = [[(7 * row + column) * 512 + 2 for column in (0, 3, 6)] for row in (0, 3, 6)]
    assert whole.arrays["backbone.fc6.conv.weight"][9, 2].tolist() == expected
    assert (whole.settings["mean"], whole.notes) == (RGB, ())
    features = import_weights(of(published.keras_vgg16(top=False)), "ssd300-vgg16")
    assert features.arrays.keys() == backbone("ssd300-vgg16").keys()
    assert "are re-initialised" in features.notes[0]


def test_the_names_of_keras_1_do():
    """VGG16 of 2016: block1_conv1/block1_conv1_W_1:0."""
    renamed = {}
    for path, shape in published.keras_vgg16(top=False).items():
        layer, _, leaf = path.split("/")
        renamed[f"{layer}/{layer}_{'W' if leaf.startswith('kernel') else 'b'}_1:0"] = shape
    assert import_weights(of(renamed), "ssd300-vgg16").arrays.keys() == backbone("ssd300-vgg16").keys()


@pytest.mark.parametrize("model", ["deeplabv3-mobilenetv2", "deeplabv3plus-mobilenetv2", "pspnet-mobilenetv2"])
def test_mobilenet_v2_becomes_a_backbone_without_its_last_convolution(model):
    imported = import_weights(of(published.keras_mobilenet_v2(top=False)), model)
    assert {name: array.shape for name, array in imported.arrays.items()} == backbone(model)
    last = ("weight", "bias", "running_mean", "running_var")
    assert imported.unexpected == ("Conv_1.weight", *(f"Conv_1_bn.{leaf}" for leaf in last))


def test_mobilenet_v2_becomes_a_backbone():
    given = of(published.keras_mobilenet_v2())
    imported = import_weights(given, "ssd300-mobilenetv2")
    assert {name: array.shape for name, array in imported.arrays.items()} == backbone("ssd300-mobilenetv2")
    assert imported.unexpected == ("Logits.weight", "Logits.bias")
    assert imported.settings == {"mean": (127.5,) * 3, "std": (127.5,) * 3}
    variance = given.arrays["block_3_depthwise_BN/block_3_depthwise_BN/moving_variance:0"][0]
    ours = imported.arrays["backbone.blocks.3.depthwise.bn.running_var"]
    assert ours == pytest.approx(float(variance) + 1e-3 - 1e-5, rel=1e-6)
    assert "half a pixel off" in imported.notes[0]


def test_depthwise_kernels_have_a_channel_each():
    kernel = np.arange(3 * 3 * 32, dtype=np.float32).reshape(3, 3, 32, 1)
    at = "expanded_conv_depthwise"
    given = of(published.keras_mobilenet_v2(), **{f"{at}/{at}/depthwise_kernel:0": kernel})
    ours = import_weights(given, "ssd300-mobilenetv2").arrays["backbone.blocks.0.depthwise.conv.weight"]
    assert ours.shape == (32, 1, 3, 3)
    assert ours[11, 0, 2, 1] == kernel[2, 1, 11, 0]


@pytest.mark.parametrize("depth", [50, 101])
def test_keras_retinanet_is_imported_whole(depth):
    model = f"retinanet-resnet{depth}"
    imported = import_weights(of(published.keras_retinanet(depth=depth)), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    wanted = load_names(model) | {"fpn.p6.conv.weight": (256, 2048, 3, 3)}
    assert {name: array.shape for name, array in imported.arrays.items()} == wanted
    assert imported.settings == {
        "mean": RGB,
        "std": (1, 1, 1),
        "anchor_preset": "keras-retinanet-same",
        "stride_on_1x1": True,
        "p6_from_c5": True,
    }
    assert not imported.background
    assert "its pool, P6 and P7" in imported.notes[0]


def test_keras_retinanet_says_which_depth_it_has():
    models = ("retinanet-resnet50", "retinanet-resnet50-v2", "retinanet-resnet101", "ssd300-vgg16")
    assert [name for name in models if fits(of(published.keras_retinanet()), name)] == ["retinanet-resnet50"]


def test_layers_of_keras_3_are_called_by_their_own_names():
    paths, names = {}, {}
    for path, array in published.filled(published.keras_mobilenet_v2(top=False)).items():
        layer = path.split("/")[0]
        number = sum(other.startswith(f"layers/x_{layer}/") for other in paths)
        paths[f"layers/x_{layer}/vars/{number}"] = array
        names[f"layers/x_{layer}"] = layer
    imported = import_weights(Weights("keras3", paths, {"names": names}), "ssd300-mobilenetv2")
    assert imported.arrays.keys() == backbone("ssd300-mobilenetv2").keys()


def test_a_layer_made_twice_is_called_by_its_group():
    arrays = {"conv1/conv1_2/kernel:0": np.zeros((1, 1, 3, 4)), "conv1/conv1_2/bias:0": np.zeros(4)}
    assert list(keras_layers.named(Weights("keras2", arrays, {}))) == ["conv1.weight", "conv1.bias"]


@pytest.mark.parametrize(
    ("shapes", "model", "words"),
    [
        (
            {"block14_sepconv2/x/depthwise_kernel:0": (3, 3, 4, 1)},
            "ssd300-vgg16",
            "has 8 modules .* aligned Xception-65",
        ),
        (
            published.keras_resnet(101),
            "retinanet-resnet50",
            r"Keras's ResNet and also holds conv4_block7_1_conv\.weight",
        ),
        (published.keras_resnet(50), "retinanet-resnet101", r"lacks backbone\.stages\.2\.blocks\.6"),
        (
            published.keras_retinanet(),
            "retinanet-resnet50-v2",
            "keras-retinanet's or retinanet-keras's RetinaNet and no retinanet-resnet50-v2",
        ),
        (published.keras_vgg16(), "ssd300-mobilenetv2", "VGG16 and has nothing in common"),
        (
            {"dense/dense/kernel:0": (3, 4)},
            "ssd300-vgg16",
            "holds arrays named dense/dense/kernel:0 .*Keras Applications",
        ),
    ],
)
def test_layers_of_another_network_are_a_sentence(shapes, model, words):
    with pytest.raises(UserError, match=words) as caught:
        import_weights(of(shapes), model, "a.h5")
    assert "\n" not in str(caught.value)
