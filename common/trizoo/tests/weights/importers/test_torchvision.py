import numpy as np
import pytest

from trizoo.ground.errors import UserError
from trizoo.tests.weights.importers import published
from trizoo.weights.importers import fits, import_weights
from trizoo.weights.importers.torchvision import export_names
from trizoo.weights.names import load_names
from trizoo.weights.readers import Weights

IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))  # 0.485 * 255 ...


def of(shapes, **changes):
    return Weights("pytorch", published.filled(shapes) | changes, {})


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        (published.resnet(18), 11_689_512),
        (published.resnet(34), 21_797_672),
        (published.resnet(50), 25_557_032),
        (published.resnet(101), 44_549_160),
        (published.resnet(152), 60_192_808),
        (published.vgg16(), 138_357_544),
        (published.mobilenet_v2(), 3_504_872),
        (published.ssd300_vgg16(), 35_641_826),
        # frozen batch norms count as no parameters: ResNet-50 has 26,560 channels of two each
        (published.retinanet(old=True, counted=False), 34_014_999 + 2 * 26_560),
        (published.retinanet(v2=True), 38_198_935),
        (published.deeplabv3(50), 42_004_074),
        (published.deeplabv3(101), 60_996_202),
    ],
)
def test_the_lists_of_names_have_as_many_parameters_as_torchvision_publishes(shapes, count):
    assert published.parameters(shapes) == count


@pytest.mark.parametrize(
    ("shapes", "model"),
    [
        (published.ssd300_vgg16(), "ssd300-vgg16"),
        (published.retinanet(), "retinanet-resnet50"),
        (published.retinanet(old=True, counted=False), "retinanet-resnet50"),
        (published.retinanet(v2=True), "retinanet-resnet50-v2"),
        (published.deeplabv3(50, auxiliary=False), "deeplabv3-resnet50"),
        (published.deeplabv3(101, auxiliary=False), "deeplabv3-resnet101"),
    ],
)
def test_whole_models_are_imported_without_a_missing_or_unexpected_name(shapes, model):
    imported = import_weights(of(shapes), model)
    assert (imported.missing, imported.unexpected, imported.notes) == ((), (), ())
    assert list(imported.arrays) == list(load_names(model))
    numbers = {float(array.flat[0]) for name, array in imported.arrays.items() if "running_var" not in name}
    assert len(numbers) == len([name for name in imported.arrays if "running_var" not in name])  # none is taken twice


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_a_resnet_becomes_a_backbone_and_its_classifier_is_told(depth):
    model = f"retinanet-resnet{depth}"
    imported = import_weights(of(published.resnet(depth)), model)
    wanted = {name: shape for name, shape in load_names(model).items() if name.startswith("backbone.")}
    assert {name: array.shape for name, array in imported.arrays.items()} == wanted
    assert imported.unexpected == ("fc.weight", "fc.bias")
    assert (imported.settings["mean"], imported.settings["std"]) == IMAGENET


CLASSIFIERS = [
    *((published.resnet(depth), f"classify-resnet{depth}") for depth in (18, 34, 50, 101, 152)),
    (published.mobilenet_v2(), "classify-mobilenetv2"),
]


@pytest.mark.parametrize(("shapes", "model"), CLASSIFIERS)
def test_a_classifier_is_imported_with_its_last_layer(shapes, model):
    imported = import_weights(of(shapes), model)
    assert (imported.missing, imported.unexpected, imported.notes) == ((), (), ())
    assert list(imported.arrays) == list(load_names(model))
    layer = "fc" if "resnet" in model else "classifier.1"
    kernel, inputs = imported.arrays["head.predict.weight"], shapes[f"{layer}.weight"][1]
    assert kernel.shape == (1000, inputs, 1, 1)
    assert kernel.flat[0] == of(shapes).arrays[f"{layer}.weight"].flat[0]
    assert imported.arrays["head.predict.bias"].flat[0] == of(shapes).arrays[f"{layer}.bias"].flat[0]


@pytest.mark.parametrize(("shapes", "model"), CLASSIFIERS)
def test_a_classifiers_names_go_back_to_torchvision(shapes, model):
    theirs = export_names(model, "model")
    assert list(theirs) == list(load_names(model))
    assert set(theirs.values()) == {name for name in shapes if not name.endswith("tracked")}


