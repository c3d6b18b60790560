"""bubbliiiing's and keras-yolo3's files: which they are told from, and what is refused.

That ours give what they give is in pytorch/torch_zoo/tests/test_bubbliiiing.py and keras/keras_zoo/tests/
test_numbered_layers.py.
"""

from itertools import count

import numpy as np
import pytest

from trizoo.families import ARCHITECTURES, model_spec
from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.checkpoint import load
from trizoo.weights.convert import convert, of_the_model
from trizoo.weights.importers import bubbliiiing, fits, import_weights
from trizoo.weights.importers.darknet import layout
from trizoo.weights.importers.renaming import rename
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights


def of(shapes, kind="pytorch", **changes):
    return Weights(kind, published.filled(shapes | changes), {})


def yolo(model, rules):
    """A YOLO's file by its rules, for COCO's 80 classes; the networks themselves are in PyTorch's tests."""
    shapes = load_names(model)
    return {theirs: shapes[ours] for ours, theirs in rename(model, rules).items()}


def ssd300():
    """ssd-pytorch's: what amdegroot's has, but the normalisation stands behind the extra layers."""
    shapes = published.amdegroot_ssd300()
    extras = {name: shapes.pop(name) for name in list(shapes) if name.startswith("extras.")}
    first = {name: shapes.pop(name) for name in list(shapes) if name.startswith("vgg.")}
    return first | extras | shapes


YOLOS = {model: yolo(model, rules) for model, rules, _ in bubbliiiing.YOLOS.values()}


@pytest.mark.parametrize("model", YOLOS)
def test_a_yolo_is_recognised_among_all_models(model):
    given = of(YOLOS[model])
    assert [name for name in ARCHITECTURES if fits(given, name)] == [model]


@pytest.mark.parametrize(
    ("model", "names"),
    [
        # from the listing of each repository's state dict
        (
            "yolov3",
            {
                "backbone.stem.bn.running_mean": "backbone.bn1.running_mean",
                "backbone.stages.4.down.conv.weight": "backbone.layer5.ds_conv.weight",
                "backbone.stages.2.blocks.7.conv2.bn.bias": "backbone.layer3.residual_7.bn2.bias",
                "neck_p3.conv5.conv.weight": "last_layer2.4.conv.weight",
                "head_p4.conv.bn.weight": "last_layer1.5.bn.weight",
                "head_p5.predict.bias": "last_layer0.6.bias",
                "lateral_p3.conv.weight": "last_layer2_conv.conv.weight",
            },
        ),
        (
            "yolov4",
            {
                "backbone.stages.2.leave.bn.weight": "backbone.stages.2.blocks_conv.8.bn.weight",
                "backbone.stages.4.blocks.3.conv1.conv.weight": "backbone.stages.4.blocks_conv.3.block.0.conv.weight",
                "spp.conv3.bn.bias": "conv1.2.bn.bias",
                "spp.conv4.bn.bias": "conv2.0.bn.bias",
                "neck_p5.conv1.conv.weight": "make_five_conv4.0.conv.weight",
                "head_p3.predict.weight": "yolo_head3.1.weight",
                "head_p5.conv.conv.weight": "yolo_head1.0.conv.weight",
                "down_p5.bn.running_var": "down_sample2.bn.running_var",
            },
        ),
        (
            "yolov4-tiny",
            {
                "backbone.blocks.2.conv4.conv.weight": "backbone.resblock_body3.conv4.conv.weight",
                "lateral_p4.conv.weight": "upsample.upsample.0.conv.weight",
                "head_p4.predict.bias": "yolo_headP4.1.bias",
            },
        ),
    ],
)
def test_names_of_files_are_found(model, names):
    given = of(YOLOS[model])
    arrays = import_weights(given, model).arrays
    assert {ours: arrays[ours].flat[0] for ours in names} == {
        ours: given.arrays[theirs].flat[0] for ours, theirs in names.items()
    }


