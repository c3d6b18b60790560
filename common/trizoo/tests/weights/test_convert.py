import math

import numpy as np
import pytest

from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError
from trizoo.recipes.load import from_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.weights.importers import published
from trizoo.tests.weights.readers import pth
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import load
from trizoo.weights.convert import convert
from trizoo.weights.importers import darknet
from trizoo.weights.names import load_names
from trizoo.weights.readers import safetensors
from trizoo.weights.readers.darknet import write
from trizoo.weights.store import convert_tag


def test_a_file_says_itself_which_model_it_is(tiny, tmp_path):
    path, floats = tiny
    imported = convert(path, tmp_path / "out.h5")
    checkpoint = load(tmp_path / "out.h5")
    assert imported.missing == ()
    assert checkpoint.recipe["model"]["name"] == "yolov3-tiny"
    assert checkpoint.recipe["model"]["coding"] is checkpoint.recipe["model"]["scale_xy"] is None  # Darknet's
    assert checkpoint.recipe["classes"] == ["class-0", "class-1"]
    assert checkpoint.framework == "darknet"
    # the file begins with the first convolution's 16 biases, and ends with the last one's 21 x 256 kernel
    assert np.array_equal(checkpoint.model["backbone.convs.0.bn.bias"], floats[:16])
    assert np.array_equal(checkpoint.model["head_p4.predict.weight"].reshape(-1), floats[-21 * 256 :])


def test_names_of_classes_are_kept(tiny, tmp_path):
    convert(tiny[0], tmp_path / "out.h5", classes=["猫", "dog"])
    assert load(tmp_path / "out.h5").recipe["classes"] == ["猫", "dog"]


def beginning(floats, path, convolutions):
    """A .weights file of the first convolutions, as Darknet's `partial` cuts them."""
    shapes = [shape for convolution in darknet.layout("yolov3-tiny", 2)[:convolutions] for _, shape in convolution]
    write(path, [floats[: sum(map(math.prod, shapes))]])
    return path


def test_a_backbone_needs_the_models_name(tiny, tmp_path):
    path = beginning(tiny[1], tmp_path / "backbone.weights", 8)  # seven of the backbone and one of the neck
    with pytest.raises(UserError, match=r"none of the zoo's models as a whole; --model NAME"):
        convert(path, tmp_path / "out.h5")
    imported = convert(path, tmp_path / "out.h5", model="yolov3-tiny")
    assert len(imported.arrays) == 8 * 5  # kernels, and the four arrays of their normalisation
    checkpoint = load(tmp_path / "out.h5")
    assert checkpoint.recipe["classes"] == []
    assert checkpoint.is_backbone
    convert(tiny[0], tmp_path / "whole.h5")
    assert not load(tmp_path / "whole.h5").is_backbone


def test_without_a_models_name_what_is_wrong_is_said_by_the_nearest(tmp_path):
    shapes = published.retinanet(3, depth=18) | {"backbone.body.layer2.0.conv1.weight": (128, 64, 5, 5)}
    path = named(tmp_path / "r.safetensors", shapes)
    with pytest.raises(
        UserError,
        match=r"^\S+r\.safetensors holds backbone\.body\.layer2\.0\.conv1\.weight of shape \(128, 64, 5, 5\), "
        r"retinanet-resnet18 needs \(128, 64, 3, 3\); .* \(considered: retinanet-resnet18; --model NAME says which",
    ):
        convert(path, tmp_path / "out.h5")
    del shapes["backbone.body.layer2.0.conv1.weight"]
    path = named(tmp_path / "s.safetensors", shapes)
    with pytest.raises(
        UserError, match=r"s\.safetensors lacks backbone\.stages\.1\.blocks\.0\.conv1\.conv\.weight of retinanet-res"
    ):
        convert(path, tmp_path / "out.h5")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("model.norm", "group", r"model\.norm is group, and \S+ holds retinanet-resnet18 with batch, whose arrays are"),
        ("model.backbone", "resnet34", r"model\.backbone is resnet34, and \S+ holds retinanet-resnet18 with resnet18"),
        ("model.p6_from_c5", True, r"holds fpn\.p6\.conv\.weight, .* makes would need shape \(256, 512, 3, 3\)"),
    ],
)
def test_overrides_that_make_another_graph_are_a_sentence(tmp_path, key, value, words):
    path = named(tmp_path / "r.safetensors", published.retinanet(3, depth=18))
    with pytest.raises(UserError, match=rf"{words}[^\n]*; leave"):
        convert(path, tmp_path / "out.h5", overrides=[(key, value, "here")])
    assert not (tmp_path / "out.h5").exists()
    convert(path, tmp_path / "out.h5", overrides=[("input_size", [320, 320], "here")])
    assert load(tmp_path / "out.h5").recipe["input_size"] == [320, 320]