def test_a_resnet_without_its_last_layer_is_the_backbone_of_a_classifier():
    imported = import_weights(of(published.resnet(18, classifier=False)), "classify-resnet18")
    assert imported.missing == ("head.predict.weight", "head.predict.bias")


def test_the_last_layer_of_vgg16_does_not_fit_and_a_note_says_why():
    given = of(published.vgg16())
    for place in (0, 3):
        shape = published.vgg16()[f"classifier.{place}.weight"]
        rows = np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)  # numbers, so that it counts as trained
        given.arrays[f"classifier.{place}.weight"] = rows
        given.arrays[f"classifier.{place}.bias"] = np.arange(4096, dtype=np.float32)
    imported = import_weights(given, "classify-vgg16")
    assert imported.missing == ("head.predict.weight", "head.predict.bias")
    assert imported.unexpected == ("classifier.6.weight", "classifier.6.bias")
    assert "takes 4096 channels, of which the zoo's VGG16 keeps every fourth" in imported.notes[0]


@pytest.mark.parametrize("depth", [50, 101])
def test_the_auxiliary_classifier_is_left_out_and_a_note_says_so(depth):
    model = f"deeplabv3-resnet{depth}"
    imported = import_weights(of(published.deeplabv3(depth)), model)
    assert (imported.missing, imported.unexpected) == ((), ())
    assert {name: array.shape for name, array in imported.arrays.items()} == load_names(model) | {
        "head.predict_class.weight": (21, 256, 1, 1),
        "head.predict_class.bias": (21,),
    }
    assert len(imported.notes) == 1
    assert "auxiliary classifier" in imported.notes[0]


def test_mobilenet_v2_becomes_a_backbone():
    imported = import_weights(of(published.mobilenet_v2()), "ssd300-mobilenetv2")
    wanted = [name for name in load_names("ssd300-mobilenetv2") if name.startswith("backbone.")]
    assert list(imported.arrays) == wanted
    assert imported.unexpected == ("classifier.1.weight", "classifier.1.bias")


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        *((f"{kind}-resnet50", published.resnet(50)) for kind in ("deeplabv3", "deeplabv3plus", "pspnet")),
        *((f"{kind}-resnet101", published.resnet(101)) for kind in ("deeplabv3", "deeplabv3plus")),
        *((f"{kind}-mobilenetv2", published.mobilenet_v2()) for kind in ("deeplabv3", "deeplabv3plus", "pspnet")),
    ],
)
def test_classifiers_become_backbones_of_segmentation_models(model, shapes):
    """MobileNetV2 loses its last convolution, which only classifies there."""
    imported = import_weights(of(shapes), model)
    wanted = {name: shape for name, shape in load_names(model).items() if name.startswith("backbone.")}
    assert {name: array.shape for name, array in imported.arrays.items()} == wanted
    last = published.batch_norm("features.18.1", 1280, counted=False)
    lost = ("features.18.0.weight", *last, "classifier.1.weight", "classifier.1.bias")
    assert imported.unexpected == (lost if "mobilenet" in model else ("fc.weight", "fc.bias"))
    assert (imported.settings["mean"], imported.settings["std"]) == IMAGENET


def test_mobilenet_v2_with_its_parts_in_a_row_is_the_same():
    """conv.0 .1 .3 .4 .6 .7 instead of conv.0.0 .0.1 .1.0 .1.1 .2 .3."""
    arrays, flat = published.filled(published.mobilenet_v2()), {}
    for name, array in arrays.items():
        block, _, rest = name.partition(".conv.")
        if rest:
            place, *more = rest.split(".")
            last = 1 if block == "features.1" else 2  # the projection, whose norm is one place on
            number = 3 * int(place) + int(more[0]) if len(more) == 2 else 3 * last + int(place) - last
            name = f"{block}.conv.{number}.{more[-1]}"
        flat[name] = array
    assert "features.17.conv.7.running_var" in flat
    assert len(flat) == len(arrays)
    usual, other = (import_weights(Weights("pytorch", each, {}), "ssd300-mobilenetv2") for each in (arrays, flat))
    assert usual.arrays.keys() == other.arrays.keys()
    assert all(
        array is other.arrays[name] or np.array_equal(array, other.arrays[name]) for name, array in usual.arrays.items()
    )
    assert usual.settings == other.settings