@pytest.mark.parametrize("model", YOLOS)
def test_a_backbone_that_trainings_begin_with_is_one(model):
    parts = {name: shape for name, shape in YOLOS[model].items() if name.startswith("backbone.")}
    shapes = {name.removeprefix("backbone."): shape for name, shape in parts.items()}
    imported = import_weights(of(shapes), model)
    assert all(name.startswith("backbone.") == (name in imported.arrays) for name in load_names(model))
    with pytest.raises(UserError, match=r"retinanet-resnet50"):
        import_weights(of(shapes), "retinanet-resnet50")


def test_ssd300_is_told_from_that_of_amdegroot_by_the_order_of_its_arrays():
    imported = import_weights(of(ssd300()), "ssd300-vgg16")
    assert (imported.missing, imported.unexpected) == ((), ())
    assert imported.settings == {"mean": (104, 117, 123), "std": (1, 1, 1), "anchor_preset": "ssd300-bubbliiiing"}
    other = import_weights(of(published.amdegroot_ssd300()), "ssd300-vgg16")
    assert other.settings["anchor_preset"] == "ssd300-caffe"
    assert "an early ssd-pytorch of bubbliiiing's" in other.notes[0]


RETINANET = {
    theirs: load_names("retinanet-resnet18")[ours]
    for ours, theirs in rename("retinanet-resnet18", bubbliiiing.RETINANET_RULES).items()
} | {"fpn.P6.weight": (256, 512, 3, 3)}


def test_retinanet_is_recognised_and_wants_its_own_input(monkeypatch, tmp_path):
    given = of(RETINANET)
    assert [name for name in ARCHITECTURES if fits(given, name)] == ["retinanet-resnet18"]
    monkeypatch.setattr("trizoo.weights.convert.read", lambda path: given)
    convert(tmp_path / "a.pth", tmp_path / "ours.h5")
    recipe = load(tmp_path / "ours.h5").recipe
    (tmp_path / "ours.h5").unlink()
    assert (recipe["input_size"], recipe["resize"]) == ([600, 600], "letterbox")
    assert (recipe["model"]["p6_from_c5"], recipe["model"]["anchor_preset"]) == (True, "retinanet-bubbliiiing")
    assert len(recipe["classes"]) == 80


def test_rows_of_retinanet_are_put_in_our_order():
    """Theirs begin with the three shapes of the least size, ours with the three sizes of the first shape."""
    rows = np.arange(36, dtype=np.float32)
    given = Weights("pytorch", published.filled(RETINANET) | {"regressionModel.output.bias": rows}, {})
    bias = import_weights(given, "retinanet-resnet18").arrays["head_box.predict_box.bias"]
    # x, y, width, height of the first shape's first size, then its second size, whose rows begin at 3 * 4
    assert bias[:8].tolist() == [1, 0, 3, 2, 13, 12, 15, 14]
    assert sorted(bias) == rows.tolist()


def of_rules(model, rules, settings):
    """A file's shapes by the rules of an importer, for COCO's 80 classes."""
    shapes = model_spec(model, 80, **settings).names(load_names(model))
    return {theirs: shapes[ours] for ours, theirs in rename(model, rules, shapes).items()}


SSD_MOBILENET = of_rules("ssd300-mobilenetv2", bubbliiiing.SSD_MOBILENET_RULES, bubbliiiing.SSD_MOBILENET)
SSD_MOBILENET |= {"L2Norm.weight": (96,)}


def test_ssd300_on_mobilenetv2_is_recognised():
    given = of(SSD_MOBILENET)
    assert [name for name in ARCHITECTURES if fits(given, name)] == ["ssd300-mobilenetv2"]
    imported = import_weights(given, "ssd300-mobilenetv2")
    names = {
        "l2_norm.scale": "L2Norm.weight",
        "backbone.blocks.12.project.bn.bias": "mobilenet.13.conv.3.bias",
        "backbone.last.conv.weight": "mobilenet.18.0.weight",
        "extras.0.expand.conv.weight": "extras.0.conv.0.0.weight",
        "extras.2.depthwise.bn.weight": "extras.2.conv.1.1.weight",
        "extras.3.project.conv.weight": "extras.3.conv.2.weight",
        "extras.3.project.bn.running_var": "extras.3.conv.3.running_var",
        "heads.5.predict_class.bias": "conf.5.bias",
    }
    assert {ours: imported.arrays[ours].flat[0] for ours in names} == {
        ours: given.arrays[theirs].flat[0] for ours, theirs in names.items()
    }


