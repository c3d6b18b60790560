import pytest

from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.training.build import check_anchors
from trizoo.weights.checkpoint import Checkpoint


def checkpoint(preset, part="model"):
    return Checkpoint({}, {"model": {"anchor_preset": preset}}, "pytorch", state={"origin": {"part": part}})


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


def test_a_backbone_and_a_model_without_presets_fit_any_anchors():
    check_anchors(
        checkpoint(None, part="backbone"), model_spec("ssd300-vgg16", 20, anchor_preset="ssd300-caffe"), "a.h5"
    )
    check_anchors(checkpoint(None), model_spec("yolov3", 20), "a.h5")
