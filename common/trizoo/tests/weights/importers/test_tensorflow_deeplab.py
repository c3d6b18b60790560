import math

import numpy as np
import pytest

from trizoo.families import ARCHITECTURES
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights

MODELS = {"xception": "deeplabv3plus-xception65", "mobilenetv2": "deeplabv3-mobilenetv2"}


def of(shapes, changes=None, **about):
    return Weights("tensorflow", published.filled(shapes) | (changes or {}), about)


@pytest.mark.parametrize(("backbone", "count"), [("xception", 41_258_213), ("mobilenetv2", 2_146_645)])
def test_the_lists_of_names_have_as_many_numbers_as_the_keras_port(backbone, count):
    assert sum(map(math.prod, published.tensorflow_deeplab(backbone).values())) == count


@pytest.mark.parametrize("backbone", MODELS)
@pytest.mark.parametrize("outputs", [21, 19])
def test_the_whole_model_is_imported(backbone, outputs):
    model = MODELS[backbone]
    imported = import_weights(of(published.tensorflow_deeplab(backbone, outputs)), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert {name: array.shape for name, array in imported.arrays.items()} == load_names(model) | {
        "head.predict_class.weight": (outputs, 256, 1, 1),
        "head.predict_class.bias": (outputs,),
    }
    numbers = {float(array.flat[0]) for array in imported.arrays.values()}
    assert len(numbers) == len(imported.arrays)  # none is taken twice
    assert imported.settings == {"mean": (127.5,) * 3, "std": (127.5,) * 3, "align_corners": True}
    assert ["k * 16 + 1, such as 513" in note for note in imported.notes] == [True] * (backbone == "mobilenetv2")


@pytest.mark.parametrize("backbone", MODELS)
def test_it_is_the_same_as_of_the_keras_port_of_the_same_numbers(backbone):
    random = np.random.default_rng(4)

    def numbers(shapes):
        return {name: random.standard_normal(shape, np.float32) for name, shape in shapes.items()}

    def as_in_the_port(name):
        scope, _, leaf = name.rpartition("/")
        scope = scope.split("/", 1)[1] if scope.startswith(("xception_65/", "MobilenetV2/", "decoder/")) else scope
        block = "/block1" if scope.startswith("middle_flow") else "/unit_1"
        layer = scope.replace(block, "", 1).replace("/xception_module", "").replace("/BatchNorm", "_BN")
        layer = layer.replace("/", "_")
        leaf = {"weights": "kernel", "depthwise_weights": "depthwise_kernel", "biases": "bias"}.get(leaf, leaf)
        return f"{layer}/{layer}/{leaf}:0"

    small = {name: shape for name, shape in published.tensorflow_deeplab(backbone).items() if math.prod(shape) < 30_000}
    arrays = published.filled(published.tensorflow_deeplab(backbone)) | numbers(small)
    port = {as_in_the_port(name): array for name, array in arrays.items()}
    assert port.keys() == published.keras_deeplab(backbone).keys()
    ours = import_weights(Weights("tensorflow", arrays, {}), MODELS[backbone])
    theirs = import_weights(Weights("keras2", port, {}), MODELS[backbone])
    assert ours.notes == theirs.notes
    assert all(np.array_equal(ours.arrays[name], array) for name, array in theirs.arrays.items())


@pytest.mark.parametrize(
    ("backbone", "places"),
    [
        (
            "xception",
            {
                "backbone.conv1.conv.weight": "xception_65/entry_flow/conv1_1/weights",
                "backbone.conv2.bn.bias": "xception_65/entry_flow/conv1_2/BatchNorm/beta",
                "backbone.entry.1.conv2.pointwise.conv.weight": (
                    "xception_65/entry_flow/block2/unit_1/xception_module/separable_conv2_pointwise/weights"
                ),
                "backbone.entry.2.shortcut.bn.weight": (
                    "xception_65/entry_flow/block3/unit_1/xception_module/shortcut/BatchNorm/gamma"
                ),
                "backbone.middle.15.conv3.depthwise.bn.running_mean": (
                    "xception_65/middle_flow/block1/unit_16/xception_module/separable_conv3_depthwise/"
                    "BatchNorm/moving_mean"
                ),
                "backbone.middle.0.conv1.depthwise.conv.weight": (
                    "xception_65/middle_flow/block1/unit_1/xception_module/separable_conv1_depthwise/depthwise_weights"
                ),
                "backbone.tail.conv3.pointwise.bn.bias": (
                    "xception_65/exit_flow/block2/unit_1/xception_module/separable_conv3_pointwise/BatchNorm/beta"
                ),
                "aspp.conv.conv.weight": "aspp0/weights",
                "aspp.dilated.2.pointwise.bn.bias": "aspp3_pointwise/BatchNorm/beta",
                "aspp.pool.conv.weight": "image_pooling/weights",
                "aspp.project.bn.weight": "concat_projection/BatchNorm/gamma",
                "decoder.low.conv.weight": "decoder/feature_projection0/weights",
                "decoder.conv1.depthwise.conv.weight": "decoder/decoder_conv0_depthwise/depthwise_weights",
                "decoder.conv2.pointwise.conv.weight": "decoder/decoder_conv1_pointwise/weights",
                "head.predict_class.bias": "logits/semantic/biases",
            },
        ),
        (
            "mobilenetv2",
            {
                "backbone.stem.conv.weight": "MobilenetV2/Conv/weights",
                "backbone.stem.bn.bias": "MobilenetV2/Conv/BatchNorm/beta",
                "backbone.blocks.0.depthwise.conv.weight": "MobilenetV2/expanded_conv/depthwise/depthwise_weights",
                "backbone.blocks.0.project.conv.weight": "MobilenetV2/expanded_conv/project/weights",
                "backbone.blocks.16.expand.bn.weight": "MobilenetV2/expanded_conv_16/expand/BatchNorm/gamma",
                "head.predict_class.weight": "logits/semantic/weights",
            },
        ),
    ],
)
def test_some_names_worked_by_hand(backbone, places):
    given = of(published.tensorflow_deeplab(backbone))
    arrays = import_weights(given, MODELS[backbone]).arrays
    for ours, theirs in places.items():
        assert arrays[ours].flat[0] == given.arrays[theirs].flat[0], ours


def test_kernels_are_turned_to_outputs_first_and_the_backbone_s_eps_goes_into_the_variance():
    random = np.random.default_rng(5)
    changes = {
        "MobilenetV2/Conv/weights": random.standard_normal((3, 3, 3, 32), np.float32),
        "MobilenetV2/expanded_conv/depthwise/depthwise_weights": random.standard_normal((3, 3, 32, 1), np.float32),
        "MobilenetV2/Conv/BatchNorm/moving_variance": np.full(32, 0.25, np.float32),
        "aspp0/BatchNorm/moving_variance": np.full(256, 0.25, np.float32),
    }
    arrays = import_weights(of(published.tensorflow_deeplab("mobilenetv2"), changes), MODELS["mobilenetv2"]).arrays
    kernel, depthwise, *_ = changes.values()
    assert arrays["backbone.stem.conv.weight"][5, 2, 0, 1] == kernel[0, 1, 2, 5]
    assert arrays["backbone.blocks.0.depthwise.conv.weight"][7, 0, 2, 1] == depthwise[2, 1, 7, 0]
    assert arrays["backbone.stem.bn.running_var"] == pytest.approx(0.25 + 1e-3 - 1e-5, abs=1e-7)
    assert (arrays["aspp.conv.bn.running_var"] == 0.25).all()


def test_a_checkpoint_says_which_model_it_is():
    for backbone, model in MODELS.items():
        given = of(published.tensorflow_deeplab(backbone))
        assert [name for name in ARCHITECTURES if fits(given, name)] == [model]


def test_averages_and_what_was_left_out_are_notes():
    about = {"averaged": ("MobilenetV2/Conv/weights",), "left_out": ("aspp0/weights/Momentum", "global_step")}
    notes = import_weights(of(published.tensorflow_deeplab("mobilenetv2"), **about), MODELS["mobilenetv2"]).notes
    assert notes[-2:] == (
        "of 1 arrays, MobilenetV2/Conv/weights first, it holds exponential moving averages, which were taken",
        "2 arrays of an optimizer or counters were left out, aspp0/weights/Momentum first",
    )


def other_graphs():
    """name -> (variables, model, words)."""
    xception, mobile = published.tensorflow_deeplab("xception"), published.tensorflow_deeplab("mobilenetv2")
    decoder = {"decoder/decoder_conv0_depthwise/depthwise_weights": (3, 3, 304, 1)}
    without_pool = {name: shape for name, shape in mobile.items() if not name.startswith("image_pooling")}
    deeper = {name.replace("xception_65", "xception_71"): shape for name, shape in xception.items()}
    unit = {"xception_65/entry_flow/block2/unit_2/xception_module/shortcut/weights": (1, 1, 256, 256)}
    rates = {"aspp1/weights": (3, 3, 320, 256), "concat_projection/weights": (1, 1, 768, 256)}
    first, second = MODELS.values()
    return {
        "a decoder": (mobile | decoder, second, "also holds decoder_conv0_depthwise.weight"),
        "rates": (mobile | rates, second, "also holds aspp1.weight"),
        "no image pooling": (without_pool, second, "lacks image_pooling.weight"),
        "a unit more": (xception | unit, first, "also holds entry_flow_block2_unit_2"),
        "another backbone": (deeper, first, "on another backbone"),
        "another model": (xception, "deeplabv3plus-resnet50", f"no deeplabv3plus-resnet50; --model {first} is needed"),
        "of another width": (mobile | {"aspp0/weights": (1, 1, 320, 128)}, second, r"aspp0.weight of shape \(128, 320"),
        "no DeepLab": ({"MobilenetV2/Conv/weights": (3, 3, 3, 32)}, second, "TensorFlow's DeepLab or ssd.pytorch"),
    }


@pytest.mark.parametrize("name", other_graphs())
def test_another_graph_is_a_sentence(name):
    shapes, model, words = other_graphs()[name]
    with pytest.raises(UserError, match=rf"^a\.index [^\n]*{words}[^\n]*$"):
        import_weights(of(shapes), model, "a.index")


def test_two_arrays_of_one_layer_are_never_mixed():
    shapes = published.tensorflow_deeplab("mobilenetv2") | {"decoder/aspp0/weights": (1, 1, 320, 256)}
    with pytest.raises(UserError, match="also holds decoder/aspp0/weights"):
        import_weights(of(shapes), MODELS["mobilenetv2"])