SE = {
    f"{block}.fc.{place}.weight": (32, 16) for block in ("feat1_att", "feat2_att", "upsample_att") for place in (0, 2)
}


@pytest.mark.parametrize(
    ("shapes", "model", "words"),
    [
        (YOLOS["yolov4"], "yolov3", r"yolov4-pytorch's YOLOv4 and no yolov3; --model yolov4 is needed"),
        (YOLOS["yolov3"] | {"extra.weight": (3,)}, "yolov3", r"but also holds extra\.weight, so it isn't the graph"),
        (
            {name: shape for name, shape in YOLOS["yolov4"].items() if not name.startswith("backbone.")},
            "yolov4",
            r"but lacks backbone\.stem\.conv\.weight",
        ),
        (
            YOLOS["yolov4-tiny"] | {"feat1_att.channelattention.fc1.weight": (32, 256, 1, 1)},
            "yolov4-tiny",
            "of another attention than SE, CBAM and ECA",
        ),
        (
            YOLOS["yolov4-tiny"] | SE | {"feat2_att.fc.0.weight": (16,)},
            "yolov4-tiny",
            r"of shape \(16,\); one of another",
        ),
        (
            YOLOS["yolov4-tiny"] | SE | {"feat2_att.conv.weight": (1, 1, 5)},
            "yolov4-tiny",
            "of another attention than SE, CBAM",
        ),
        (RETINANET | {"regressionModel.output.bias": (24,)}, "retinanet-resnet18", "with as many anchors a cell"),
        (RETINANET | {"classificationModel.output.bias": (24,)}, "retinanet-resnet18", "outputs of 9 anchors are"),
        (RETINANET | {"classificationModel.output.bias": ()}, "retinanet-resnet18", "outputs of 9 anchors are needed"),
        (ssd300() | {"extra.weight": (3,)}, "ssd300-vgg16", r"also holds extra\.weight"),
        (ssd300(), "ssd512-vgg16", "--model ssd300-vgg16 is needed"),
        (RETINANET, "yolov3", r"retinanet-pytorch's RetinaNet and no yolov3"),
        (SSD_MOBILENET, "ssd300-vgg16", "SSD300 on MobileNetV2 and no ssd300-vgg16; --model ssd300-mobilenetv2 is"),
        (SSD_MOBILENET | {"extra.weight": (3,)}, "ssd300-mobilenetv2", r"also holds extra\.weight"),
        (SSD_MOBILENET | {"loc.0.weight": (24, 576, 3, 3)}, "ssd300-mobilenetv2", r"needs \(24, 96, 3, 3\)"),
    ],
)
def test_another_network_is_one_sentence(shapes, model, words):
    with pytest.raises(UserError, match=rf"^a\.pth [^\n]*{words}[^\n]*$"):
        import_weights(of(shapes), model, "a.pth")


def numbered(model, *, first=1, by_depth=False):
    """A Keras file of Darknet's convolutions: layers numbered as they are made, from a number on."""
    convolutions, norms, groups = count(first), count(first), []

    def called(kind, number):
        return f"{kind}_{number}" if number else kind

    for *others, (_, (outputs, inputs, high, wide)) in layout(model, 80):
        layer = called("conv2d", next(convolutions))
        group = {f"{layer}/{layer}/kernel:0": (high, wide, inputs, outputs)}
        if len(others) == 1:
            group[f"{layer}/{layer}/bias:0"] = (outputs,)
        groups.append(group)
        if len(others) > 1:
            groups.append(published.keras_batch_norm(called("batch_normalization", next(norms)), outputs))
    if by_depth:
        groups = groups[::2] + groups[1::2]
    return {name: shape for group in groups for name, shape in group.items()}


