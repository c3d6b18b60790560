import math

import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights

MODELS = {"xception": "deeplabv3plus-xception65", "mobilenetv2": "deeplabv3-mobilenetv2"}


def of(shapes, **changes):
    return Weights("keras2", published.filled(shapes) | changes, {})


@pytest.mark.parametrize(("backbone", "count"), [("xception", 41_258_213), ("mobilenetv2", 2_146_645)])
def test_the_lists_of_names_have_as_many_numbers_as_the_keras_models(backbone, count):
    assert sum(map(math.prod, published.keras_deeplab(backbone).values())) == count


@pytest.mark.parametrize("backbone", MODELS)
@pytest.mark.parametrize("outputs", [21, 3])
def test_the_whole_model_is_imported(backbone, outputs):
    model = MODELS[backbone]
    imported = import_weights(of(published.keras_deeplab(backbone, outputs)), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert {name: array.shape for name, array in imported.arrays.items()} == load_names(model) | {
        "head.predict_class.weight": (outputs, 256, 1, 1),
        "head.predict_class.bias": (outputs,),
    }
    numbers = {float(array.flat[0]) for array in imported.arrays.values()}
    assert len(numbers) == len(imported.arrays)  # none is taken twice
    assert imported.settings == {"mean": (127.5,) * 3, "std": (127.5,) * 3, "align_corners": True}
    assert ["k * 16 + 1, such as 513" in note for note in imported.notes] == [True] * (backbone == "mobilenetv2")


@pytest.mark.parametrize(
    ("backbone", "places"),
    [
        (
            "xception",
            {
                "backbone.conv1.conv.weight": "entry_flow_conv1_1/kernel",
                "backbone.conv2.bn.bias": "entry_flow_conv1_2_BN/beta",
                "backbone.entry.1.conv2.pointwise.conv.weight": "entry_flow_block2_separable_conv2_pointwise/kernel",
                "backbone.entry.2.shortcut.bn.weight": "entry_flow_block3_shortcut_BN/gamma",
                "backbone.middle.15.conv3.depthwise.bn.running_mean": (
                    "middle_flow_unit_16_separable_conv3_depthwise_BN/moving_mean"
                ),
                "backbone.exit.shortcut.conv.weight": "exit_flow_block1_shortcut/kernel",
                "backbone.exit.conv1.depthwise.conv.weight": (
                    "exit_flow_block1_separable_conv1_depthwise/depthwise_kernel"
                ),
                "backbone.tail.conv3.pointwise.bn.bias": "exit_flow_block2_separable_conv3_pointwise_BN/beta",
                "aspp.conv.conv.weight": "aspp0/kernel",
                "aspp.dilated.0.depthwise.conv.weight": "aspp1_depthwise/depthwise_kernel",
                "aspp.dilated.2.pointwise.bn.bias": "aspp3_pointwise_BN/beta",
                "aspp.pool.conv.weight": "image_pooling/kernel",
                "aspp.project.bn.weight": "concat_projection_BN/gamma",
                "decoder.low.conv.weight": "feature_projection0/kernel",
                "decoder.conv1.depthwise.conv.weight": "decoder_conv0_depthwise/depthwise_kernel",
                "decoder.conv2.pointwise.conv.weight": "decoder_conv1_pointwise/kernel",
                "head.predict_class.bias": "logits_semantic/bias",
            },
        ),
        (
            "mobilenetv2",
            {
                "backbone.stem.conv.weight": "Conv/kernel",
                "backbone.stem.bn.bias": "Conv_BN/beta",
                "backbone.blocks.0.project.conv.weight": "expanded_conv_project/kernel",
                "backbone.blocks.16.expand.bn.weight": "expanded_conv_16_expand_BN/gamma",
                "aspp.pool.bn.running_mean": "image_pooling_BN/moving_mean",
                "head.predict_class.weight": "logits_semantic/kernel",
            },
        ),
    ],
)
def test_some_names_worked_by_hand(backbone, places):
    given = of(published.keras_deeplab(backbone))
    arrays = import_weights(given, MODELS[backbone]).arrays
    for ours, theirs in places.items():
        layer, leaf = theirs.split("/")
        assert arrays[ours].flat[0] == given.arrays[f"{layer}/{layer}/{leaf}:0"].flat[0], ours


def test_the_eps_of_the_backbone_goes_into_the_variance_and_that_behind_it_is_ours():
    def path(layer):
        return f"{layer}/{layer}/moving_variance:0"

    quarter = np.full(32, 0.25, np.float32)
    given = of(
        published.keras_deeplab("mobilenetv2"),
        **{path("Conv_BN"): quarter, path("aspp0_BN"): np.full(256, 0.25, np.float32)},
    )
    arrays = import_weights(given, MODELS["mobilenetv2"]).arrays
    assert arrays["backbone.stem.bn.running_var"] == pytest.approx(0.25 + 1e-3 - 1e-5, abs=1e-7)
    assert (arrays["aspp.conv.bn.running_var"] == 0.25).all()


def test_a_file_says_which_model_it_is():
    models = ("deeplabv3-mobilenetv2", "deeplabv3plus-mobilenetv2", "deeplabv3plus-xception65", "pspnet-mobilenetv2")
    for backbone, model in MODELS.items():
        assert [name for name in models if fits(of(published.keras_deeplab(backbone)), name)] == [model]


@pytest.mark.parametrize("backbone", MODELS)
def test_another_model_is_a_sentence(backbone):
    words = rf"a\.h5 is keras-deeplab-v3-plus's DeepLab and no deeplabv3plus-resnet50; --model {MODELS[backbone]} is"
    with pytest.raises(UserError, match=words):
        import_weights(of(published.keras_deeplab(backbone)), "deeplabv3plus-resnet50", "a.h5")
