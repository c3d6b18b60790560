import numpy as np
import pytest

from trizoo.commands.flags.weights import CLASS_LISTS
from trizoo.download.manifest import load_manifest
from trizoo.ground.errors import UserError
from trizoo.weights.classes import assign_classes, class_lists, predicts_classes, spread_classes
from trizoo.weights.importers.imported import Imported
from trizoo.weights.names import load_names

NAME = {"retinanet-resnet18": "head_class.predict_class", "ssd300-vgg16": "heads.2.predict_class"}
ANCHORS = {"retinanet-resnet18": 9, "ssd300-vgg16": 6}
FIRST = "heads.0.predict_class"  # of SSD: 4 anchors a cell


def imported(model, outputs, background=False):
    """The predicting arrays alone: the bias of output k of anchor a is 1000 a + k."""
    arrays = {}
    for module, anchors in ((NAME[model], ANCHORS[model]), *([(FIRST, 4)] if model.startswith("ssd") else [])):
        bias = (1000 * np.arange(anchors)[:, None] + np.arange(outputs)).astype(np.float32).reshape(-1)
        arrays |= {f"{module}.weight": np.repeat(bias[:, None], 6, 1).reshape(-1, 6, 1, 1), f"{module}.bias": bias}
    return Imported(arrays, (), background=background)


def biases(arrays, model):
    return arrays[f"{NAME[model]}.bias"].reshape(ANCHORS[model], -1)


def test_a_retinanet_s_background_and_gaps_are_left_out():
    lists = load_manifest().class_lists
    model = "retinanet-resnet18"
    arrays, names = assign_classes(imported(model, 91, background=True), model, lists["coco91"], "a.pth")
    assert names == list(lists["coco80"])
    # COCO's numbers: person 1, bicycle 2, fire hydrant 11, stop sign 13, toothbrush 90
    kept = biases(arrays, model)
    assert kept.shape == (9, 80)
    assert kept[0, [0, 1, 10, 11, 79]].tolist() == [1, 2, 11, 13, 90]
    assert kept[8, [0, 79]].tolist() == [8001, 8090]
    assert arrays["head_class.predict_class.weight"].shape == (720, 6, 1, 1)
    assert arrays["head_class.predict_class.weight"][80, 3, 0, 0] == 1001


def test_the_classes_of_ones_own_retinanet_of_torchvision():
    """Labels from 1, or from 0 where a name is given for each output."""
    model = "retinanet-resnet18"
    given = imported(model, 3, background=True)
    arrays, names = assign_classes(given, model, None, "a.pth")
    assert (names, biases(arrays, model)[1].tolist()) == (["class-0", "class-1"], [1001, 1002])
    arrays, names = assign_classes(given, model, ["cat", "dog"], "a.pth")
    assert (names, biases(arrays, model)[1].tolist()) == (["cat", "dog"], [1001, 1002])
    arrays, names = assign_classes(given, model, ["__background__", "cat", "dog"], "a.pth")
    assert (names, biases(arrays, model)[1].tolist()) == (["cat", "dog"], [1001, 1002])
    arrays, names = assign_classes(given, model, ["cat", "dog", "cow"], "a.pth")
    assert (names, biases(arrays, model)[1].tolist()) == (["cat", "dog", "cow"], [1000, 1001, 1002])


def test_a_retinanet_without_a_background_keeps_all():
    model = "retinanet-resnet18"
    arrays, names = assign_classes(imported(model, 2), model, ["cat", "dog"], "a.h5")
    assert (names, biases(arrays, model)[2].tolist()) == (["cat", "dog"], [2000, 2001])


def test_an_ssd_keeps_all_outputs_since_they_share_a_softmax():
    lists = load_manifest().class_lists
    given = imported("ssd300-vgg16", 91)
    arrays, names = assign_classes(given, "ssd300-vgg16", lists["coco91"], "a.pth")
    assert arrays is given.arrays
    assert len(names) == 90
    assert (names[0], names[11], names[12], names[89]) == ("person", "N/A 12", "stop sign", "toothbrush")
    assert len(set(names)) == 90
    assert assign_classes(imported("ssd300-vgg16", 3), "ssd300-vgg16", ["cat", "dog"], "a.pth")[1] == ["cat", "dog"]
    assert assign_classes(imported("ssd300-vgg16", 3), "ssd300-vgg16", None, "a.pth")[1] == ["class-0", "class-1"]