def test_vgg16_s_features_alone_have_the_normalisation_of_the_whole():
    arrays = published.filled(
        {name: shape for name, shape in published.vgg16().items() if name.startswith("features.")}
    )
    imported = import_weights(Weights("pytorch", arrays, {}), "ssd300-vgg16")
    assert imported.settings["mean"] == (123.675, 116.28, 103.53)
    assert "its normalisation isn't in it" in imported.notes[1]


@pytest.mark.parametrize("model", ["ssd300-vgg16", "ssd512-vgg16"])
def test_vgg16_becomes_a_backbone_with_its_classifier_decimated(model):
    """Every fourth of 4096 rows; of 7 x 7 places 0, 3 and 6, so from 0 + 49 channel + 7 row + column."""
    rows, places = np.arange(4096, dtype=np.float32), np.arange(25088, dtype=np.float32)
    given = of(
        published.vgg16(),
        **{
            "classifier.0.weight": np.broadcast_to(places, (4096, 25088)),
            "classifier.0.bias": rows,
            "classifier.3.weight": 10 * rows[:, None] + rows,
            "classifier.3.bias": rows,
        },
    )
    imported = import_weights(given, model)
    wanted = {name: shape for name, shape in load_names(model).items() if name.startswith("backbone.")}
    assert {name: array.shape for name, array in imported.arrays.items()} == wanted
    assert imported.unexpected == ("classifier.6.weight", "classifier.6.bias")
    fc6 = imported.arrays["backbone.fc6.conv.weight"]
    assert fc6[5, 2].tolist() == [[98, 101, 104], [119, 122, 125], [140, 143, 146]]
    assert imported.arrays["backbone.fc6.conv.bias"].tolist() == list(range(0, 4096, 4))
    fc7 = imported.arrays["backbone.fc7.conv.weight"]
    assert fc7[3, 7, 0, 0] == 10 * 4 * 3 + 4 * 7
    assert imported.notes == ()


def test_vgg16_without_numbers_in_its_classifier_reinitialises_the_reduced_layers():
    nan = {f"classifier.{n}.{leaf}": np.full(4096, np.nan, np.float32) for n in (0, 3) for leaf in ("weight", "bias")}
    imported = import_weights(of(published.vgg16(), **nan), "ssd300-vgg16")
    assert all(name in imported.arrays for name in load_names("ssd300-vgg16") if name.startswith("backbone."))
    assert np.isfinite(imported.arrays["backbone.fc6.conv.weight"]).all()
    assert "fc6 and fc7 aren't in it and are re-initialised" in imported.notes[0]
    assert imported.settings["std"] == (1.0, 1.0, 1.0)


def test_some_names_worked_by_hand():
    given = of(published.retinanet(old=True, counted=False))
    arrays = import_weights(given, "retinanet-resnet50").arrays
    for ours, theirs in {
        "backbone.stem.conv.weight": "backbone.body.conv1.weight",
        "backbone.stages.2.blocks.5.conv3.bn.bias": "backbone.body.layer3.5.bn3.bias",
        "backbone.stages.3.blocks.0.shortcut.conv.weight": "backbone.body.layer4.0.downsample.0.weight",
        "fpn.lateral_c4.conv.weight": "backbone.fpn.inner_blocks.1.weight",
        "fpn.output_p5.conv.bias": "backbone.fpn.layer_blocks.2.bias",
        "fpn.p6.conv.weight": "backbone.fpn.extra_blocks.p6.weight",
        "head_class.tower.3.conv.weight": "head.classification_head.conv.6.weight",
        "head_class.predict_class.bias": "head.classification_head.cls_logits.bias",
        "head_box.predict_box.weight": "head.regression_head.bbox_reg.weight",
    }.items():
        assert arrays[ours].flat[0] == given.arrays[theirs].flat[0], ours


