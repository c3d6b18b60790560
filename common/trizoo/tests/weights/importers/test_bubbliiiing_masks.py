"""bubbliiiing's segmentation models: which they are told from, and what is refused.

That ours give what they give is in pytorch/torch_zoo/tests/test_bubbliiiing_masks.py.
"""

import numpy as np
import pytest

from trizoo.families import ARCHITECTURES, model_spec
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.checkpoint import load
from trizoo.weights.convert import convert
from trizoo.weights.importers import bubbliiiing_masks as masks
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.importers.renaming import rename
from trizoo.weights.importers.torchvision import resnet_rules
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights

FULL = {"separable": False}
FIRST, LISTED = masks.STEMS.values()  # a ResNet's first way, and that of resnet50s
RESNET = (*resnet_rules("backbone."), *masks.PSPNET_RULES)
FILES = {
    "deeplabv3plus-mobilenetv2": ((*masks.MOBILENET_RULES, *masks.DEEPLAB_RULES), FULL),
    "deeplabv3plus-xception65": ((*masks.XCEPTION_RULES, *masks.DEEPLAB_RULES), FULL),
    "pspnet-mobilenetv2": ((*masks.MOBILENET_RULES, *masks.PSPNET_RULES), {"head_channels": 80}),
    "pspnet-resnet50": ((*FIRST, *RESNET), {"deep_stem": True}),
}


def shapes_of(model, rules, options):
    """A file's shapes by its rules, with the biases that its convolutions before batch norms have in DeepLabv3+."""
    shapes = model_spec(model, 80, **options).names(load_names(model))
    names = rename(model, rules, shapes)
    found = {theirs: shapes[ours] for ours, theirs in names.items()}
    for ours, theirs in names.items():
        if model.startswith("deeplab") and ours.startswith(("aspp.", "decoder.")) and ours.endswith(".conv.weight"):
            found[f"{theirs.removesuffix('weight')}bias"] = shapes[ours][:1]
    return found


def of(model, rules=None, **changes):
    rules, options = (rules or FILES[model][0]), FILES[model][1]
    return Weights("pytorch", published.filled(shapes_of(model, rules, options) | changes), {})


@pytest.mark.parametrize("model", FILES)
def test_a_segmentation_model_is_recognised_among_all_models(model):
    given = of(model)
    assert [name for name in ARCHITECTURES if fits(given, name)] == [model]
    imported = import_weights(given, model)
    numbers = {float(array.flat[0]) for array in imported.arrays.values()}
    assert len(numbers) == len(imported.arrays)  # none is taken twice
    assert imported.settings["std"] == (255, 255, 255)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        # from the listing of each repository's state dict
        (
            "deeplabv3plus-mobilenetv2",
            {
                "backbone.stem.bn.weight": "backbone.features.0.1.weight",
                "backbone.blocks.0.project.conv.weight": "backbone.features.1.conv.3.weight",
                "backbone.blocks.16.depthwise.bn.bias": "backbone.features.17.conv.4.bias",
                "aspp.dilated.2.conv.weight": "aspp.branch4.0.weight",
                "aspp.pool.bn.running_var": "aspp.branch5_bn.running_var",
                "decoder.low.conv.weight": "shortcut_conv.0.weight",
                "decoder.conv2.bn.bias": "cat_conv.5.bias",
                "head.predict_class.bias": "cls_conv.bias",
            },
        ),
        (
            "deeplabv3plus-xception65",
            {
                "backbone.conv2.bn.weight": "backbone.bn2.weight",
                "backbone.entry.1.shortcut.bn.weight": "backbone.block2.skipbn.weight",
                "backbone.middle.0.conv1.depthwise.bn.bias": "backbone.block4.sepconv1.bn1.bias",
                "backbone.middle.15.conv3.pointwise.conv.weight": "backbone.block19.sepconv3.pointwise.weight",
                "backbone.exit.shortcut.conv.weight": "backbone.block20.skip.weight",
                "backbone.tail.conv1.pointwise.bn.running_mean": "backbone.conv3.bn2.running_mean",
                "backbone.tail.conv3.depthwise.conv.weight": "backbone.conv5.depthwise.weight",
            },
        ),
        (
            "pspnet-resnet50",
            {
                "backbone.stem.conv2.bn.bias": "backbone.bn2.bias",
                "backbone.stages.3.blocks.0.shortcut.conv.weight": "backbone.layer4.0.downsample.0.weight",
                "pyramid.branches.3.bn.weight": "master_branch.0.stages.3.2.weight",
                "head.conv.conv.weight": "master_branch.0.bottleneck.0.weight",
                "head.predict_class.weight": "master_branch.1.weight",
            },
        ),
    ],
)
def test_names_of_files_are_found(model, names):
    given = of(model)
    arrays = import_weights(given, model).arrays
    assert {ours: arrays[ours].flat[0] for ours in names} == {
        ours: given.arrays[theirs].flat[0] for ours, theirs in names.items()
    }


