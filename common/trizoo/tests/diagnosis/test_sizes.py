"""What sizes of boxes say: at the input size, and against the model's anchors where they lie."""

import re

import numpy as np
import pytest

from trizoo.diagnosis.sizes import causes
from trizoo.families import model_spec
from trizoo.ground.boxes import iou
from trizoo.tests.diagnosis.runs import make_voc

ANCHOR = ("cat", 11, 11, 47, 68)  # 37x58, an anchor of yolov3-tiny


def boxes(*sizes, size=(416, 416), images=3):
    """Splits of images with one object of each size at the upper left."""
    objects = [(name, 1, 1, width, height) for name, width, height in sizes]
    return {"train": [objects] * images, "val": [objects]}, size


def make(tmp_path, *sizes, **options):
    splits, size = boxes(*sizes, **options)
    return make_voc(tmp_path / "set", splits, size)


def test_boxes_of_the_anchors_own_sizes_have_no_cause(look, tmp_path):
    assert look(causes, make(tmp_path, ("cat", 37, 58), ("dog", 81, 82))) == {}


def test_boxes_are_measured_at_the_input_size_and_a_larger_one_is_said(look, tmp_path):
    """At 224x224 boxes of 12x12 of 448 are 6x6: half of all; 10 / 6 of the size would be 373, up to 384."""
    root = make(tmp_path, ("cat", 12, 12), ("dog", 162, 164), size=(448, 448))
    cause = look(causes, root, "input_size=[224, 224]")["small_boxes"]
    assert cause.certainty == "likely"
    assert cause.numbers == pytest.approx({"share": 0.5, "median": (6 + 81.5) / 2, "needed_factor": 10 / 6}, rel=1e-2)
    assert "cat (6.0)" in cause.evidence[1]
    assert "--input-size 384x384" in cause.remedies[0].command
    assert "--tiles 224" in cause.remedies[1].command


@pytest.mark.parametrize("pretrained", [False, True])
def test_at_a_larger_input_size_the_anchors_of_the_recipe_are_chosen_anew(look, tmp_path, pretrained):
    root = make(tmp_path, ("cat", 12, 12), size=(448, 448))
    given = "model.anchors=[[4, 4], [5, 5], [6, 6], [7, 7], [8, 8], [9, 9]]"
    cause = look(causes, root, "input_size=[224, 224]", given, pretrained=pretrained)["small_boxes"]
    assert cause.remedies[0].command.endswith(" --set model.anchors=null")


def test_a_model_of_one_input_size_is_told_another_model(look, tmp_path):
    root = make(tmp_path, ("cat", 12, 12), ("dog", 162, 164), size=(600, 600))
    cause = look(causes, root, model="ssd300-vgg16")["small_boxes"]
    assert "--model yolov3 " in cause.remedies[0].command


def test_anchors_that_fit_no_box_are_told_with_those_of_k_means(look, tmp_path):
    """Of yolov3-tiny's anchors 135x169 has with 300x20 the IoU 135 * 20 / (22815 + 6000 - 2700) = 0.10."""
    sizes = [("bar", 290 + 10 * number, 18 + number) for number in range(8)]
    cause = look(causes, make(tmp_path, *sizes))["anchors"]
    assert cause.certainty == "likely"
    assert cause.numbers["recall"] == 0
    assert cause.numbers["mean_iou"] < 0.2
    assert cause.numbers["better_recall"] == 1
    assert cause.remedies[0].command.endswith("recipe.yaml --anchors auto")
    assert (
        "--against yolov3-tiny --input-size 416x416 --policy letterbox --write mine.yaml" in cause.remedies[1].command
    )
    assert f"trizoo train --recipe mine.yaml --data {tmp_path}" in cause.remedies[1].why  # that file names no data


LOOSE = {
    "mAP50": 0.8,
    "mAP75": 0.3,
    "matched_iou": 0.71,
    "errors": {"0.75": {"localisation": {"count": 90, "cost": 0.4}, "missed": {"count": 9, "cost": 0.1}}},
}


def test_loose_boxes_are_told_with_the_anchors_that_would_fit(look, tmp_path):
    """41x50 has its best anchor in 37x58: 37 * 50 / (37 * 58 + 41 * 50 - 37 * 50) = 0.79."""
    sizes = [("cat", 41 + number, 50 + number) for number in range(8)]
    cause = look(causes, make(tmp_path, *sizes), "loss.match_ratio=null", metrics=LOOSE)["loose_boxes"]
    assert cause.certainty == "possible"
    assert "localisation costs 0.400 of it, more than any other kind of error" in cause.evidence[0]
    assert "a mean IoU of 0.71" in cause.evidence[0]
    assert cause.numbers["anchors_mean_iou"] == pytest.approx(0.78, abs=0.02)
    assert "anchors by k-means would have 0.9" in cause.evidence[1]
    assert cause.remedies[0].command.endswith("recipe.yaml --anchors auto")


def test_with_weights_the_anchors_stay_and_a_larger_input_is_said(look, tmp_path):
    sizes = [("cat", 41 + number, 50 + number) for number in range(8)]
    cause = look(causes, make(tmp_path, *sizes), metrics=LOOSE, pretrained=True)["loose_boxes"]
    assert "--input-size 640x640" in cause.remedies[0].command


