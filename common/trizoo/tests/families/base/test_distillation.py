import math

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.base.distillation import feature_error, sigmoid_divergence, softmax_divergence
from trizoo.ground.errors import UserError


def test_divergence_of_softmax_is_that_of_its_probabilities():
    taught, logits = np.log([[0.5, 0.5]]), np.log([[0.75, 0.25]])
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert softmax_divergence(logits, taught, 1) == pytest.approx([expected])
    assert softmax_divergence(taught, taught, 3) == pytest.approx([0])


def test_a_temperature_divides_logits_and_multiplies_by_its_square():
    taught, logits = np.array([[4.0, 0.0, -2.0]]), np.array([[1.0, 2.0, 3.0]])
    assert softmax_divergence(logits, taught, 2) == pytest.approx(4 * softmax_divergence(logits / 2, taught / 2, 1))


def test_divergence_of_a_sigmoid_is_that_of_two_classes():
    expected = 0.2 * math.log(0.2 / 0.6) + 0.8 * math.log(0.8 / 0.4)
    assert sigmoid_divergence(math.log(0.6 / 0.4), math.log(0.2 / 0.8)) == pytest.approx(expected)


def test_features_are_compared_in_units_of_the_teachers():
    features = np.array([[2.0, 2.0], [200.0, 200.0]])
    assert feature_error(np.array([[2.0, 1.0], [200.0, 100.0]]), features) == pytest.approx([0.125, 0.125])
    assert feature_error(np.full((1, 2), 0.1), np.zeros((1, 2))) == pytest.approx([10])  # of next to nothing


@pytest.mark.parametrize(
    ("student", "teacher", "numbers"),
    [
        ("yolov3-tiny", "yolov3-tiny", [0, 1]),
        ("yolov3-tiny", "yolov3", [0, 1]),
        ("yolov4-tiny", "yolov4", [0, 1]),
        ("yolov3", "yolov4", [0, 1, 2]),
        ("retinanet-resnet18", "retinanet-resnet50", [0, 1]),
        ("classify-mobilenetv2", "classify-resnet50", [0]),
        ("deeplabv3plus-mobilenetv2", "pspnet-resnet50", [0]),
    ],
)
def test_a_model_learns_the_outputs_that_mean_the_same(student, teacher, numbers):
    spec, other = model_spec(student, 3), model_spec(teacher, 3)
    taught, found = spec.taught_by(other, (64, 64))
    assert found == numbers
    assert taught.name == teacher
    if spec.family == "yolo":
        assert taught.strides == spec.strides


@pytest.mark.parametrize(
    ("student", "teacher", "sentence"),
    [
        ("yolov3", "yolov3-tiny", "yolov3 has 3 anchors a cell at stride 8, and its teacher yolov3-tiny no output"),
        (
            "ssd300-mobilenetv2",
            "ssd300-vgg16",
            "ssd300-mobilenetv2 has 3000 anchors at 300x300 pixels, and its teacher",
        ),
        (
            "retinanet-resnet18",
            "yolov3",
            "retinanet-resnet18 can't learn the outputs of the teacher yolov3; another teacher, or .*=1, would do",
        ),
        (
            "embed-resnet18",
            "embed-resnet18",
            "embed-resnet18 can't learn the outputs of .*; --set distill.outputs=0 --set distill.features=1 would",
        ),
    ],
)
def test_outputs_that_mean_others_are_refused(student, teacher, sentence):
    with pytest.raises(UserError, match=sentence):
        model_spec(student, 3).taught_by(model_spec(teacher, 3), (300, 300))


def test_a_teacher_with_anchors_of_another_scale_is_told_by_it():
    """Anchors that a run chooses by its boxes aren't those of a teacher of other boxes."""
    student, teacher = (model_spec("retinanet-resnet18", 3, anchor_scale=scale) for scale in (0.42, 1))
    with pytest.raises(UserError, match=r"has others \(\d+\); --set model\.anchor_scale=1, the teacher's, another"):
        student.taught_by(teacher, (64, 64))
    assert teacher.taught_by(model_spec("retinanet-resnet34", 3), (64, 64))