def test_less_than_a_backbone_is_a_sentence(tiny, tmp_path):
    path = beginning(tiny[1], tmp_path / "six.weights", 6)
    with pytest.raises(UserError, match=r"holds 30 of yolov3-tiny's \d+ arrays and lacks backbone\.convs\.6\."):
        convert(path, tmp_path / "out.h5", model="yolov3-tiny")
    assert not (tmp_path / "out.h5").exists()


def test_a_model_with_a_hole_is_a_sentence(tiny, tmp_path):
    arrays = darknet.import_floats(tiny[1], "yolov3-tiny", 2).arrays
    del arrays["head_p4.conv.bn.bias"]
    np.savez(tmp_path / "hole.npz", **arrays)
    with pytest.raises(UserError, match=r"and lacks head_p4\.conv\.bn\.bias; the whole model"):
        convert(tmp_path / "hole.npz", tmp_path / "out.h5", model="yolov3-tiny")


def test_arrays_with_our_names_are_recognised(tiny, tmp_path):
    arrays = darknet.import_floats(tiny[1], "yolov3-tiny", 2).arrays
    np.savez(tmp_path / "ours.npz", **arrays)
    convert(tmp_path / "ours.npz", tmp_path / "out.h5")
    assert load(tmp_path / "out.h5").recipe["model"]["name"] == "yolov3-tiny"


def test_our_own_checkpoints_need_no_conversion(tiny, tmp_path):
    convert(tiny[0], tmp_path / "out.h5")
    with pytest.raises(UserError, match="a checkpoint of TriZoo's already"):
        convert(tmp_path / "out.h5", tmp_path / "again.h5")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\0" * 100])