@pytest.mark.parametrize(
    "change",
    [
        {"mAP50": 0.4},
        {"errors": {"0.75": {"localisation": {"cost": 0.2}}}},
        {"errors": {"0.75": {"localisation": {"cost": 0.4}, "background": {"cost": 0.5}}}},
        {"errors": None},
        {"errors": {"0.75": [1]}},
        {"mAP75": "high", "mAP50": None},
    ],
)
def test_other_errors_and_older_runs_have_no_loose_boxes(look, tmp_path, change):
    assert "loose_boxes" not in look(causes, make(tmp_path, ("cat", 37, 58)), metrics=LOOSE | change)


def test_anchors_that_k_means_would_not_better_are_told_without_it(look, tmp_path):
    cause = look(causes, make(tmp_path, ("bar", 300, 20)))["anchors"]
    assert "better_recall" not in cause.numbers


def test_the_anchors_of_ssd_count_where_they_lie(look, tmp_path):
    """ssd300-vgg16 has anchors of 21x21 about (20, 20), 8 pixels apart: a box on one fits, one between four doesn't.

    It is 4 pixels off each way: 17 * 17 / (2 * 441 - 289) = 0.487; the wide anchor of the same area, 29.7x14.8, has
    21 * (7.42 + 6.5) = 292.4 in common with it and so 292.4 / (2 * 441 - 292.4) = 0.496.
    """
    spec = model_spec("ssd300-vgg16", 1)
    at, between = [9.5, 9.5, 30.5, 30.5], [13.5, 13.5, 34.5, 34.5]
    found = spec.anchor_overlaps(np.array([at, between], np.float32), (300, 300))
    assert found == pytest.approx([1, 0.496], abs=1e-3)
    assert look(causes, make(tmp_path, ("bar", 290, 12), size=(300, 300)), model="ssd300-vgg16")["anchors"]


def test_anchors_of_ssd_that_miss_the_boxes_are_told_with_the_scale_that_fits(look, tmp_path):
    """At the upper left ssd300-mobilenetv2 has anchors of 99x99 about (32, 32): half as large they fit 60x60."""
    root = make(tmp_path, ("cat", 60, 60), size=(300, 300), images=20)
    cause = look(causes, root, model="ssd300-mobilenetv2")["anchors"]
    assert cause.numbers["better_mean_iou"] > 0.8 > 0.5 > cause.numbers["mean_iou"]
    assert "times ssd300-mobilenetv2's own would have" in cause.evidence[1]
    assert cause.remedies[0].command.endswith("recipe.yaml --anchors auto")


def test_a_scale_that_is_better_than_the_runs_own_is_said_as_a_number(look, tmp_path):
    """`--anchors auto` would try other scales than these, times the model's own and not times the run's."""
    root = make(tmp_path, ("cat", 60, 60), size=(300, 300), images=20)
    cause = look(causes, root, "model.anchor_scale=1.2", model="ssd300-mobilenetv2")["anchors"]
    said = re.fullmatch(r"anchors ([\d.]+) times ssd300-mobilenetv2's own would have .*", cause.evidence[1])[1]
    assert cause.remedies[0].command.endswith(f"recipe.yaml --set model.anchor_scale={said}")


def test_a_teachers_pupil_is_told_of_no_anchors_that_the_teacher_has_not(look, tmp_path):
    root = make(tmp_path, ("cat", 60, 60), size=(300, 300), images=20)
    cause = look(causes, root, "distill.teacher=t.h5", model="ssd300-mobilenetv2")["anchors"]
    commands = [remedy.command for remedy in cause.remedies]
    assert not [command for command in commands if "anchor_scale" in command or "--anchors" in command]


@pytest.mark.parametrize("name", ["ssd300-vgg16", "retinanet-resnet18"])
def test_the_best_anchor_is_the_best_of_all(name):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 200, (40, 2))
    boxes = np.concatenate([low, low + rng.uniform(3, 100, (40, 2))], axis=1).astype(np.float32)
    spec = model_spec(name, 1)
    anchors = spec.grid((300, 300)).boxes
    assert spec.anchor_overlaps(boxes, (300, 300)) == pytest.approx(iou(boxes, anchors).max(axis=1), abs=1e-6)
    assert spec.anchor_overlaps(boxes[:0], (300, 300)).shape == (0,)


def test_yolos_anchors_count_by_width_and_height():
    """A box of 37x58 is an anchor; one of 37x116 has the IoU 37 * 116 / (135 * 169) = 0.188 or, with 37x58, 0.5."""
    boxes = np.array([[100, 100, 137, 158], [0, 0, 37, 116]], np.float32)
    assert model_spec("yolov3-tiny", 2).anchor_overlaps(boxes, (416, 416)) == pytest.approx([1, 0.5])


def test_masks_have_no_anchors():
    assert model_spec("deeplabv3plus-mobilenetv2", 2).anchor_overlaps(np.zeros((1, 4)), (64, 64)) is None