def test_some_names_of_deeplabv3_worked_by_hand():
    """torchvision's pyramid: 1x1, three dilated 3x3, the pool, whose place 0 is the pooling itself."""
    given = of(published.deeplabv3())
    arrays = import_weights(given, "deeplabv3-resnet50").arrays
    for ours, theirs in {
        "backbone.stem.bn.running_mean": "backbone.bn1.running_mean",
        "backbone.stages.3.blocks.0.shortcut.bn.weight": "backbone.layer4.0.downsample.1.weight",
        "aspp.conv.conv.weight": "classifier.0.convs.0.0.weight",
        "aspp.dilated.0.conv.weight": "classifier.0.convs.1.0.weight",
        "aspp.dilated.2.bn.running_var": "classifier.0.convs.3.1.running_var",
        "aspp.pool.conv.weight": "classifier.0.convs.4.1.weight",
        "aspp.pool.bn.bias": "classifier.0.convs.4.2.bias",
        "aspp.project.conv.weight": "classifier.0.project.0.weight",
        "head.conv.conv.weight": "classifier.1.weight",
        "head.conv.bn.running_mean": "classifier.2.running_mean",
        "head.predict_class.bias": "classifier.4.bias",
    }.items():
        assert arrays[ours].flat[0] == given.arrays[theirs].flat[0], ours


def test_what_a_recipe_must_say_comes_along():
    ssd = import_weights(of(published.ssd300_vgg16()), "ssd300-vgg16")
    assert ssd.settings["anchor_preset"] == "ssd300"
    assert ssd.settings["mean"] == pytest.approx((0.48235 * 255, 0.45882 * 255, 0.40784 * 255))
    assert ssd.settings["std"] == (1, 1, 1)
    assert not ssd.background  # ours is the file's
    v1 = import_weights(of(published.retinanet()), "retinanet-resnet50")
    v2 = import_weights(of(published.retinanet(v2=True)), "retinanet-resnet50-v2")
    assert (v1.settings["anchor_preset"], v1.settings["p6_from_c5"]) == ("retinanet", False)
    assert v2.settings["p6_from_c5"]
    assert v1.background
    assert v2.background
    deeplab = import_weights(of(published.deeplabv3()), "deeplabv3-resnet50")
    assert (deeplab.settings["mean"], deeplab.settings["std"]) == IMAGENET
    assert deeplab.settings.keys() == {"mean", "std"}  # the model's own output stride is torchvision's
    assert not deeplab.background  # a class as any other


@pytest.mark.parametrize(
    ("shapes", "changed"),
    [
        (published.retinanet(old=True, counted=False), True),  # COCO_V1, frozen, of eps 0
        (published.retinanet(20, old=True, counted=False), False),  # one's own
        (published.retinanet(old=True), False),
        (published.retinanet(), False),
    ],
)
def test_the_eps_of_coco_v1_goes_into_the_variance(shapes, changed):
    given = of(shapes, **{"backbone.body.bn1.running_var": np.linspace(0, 1, 64, dtype=np.float32)})
    variance = import_weights(given, "retinanet-resnet50").arrays["backbone.stem.bn.running_var"]
    theirs = given.arrays["backbone.body.bn1.running_var"]
    if not changed:
        assert np.array_equal(variance, theirs)
        return
    # what the network computes: variance + 1e-5 in float32, theirs + 0
    assert np.allclose(variance[1:] + np.float32(1e-5), theirs[1:], rtol=1e-6)
    assert 0 < variance[0] + np.float32(1e-5) < 2e-10  # a channel that never varies can't make an infinity