def test_a_backbone_has_no_classes():
    given = Imported({"backbone.stem.conv.weight": np.zeros((64, 3, 7, 7), np.float32)}, ())
    assert assign_classes(given, "retinanet-resnet18", None, "a.pth") == (given.arrays, [])


@pytest.mark.parametrize(
    ("model", "outputs", "names", "words"),
    [
        (
            "retinanet-resnet18",
            91,
            ["cat", "dog"],
            r"a\.pth holds retinanet-resnet18 for 90 classes and 2 names were given",
        ),
        ("ssd300-vgg16", 21, ["cat"], "holds ssd300-vgg16 for 20 classes and one name, cat, was given"),
        ("ssd300-vgg16", 21, ["cat"] * 21, "for 20 classes and 21 names"),
    ],
)
def test_another_number_of_names_is_a_sentence(model, outputs, names, words):
    with pytest.raises(UserError, match=words):
        assign_classes(imported(model, outputs, background=model.startswith("ret")), model, names, "a.pth")


def test_outputs_that_the_anchors_cannot_share_are_a_sentence():
    given = Imported({"head_class.predict_class.bias": np.zeros(20, np.float32)}, ())
    with pytest.raises(UserError, match=r"a\.pth has 20 outputs a cell .*which 9 anchors can't share"):
        assign_classes(given, "retinanet-resnet18", None, "a.pth")


def test_spreading_puts_classes_back_and_others_never_see_anything():
    model = "retinanet-resnet18"
    given = imported(model, 3, background=True)
    kept, _ = assign_classes(given, model, ["cat", "dog"], "a.pth")
    spread = spread_classes(kept, 9, [1, 2], 3, -4.5)
    assert biases(spread, model)[:, 1:].tolist() == biases(given.arrays, model)[:, 1:].tolist()
    assert biases(spread, model)[:, 0].tolist() == [-4.5] * 9
    weights = spread["head_class.predict_class.weight"].reshape(9, 3, 6)
    assert not weights[:, 0].any()
    assert np.array_equal(weights[:, 1:], given.arrays["head_class.predict_class.weight"].reshape(9, 3, 6)[:, 1:])


def test_names_files_have_these_anchors():
    for model, module in NAME.items():
        outputs = 80 + model.startswith("ssd")
        assert load_names(model)[f"{module}.bias"] == (ANCHORS[model] * outputs,)


@pytest.mark.parametrize(
    ("model", "wanted"), [("yolov3", 6), ("ssd300-vgg16", 12), ("retinanet-resnet18", 2), ("retinanet-resnet50-v2", 2)]
)
def test_what_predicts_classes_is_known_by_name(model, wanted):
    """Kernel and bias of 3 and 6 heads, and of one that all levels share."""
    assert sum(map(predicts_classes, load_names(model))) == wanted


def test_a_background_among_the_classes_of_pixels_is_called_as_data_sets_call_it():
    model = "deeplabv3-resnet50"
    arrays = {"head.predict_class.weight": np.zeros((21, 256, 1, 1)), "head.predict_class.bias": np.arange(21.0)}
    lists = load_manifest().class_lists
    given, names = assign_classes(Imported(arrays, ()), model, lists["voc21"], "a.pth")
    assert names == ["background", *lists["voc20"]]
    assert given["head.predict_class.bias"].tolist() == list(range(21))
    with pytest.raises(UserError, match=r"a\.pth holds deeplabv3-resnet50 for 21 classes and 19 names were given"):
        assign_classes(Imported(arrays, ()), model, lists["voc20"][1:], "a.pth")
    assert assign_classes(Imported(arrays, ()), model, lists["voc20"], "a.pth")[1] == names


def test_a_data_set_s_name_is_a_list_too():
    lists = class_lists()
    assert lists["voc2012"] == lists["voc20"]
    assert lists["coco2017"] == lists["coco80"]
    assert tuple(lists) == CLASS_LISTS  # as --help has them