@pytest.mark.parametrize("model", ["yolov3", "yolov3-tiny", "yolov4", "yolov4-tiny"])
@pytest.mark.parametrize("first", [0, 1, 107])
def test_numbers_say_which_layer_is_which(model, first):
    """In TF2 the first has none, in Keras 2 it is 1, and another behind other networks."""
    given = of(numbered(model, first=first, by_depth=True), "keras2")
    assert [name for name in ARCHITECTURES if fits(given, name)] == [model]
    imported = import_weights(given, model)
    in_order = published.filled(numbered(model, first=first))
    kernels = [array.flat[0] for name, array in in_order.items() if "kernel" in name]
    assert len(kernels) == len([name for name in load_names(model) if len(load_names(model)[name]) == 4])
    first_kernel = f"conv2d_{first}/conv2d_{first}/kernel:0" if first else "conv2d/conv2d/kernel:0"
    assert next(iter(imported.arrays.values())).flat[0] == given.arrays[first_kernel].flat[0]


@pytest.mark.parametrize(
    ("model", "given", "taken"),
    [
        ("yolov4-tiny", 6, [1, 2, 3, 4, 5]),  # none of its heads has the first
        ("yolov3-tiny", 6, [1, 2, 3, 3, 4, 5]),  # keras-yolo3's heads share one
        ("yolov4-tiny", 5, [0, 1, 2, 3, 4]),
    ],
)
def test_anchors_go_to_the_heads_that_have_them_there(model, given, taken):
    places = import_weights(of(numbered(model), "keras2"), model).anchor_places
    anchors = tuple((10.0 + number, 20.0 + number) for number in range(given))
    assert of_the_model(anchors, places) == tuple(anchors[number] for number in taken)


def test_keras_s_eps_goes_into_the_variance():
    variance = {"batch_normalization_1/batch_normalization_1/moving_variance:0": np.full(16, 0.25, np.float32)}
    given = Weights("keras2", published.filled(numbered("yolov3-tiny")) | variance, {})
    arrays = import_weights(given, "yolov3-tiny").arrays
    assert arrays["backbone.convs.0.bn.running_var"] == pytest.approx(0.25 + 1e-3 - 1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda shapes: shapes.popitem(), r"has 13 numbered convolutions and 11 batch norms|has nothing at"),
        (
            lambda shapes: shapes.update(published.keras_batch_norm("batch_normalization_40", 8)),
            r"has 13 numbered convolutions and 12 batch norms, yolov3-tiny 13 and 11",
        ),
        (
            lambda shapes: shapes.update({"conv2d_2/conv2d_2/kernel:0": (3, 3, 16, 24)}),
            r"has shape \(24, 16, 3, 3\) at conv2d_2\.weight, backbone\.convs\.1\.conv\.weight of yolov3-tiny is",
        ),
    ],
)
def test_another_numbered_network_is_one_sentence(change, words):
    shapes = numbered("yolov3-tiny")
    change(shapes)
    with pytest.raises(UserError, match=rf"^a\.h5 (?:{words})[^\n]*$"):
        import_weights(of(shapes, "keras2"), "yolov3-tiny", "a.h5")


def keras_ssd300():
    """ssd-keras's and -tf2's, of 20 classes."""
    shapes = {}
    for (_, inputs, outputs), name in zip(
        published.VGG16_CONVS,
        ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_1", "4_2", "4_3", "5_1", "5_2", "5_3"),
        strict=True,
    ):
        shapes |= published.keras_conv(f"conv{name}", inputs, outputs, 3)
    shapes |= published.keras_conv("fc6", 512, 1024, 3) | published.keras_conv("fc7", 1024, 1024, 1)
    for block, pair in enumerate(published.SSD_EXTRAS, 6):
        for number, numbers in enumerate(pair, 1):
            shapes |= published.keras_conv(f"conv{block}_{number}", *numbers)
    shapes["conv4_3_norm/conv4_3_norm/conv4_3_norm_gamma:0"] = (512,)
    levels = ("conv4_3_norm", "fc7", "conv6_2", "conv7_2", "conv8_2", "conv9_2")
    for level, (channels, anchors) in zip(levels, published.SSD_LEVELS, strict=True):
        shapes |= published.keras_conv(f"{level}_mbox_loc", channels, anchors * 4, 3)
        shapes |= published.keras_conv(f"{level}_mbox_conf", channels, anchors * 21, 3)
    return shapes