@pytest.mark.parametrize(
    ("shapes", "model", "words"),
    [
        (published.resnet(34), "retinanet-resnet18", r"torchvision's ResNet and also holds layer1\.2\.conv1\.weight"),
        (published.resnet(18), "retinanet-resnet34", r"lacks backbone\.stages\.0\.blocks\.2\.conv1\.conv\.weight"),
        (
            published.resnet(50),
            "retinanet-resnet18",
            r"holds layer1\.0\.conv1\.weight of shape \(64, 64, 1, 1\).*weights of this model are needed",
        ),
        (published.resnet(50), "ssd300-vgg16", "torchvision's ResNet and has nothing in common with it"),
        (published.retinanet(), "ssd300-vgg16", "a RetinaNet of torchvision's and no ssd300-vgg16"),
        (published.ssd300_vgg16(), "ssd512-vgg16", "torchvision's SSD on VGG16 and no ssd512-vgg16"),
        (published.mobilenet_v2(), "retinanet-resnet50", r"holds features\.0\.0\.weight of shape \(32, 3, 3, 3\)"),
        (published.vgg16(), "retinanet-resnet50", "torchvision's VGG16 and has nothing in common"),
        (published.deeplabv3(), "deeplabv3plus-resnet50", "torchvision's DeepLabv3 and no deeplabv3plus-resnet50"),
        (published.deeplabv3(), "deeplabv3-resnet101", r"DeepLabv3 and lacks backbone\.stages\.2\.blocks\.6\."),
        (
            published.deeplabv3(101),
            "deeplabv3-resnet50",
            r"and also holds backbone\.layer3\.6\.conv1\.weight",
        ),
    ],
)
def test_weights_of_another_network_are_a_sentence(shapes, model, words):
    with pytest.raises(UserError, match=words) as caught:
        import_weights(of(shapes), model, "a.pth")
    assert str(caught.value).startswith("a.pth ")
    assert "\n" not in str(caught.value)


def test_other_anchors_are_a_sentence():
    shapes = published.ssd300_vgg16() | {"head.regression_head.module_list.0.weight": (24, 512, 3, 3)}
    with pytest.raises(UserError, match=r"shape \(24, 512, 3, 3\), ssd300-vgg16 needs \(16, .*as many anchors a cell"):
        import_weights(of(shapes), "ssd300-vgg16")


def test_a_file_says_which_model_it_is():
    models = (
        "retinanet-resnet18",
        "retinanet-resnet50",
        "retinanet-resnet50-v2",
        "retinanet-resnet101",
        "ssd300-vgg16",
        "deeplabv3-resnet50",
        "deeplabv3-resnet101",
        "deeplabv3plus-resnet50",
    )
    for shapes, model in (
        (published.deeplabv3(50), "deeplabv3-resnet50"),
        (published.deeplabv3(101), "deeplabv3-resnet101"),
        (published.retinanet(), "retinanet-resnet50"),
        (published.retinanet(old=True, counted=False), "retinanet-resnet50"),
        (published.retinanet(v2=True), "retinanet-resnet50-v2"),
        (published.ssd300_vgg16(), "ssd300-vgg16"),
    ):
        assert [name for name in models if fits(of(shapes), name)] == [model]


@pytest.mark.parametrize(
    ("model", "part", "shapes"),
    [
        ("ssd300-vgg16", "model", published.ssd300_vgg16(81)),
        ("retinanet-resnet50", "model", published.retinanet(80)),
        ("retinanet-resnet50-v2", "model", published.retinanet(80, v2=True)),
        ("deeplabv3-resnet50", "model", published.deeplabv3(50, 80, auxiliary=False)),
        ("deeplabv3-resnet101", "model", published.deeplabv3(101, 80, auxiliary=False)),
        ("deeplabv3plus-resnet101", "backbone", published.resnet(101, classifier=False)),
        ("retinanet-resnet18", "backbone", published.resnet(18, classifier=False)),
        ("retinanet-resnet152", "backbone", published.resnet(152, classifier=False)),
        ("ssd300-mobilenetv2", "backbone", published.mobilenet_v2()),
    ],
)
def test_names_go_back_to_those_of_torchvision(model, part, shapes):
    """80 classes, as names files have, in the outputs that a RetinaNet of 80 labels would have."""
    wanted = {name: shape for name, shape in shapes.items() if not name.endswith("tracked")}
    if part == "backbone":
        wanted = {name: shape for name, shape in wanted.items() if not name.startswith("classifier")}
    names = load_names(model)
    assert {theirs: names[ours] for ours, theirs in export_names(model, part).items()} == wanted


@pytest.mark.parametrize(
    ("model", "part"),
    [
        ("yolov3", "model"),
        ("ssd512-vgg16", "model"),
        ("deeplabv3plus-resnet50", "model"),
        ("ssd300-vgg16", "backbone"),
        ("yolov4", "backbone"),
    ],
)
def test_a_model_that_torchvision_has_not_is_a_sentence(model, part):
    with pytest.raises(UserError, match=f"torchvision has no {model}"):
        export_names(model, part)