def test_what_is_no_weight_file_is_a_sentence(tmp_path, content):
    (tmp_path / "x.weights").write_bytes(content)
    with pytest.raises(UserError, match=r"^[^\n]+$"):
        convert(tmp_path / "x.weights", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


def test_an_unknown_model_is_a_sentence(tiny, tmp_path):
    with pytest.raises(UserError, match="unknown model 'yolov9'"):
        convert(tiny[0], tmp_path / "out.h5", model="yolov9")


def named(path, shapes, **changes):
    """A .safetensors of made-up arrays."""
    safetensors.write(path, published.filled(shapes) | changes)
    return path


def test_a_torchvision_ssd_becomes_a_checkpoint_with_its_anchors_classes_and_means(tmp_path):
    path = named(tmp_path / "ssd.safetensors", published.ssd300_vgg16(4))
    imported = convert(path, tmp_path / "out.h5", classes=["__background__", "cat", "N/A", "dog"])
    assert (imported.missing, imported.unexpected) == ((), ())
    checkpoint = load(tmp_path / "out.h5")
    recipe = from_dict(Recipe, checkpoint.recipe, "here")
    assert recipe.model.name == "ssd300-vgg16"
    assert recipe.classes == ("cat", "N/A 2", "dog")
    assert recipe.model.anchor_preset == "ssd300"
    assert recipe.model.mean == pytest.approx((122.99925, 116.9991, 103.9992))
    assert recipe.model.std == (1, 1, 1)
    assert not checkpoint.is_backbone
    assert checkpoint.model["heads.0.predict_class.bias"].shape == (4 * 4,)


def test_a_torchvision_retinanet_loses_its_background(tmp_path):
    shapes = published.retinanet(3, depth=18)
    convert(named(tmp_path / "retinanet.safetensors", shapes), tmp_path / "out.h5", classes=["cat", "dog"])
    checkpoint = load(tmp_path / "out.h5")
    recipe = from_dict(Recipe, checkpoint.recipe, "here")
    assert (recipe.model.name, recipe.classes) == ("retinanet-resnet18", ("cat", "dog"))
    assert (recipe.model.anchor_preset, recipe.model.p6_from_c5) == ("retinanet", False)
    assert recipe.model.std == pytest.approx((58.395, 57.12, 57.375))
    assert checkpoint.model["head_class.predict_class.weight"].shape == (9 * 2, 256, 3, 3)
    # the checkpoint fits the model that its recipe describes
    wanted = {name: shape for name, shape in load_names("retinanet-resnet18").items() if "predict_class" not in name}
    assert {name: array.shape for name, array in checkpoint.model.items() if name in wanted} == wanted


def test_a_classifier_becomes_a_backbone_for_the_named_model(tmp_path):
    path = named(tmp_path / "mobilenet.safetensors", published.mobilenet_v2())
    imported = convert(path, tmp_path / "out.h5", model="ssd300-mobilenetv2")
    assert imported.unexpected == ("classifier.1.weight", "classifier.1.bias")
    checkpoint = load(tmp_path / "out.h5")
    assert checkpoint.is_backbone
    assert all(name.startswith("backbone.") for name in checkpoint.model)
    assert checkpoint.recipe["model"]["mean"] == pytest.approx([123.675, 116.28, 103.53])


def test_a_classifier_is_recognised_and_keeps_its_classes(tmp_path):
    path = named(tmp_path / "resnet.safetensors", published.resnet(18))
    assert convert(path, tmp_path / "out.h5").missing == ()
    checkpoint = load(tmp_path / "out.h5")
    assert not checkpoint.is_backbone
    assert checkpoint.recipe["model"]["name"] == "classify-resnet18"
    assert len(checkpoint.recipe["classes"]) == 1000
    assert checkpoint.model["head.predict.weight"].shape == (1000, 512, 1, 1)


def test_a_backbone_without_a_last_layer_is_of_no_model_as_a_whole(tmp_path):
    path = named(tmp_path / "resnet.safetensors", published.resnet(18, classifier=False))
    with pytest.raises(UserError, match=r"none of the zoo's models as a whole; --model NAME"):
        convert(path, tmp_path / "out.h5")


def test_a_detector_with_a_hole_is_a_sentence(tmp_path):
    shapes = published.ssd300_vgg16(3)
    del shapes["head.regression_head.module_list.5.bias"]
    path = named(tmp_path / "ssd.safetensors", shapes)
    with pytest.raises(UserError, match=r"lacks heads\.5\.predict_box\.bias; the whole model, or its backbone"):
        convert(path, tmp_path / "out.h5", model="ssd300-vgg16")


def state_dict(path, shapes):
    """A .pth of made-up arrays, which lie in one storage one after the other, full of 0 but for the first number."""
    counts = [math.prod(shape) for shape in shapes.values()]
    offsets = np.cumsum([0, *counts])
    numbers = np.zeros(offsets[-1], "<f4")
    numbers[offsets[:-1]] = np.arange(1, len(shapes) + 1)
    place = pth.storage("FloatStorage", "0", len(numbers))
    tensors = {}
    for (name, shape), offset in zip(shapes.items(), offsets[:-1].tolist(), strict=True):
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        tensors[name] = pth.tensor(place, shape, strides, offset)
    path.write_bytes(pth.archive(pth.ordered(tensors), {"0": numbers.tobytes()}))


def test_the_public_deeplabv3_of_torchvision_becomes_a_checkpoint_that_fits_its_model(tmp_path):
    tag, manifest = "deeplabv3-resnet50.coco-voc", load_manifest()
    state_dict(tmp_path / "deeplab.pth", published.deeplabv3(50))
    imported = convert_tag(tag, tmp_path / "deeplab.pth", tmp_path / "out.h5", manifest)
    assert (imported.missing, imported.unexpected) == ((), ())
    checkpoint = load(tmp_path / "out.h5")
    recipe = from_dict(Recipe, checkpoint.recipe, "here")
    assert recipe.classes == ("background", *manifest.class_lists["voc20"])
    assert recipe.model.mean == pytest.approx((123.675, 116.28, 103.53))
    assert spec_of(recipe).output_stride == 8
    assert not checkpoint.is_backbone
    outputs = {"head.predict_class.weight": (21, 256, 1, 1), "head.predict_class.bias": (21,)}
    wanted = load_names("deeplabv3-resnet50") | outputs
    assert {name: array.shape for name, array in checkpoint.model.items()} == wanted
    assert checkpoint.model["aspp.conv.conv.weight"].flat[0] == 1 + list(published.deeplabv3(50)).index(
        "classifier.0.convs.0.0.weight"
    )