def test_ssd300_of_keras_is_recognised():
    given = of(keras_ssd300(), "keras2")
    assert [name for name in ARCHITECTURES if fits(given, name)] == ["ssd300-vgg16"]
    imported = import_weights(given, "ssd300-vgg16")
    assert imported.settings["anchor_preset"] == "ssd300-bubbliiiing"
    assert "pierluigiferrari" in imported.notes[0]
    norm = given.arrays["conv4_3_norm/conv4_3_norm/conv4_3_norm_gamma:0"]
    assert imported.arrays["l2_norm.scale"].flat[0] == norm.flat[0]


def deeplab(backbone):
    """deeplabv3-plus-keras's and -tf2's, of 21 classes: with a decoder, and a number for the last layer's name."""
    shapes = published.keras_deeplab(backbone, 3)
    shapes = {name: shape for name, shape in shapes.items() if "logits" not in name}
    if backbone == "mobilenetv2":
        whole = published.keras_deeplab("xception", 3).items()
        behind = ("aspp1", "aspp2", "aspp3", "feature_projection0", "decoder_conv", "concat_projection")
        more = {name: shape for name, shape in whole if name.startswith(behind)}
        sides = {2048: 320, 256: 24}  # of what the pyramid and the decoder begin with
        for name, shape in more.items():
            if "aspp" in name and ("depthwise" in name or "pointwise/" in name):
                more[name] = tuple(sides[2048] if side == 2048 else side for side in shape)
            if name == "feature_projection0/feature_projection0/kernel:0":
                more[name] = (1, 1, sides[256], 48)
        shapes |= more
    return shapes | published.keras_conv("conv2d_1", 256, 21, 1)


@pytest.mark.parametrize(
    ("backbone", "model"), [("xception", "deeplabv3plus-xception65"), ("mobilenetv2", "deeplabv3plus-mobilenetv2")]
)
def test_deeplab_of_keras_is_recognised(backbone, model):
    given = of(deeplab(backbone), "keras2")
    assert [name for name in ARCHITECTURES if fits(given, name)] == [model]
    imported = import_weights(given, model)
    assert imported.arrays["head.predict_class.weight"].shape == (21, 256, 1, 1)
    numbers = {float(array.flat[0]) for array in imported.arrays.values()}
    assert len(numbers) == len(imported.arrays)  # none is taken twice
    assert "half a pixel off" in imported.notes[-1]


def test_retinanet_keras_is_told_from_keras_retinanet_by_its_layers():
    shapes = published.keras_retinanet()
    fizyr = Weights("keras2", published.filled(shapes), {"layers": ("conv1", "pool1", "P3")})
    assert import_weights(fizyr, "retinanet-resnet50").missing == ()
    assert import_weights(fizyr, "retinanet-resnet50").settings["anchor_preset"] == "keras-retinanet-same"
    other = fizyr._replace(about={"layers": ("conv1", "max_pooling2d_1", "P3")})
    assert [name for name in ARCHITECTURES if fits(other, name)] == ["retinanet-resnet50"]
    imported = import_weights(other, "retinanet-resnet50")
    assert (imported.settings["anchor_preset"], imported.recipe["resize"]) == ("retinanet-keras", "stretch")
    variance = other.arrays["bn3a_branch1/bn3a_branch1/moving_variance:0"][0]
    ours = imported.arrays["backbone.stages.1.blocks.0.shortcut.bn.running_var"][0]
    assert ours == pytest.approx(float(variance) + 1e-3 - 1e-5, rel=1e-6)  # Keras's own eps