def test_a_resnets_first_convolutions_may_be_one_list():
    given = of("pspnet-resnet50", (*LISTED, *RESNET))
    arrays = import_weights(given, "pspnet-resnet50").arrays
    for ours, theirs in (
        ("conv1.conv.weight", "conv1.0.weight"),
        ("conv2.bn.bias", "conv1.4.bias"),
        ("conv3.conv.weight", "conv1.6.weight"),
        ("conv3.bn.running_var", "bn1.running_var"),
    ):
        assert np.array_equal(arrays[f"backbone.stem.{ours}"], given.arrays[f"backbone.{theirs}"])


def test_biases_go_into_the_means_and_pooled_features_come_first():
    model = "deeplabv3plus-mobilenetv2"
    given = of(model)
    arrays = import_weights(given, model).arrays
    mean = given.arrays["aspp.branch2.1.running_mean"] - given.arrays["aspp.branch2.0.bias"]
    np.testing.assert_array_equal(arrays["aspp.dilated.0.bn.running_mean"], mean)
    kernel = given.arrays["aspp.conv_cat.0.weight"]  # of 1024 channels and the 256 pooled ones
    ours = arrays["aspp.project.conv.weight"]
    np.testing.assert_array_equal(ours[:, :256], kernel[:, 1024:])
    np.testing.assert_array_equal(ours[:, 256:], kernel[:, :1024])


def test_the_auxiliary_branch_is_left_out_and_the_input_is_its_own(monkeypatch, tmp_path):
    given = of("pspnet-mobilenetv2", **{"auxiliary_branch.0.weight": (40, 96, 3, 3)})
    monkeypatch.setattr("trizoo.weights.convert.read", lambda path: given)
    imported = convert(tmp_path / "a.pth", tmp_path / "ours.h5")
    assert "auxiliary branch" in imported.notes[-1]
    recipe = load(tmp_path / "ours.h5").recipe
    assert (recipe["input_size"], recipe["model"]["head_channels"]) == ([473, 473], 80)
    assert recipe["model"]["align_corners"]


@pytest.mark.parametrize(
    ("model", "changes", "wanted", "words"),
    [
        ("deeplabv3plus-mobilenetv2", {}, "deeplabv3plus-xception65", "--model deeplabv3plus-mobilenetv2 is needed"),
        ("pspnet-mobilenetv2", {}, "yolov3", "pspnet-pytorch's PSPNet and no yolov3"),
        ("pspnet-resnet50", {"extra.weight": (3,)}, "pspnet-resnet50", r"also holds extra\.weight"),
        (
            "deeplabv3plus-mobilenetv2",
            {"aspp.branch2.0.bias": (1,)},
            "deeplabv3plus-mobilenetv2",
            r"holds aspp\.branch2\.0\.bias of shape \(1,\); an unchanged file of deeplabv3",
        ),
        (
            "deeplabv3plus-mobilenetv2",
            {"aspp.branch2.0.weight": (128, 320, 3, 3)},
            "deeplabv3plus-mobilenetv2",
            r"needs \(256, 320, 3, 3\)",
        ),
    ],
)
def test_another_network_is_one_sentence(model, changes, wanted, words):
    with pytest.raises(UserError, match=rf"^a\.pth [^\n]*{words}[^\n]*$"):
        import_weights(of(model, **changes), wanted, "a.pth")
