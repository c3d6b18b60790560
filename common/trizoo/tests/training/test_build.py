import pytest

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe
from trizoo.training.build import build_model, check_anchors, tell_size
from trizoo.weights.checkpoint import Checkpoint


def checkpoint(preset, part="model", **options):
    return Checkpoint({}, {"model": {"anchor_preset": preset, **options}}, "pytorch", state={"origin": {"part": part}})


def test_weights_of_other_anchors_are_a_sentence():
    caffe = model_spec("ssd300-vgg16", 20, anchor_preset="ssd300-caffe")
    with pytest.raises(
        UserError, match=r"^a\.h5 was trained with the anchors ssd300, .* model\.anchor_preset ssd300-caffe"
    ):
        check_anchors(checkpoint(None), caffe, "a.h5")
    check_anchors(checkpoint("ssd300-caffe"), caffe, "a.h5")
    check_anchors(checkpoint("ssd300"), model_spec("ssd300-vgg16", 20), "a.h5")
    fizyr = model_spec("retinanet-resnet50", 20, anchor_preset="keras-retinanet")
    with pytest.raises(UserError, match="trained with the anchors retinanet, "):
        check_anchors(checkpoint(None), fizyr, "a.h5")
    scaled = model_spec("retinanet-resnet50", 20, anchor_scale=0.7)
    with pytest.raises(UserError, match=r"trained with anchors times 1\.0, which don't fit model\.anchor_scale 0\.7; "):
        check_anchors(checkpoint(None), scaled, "a.h5")
    check_anchors(checkpoint(None, anchor_scale=0.7), scaled, "a.h5")


def test_a_backbone_and_a_model_without_presets_fit_any_anchors():
    check_anchors(
        checkpoint(None, part="backbone"), model_spec("ssd300-vgg16", 20, anchor_preset="ssd300-caffe"), "a.h5"
    )
    check_anchors(checkpoint(None), model_spec("yolov3", 20), "a.h5")


@pytest.mark.parametrize(
    "name", ["deeplabv3plus-mobilenetv2", "yolov3-tiny", "ssd300-mobilenetv2", "retinanet-resnet18"]
)
def test_class_weights_for_another_number_of_classes_are_refused_before_a_model_is_built(name):
    given = [("classes", ["a", "b"], "test"), ("loss.class_weights", [1.0], "test")]
    recipe = load(Recipe, base=name, overrides=given).recipe
    with pytest.raises(
        UserError, match=r"^loss\.class_weights holds 1 number; one for each of the 2 classes is needed"
    ):
        build_model(None, recipe, "cpu", print)


@pytest.mark.parametrize(
    ("saved", "line"),
    [
        (
            {"input_size": [320, 192], "resize": "stretch"},
            "weights: they were trained at 320x192 (stretch), and this run is at 416x416 (letterbox); --input-size "
            "320x192 --set resize=stretch would keep to theirs",
        ),
        ({"input_size": [416, 416], "resize": "letterbox"}, None),
        ({}, None),
    ],
)
def test_weights_of_another_size_are_told(saved, line):
    lines = []
    tell_size(saved, load(Recipe, base="yolov3-tiny").recipe, lines.append)
    assert lines == ([] if line is None else [line])
