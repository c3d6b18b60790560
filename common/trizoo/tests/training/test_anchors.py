"""Anchors that a run begins with, from boxes as they are placed."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trizoo.families import architecture
from trizoo.ground.sample import Record
from trizoo.recipes.load import load, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.tests.training.anchored import recipe_of, record
from trizoo.training import anchor_fit
from trizoo.training.anchor_fit import GAIN
from trizoo.training.anchors import begin_with
from trizoo.training.specs import spec_of
from trizoo.training.world import World
from trizoo.weights.checkpoint import Checkpoint, save

TINY = architecture("yolov3-tiny").anchors
ALONE = {"loss__match_ratio": None}  # so that the anchors that fit best answer to a box alone


def sources_of(*records, members=None):
    members = list(range(len(records))) if members is None else members
    return SimpleNamespace(training=SimpleNamespace(records=list(records)), members=members)


def begun(recipe, *records, world=None, **options):
    """The anchors that a run begins with, None for the model's own as they are, and what was told."""
    lines = []
    recipe = begin_with(recipe, sources_of(*records), lines.append, world=world or World(), **options)
    return recipe.model.anchors, lines


def drawn(seed=0, count=200, low=60, high=80):
    return np.random.default_rng(seed).uniform(low, high, (count, 2))


def scaled(size, name="yolov3-tiny"):
    known = architecture(name)
    factor = size / known.anchors_of
    return tuple((round(width * factor, 1), round(height * factor, 1)) for width, height in known.anchors)


def save_weights(path, recipe, is_backbone=False):
    state = {"origin": {"part": "backbone"}} if is_backbone else {}
    save(path, Checkpoint({"head.bias": np.zeros(1, np.float32)}, to_dict(recipe), "fake", state=state))
    return path


def test_a_run_of_a_model_without_anchors_begins_as_its_recipe_says():
    recipe = recipe_of("deeplabv3plus-mobilenetv2", input_size=[64, 64])
    assert begin_with(recipe, sources_of(object()), print, world=World()) == recipe


@pytest.mark.parametrize("name", ["yolov3-tiny", "yolov4-tiny", "yolov4"])
def test_anchors_of_k_means_are_taken_where_they_are_clearly_better(name):
    recipe = recipe_of(name, **ALONE)
    found, lines = begun(recipe, record(drawn()))
    assert len(found) == len(architecture(name).anchors)
    assert all(55 < side < 85 for pair in found for side in pair)
    assert spec_of(recipe.model_copy(update={"model": recipe.model.model_copy(update={"anchors": found})}))
    assert len(lines) == 1
    assert "by k-means on 200 boxes at 256x256 (letterbox)" in lines[0]
    assert f"{name}'s own, scaled to 256x256" in lines[0]
    assert begun(recipe, record(drawn()))[0] == found


def test_where_anchors_answer_by_the_ratio_of_sides_only_those_that_fit_badly_are_replaced():
    """By 4 times its sides a box has several of the model's own anchors; k-means' lie near one another."""
    found, lines = begun(recipe_of(), record(drawn()))
    assert found is None
    assert len(lines) == 1
    assert lines[0].startswith("anchors: yolov3-tiny's own, as they are at 256x256: mean IoU 0.")
    assert begun(recipe_of(input_size=[416, 416]), record(drawn(), (416, 416))) == (None, [])
    assert begun(recipe_of(anchors="keep"), record(drawn())) == (None, [])
    found, lines = begun(recipe_of(), record(drawn(low=2, high=4)))
    assert "by k-means on 200 boxes" in lines[0]
    assert all(1 < side < 5 for pair in found for side in pair)


def test_the_seed_is_the_runs():
    sizes = drawn(count=60, low=10, high=200)
    assert begun(recipe_of(**ALONE, seed=1), record(sizes))[0] != begun(recipe_of(**ALONE, seed=2), record(sizes))[0]


def test_the_models_own_scale_with_the_input_where_they_fit():
    found, lines = begun(recipe_of(**ALONE), record(scaled(256)))
    assert found == scaled(256)
    assert lines == [
        "anchors: yolov3-tiny's own, scaled to 256x256: mean IoU 1.00, 100% of the boxes above 0.5; --anchors keep "
        "takes them as they are"
    ]
    assert begun(recipe_of(**ALONE, input_size=[416, 416]), record(TINY, (416, 416))) == (None, [])
    assert begun(recipe_of("yolov4", input_size=[512, 512]), record([[36, 75]] * 9, (512, 512))) == (None, [])


def test_an_input_that_is_no_square_scales_by_the_root_of_its_area():
    """1024x256 has the area of 512x512."""
    assert begun(recipe_of(**ALONE, input_size=[1024, 256]), record([[1, 1]], (8, 8)))[0] == scaled(512)


@pytest.mark.parametrize("sizes", [[], [[70, 70]], [[70, 70]] * 50, [[70, 70], [60, 60], [70, 60]] * 9])
def test_boxes_too_few_for_k_means_leave_the_models_own(sizes):
    assert begun(recipe_of(**ALONE), record(sizes))[0] == scaled(256)


def test_no_images_leave_the_models_own():
    assert begun(recipe_of()) == (scaled(256), [])


@pytest.mark.parametrize("model", ["yolov3-tiny", "retinanet-resnet18"])
def test_images_without_a_box_are_told(model):
    lines = begun(recipe_of(model), record([]), record([]))[1]
    assert lines == [
        "warning: no image that is trained on has a box, so nothing but background is learnt; trizoo data check set "
        "says what was read"
    ]


def test_boxes_that_are_all_crowds_are_told_as_that():
    lines = begun(recipe_of(), record([[70, 70]] * 3, crowd=[True] * 3), record([]))[1]
    assert lines == [
        "warning: all boxes that are trained on are crowds, so nothing but background is learnt; trizoo data check set "
        "says what was read"
    ]


def test_a_box_among_the_images_that_are_not_measured_is_no_warning(monkeypatch):
    monkeypatch.setattr(anchor_fit, "MOST_IMAGES", 1)
    assert begun(recipe_of(), record([]), record([[70, 70]])) == (scaled(256), [])


def test_what_fits_badly_and_has_no_better_is_told():
    found, lines = begun(recipe_of(**ALONE), record([[250, 8]] * 5))
    assert found == scaled(256)
    assert lines[0].startswith("warning: the anchors fit these boxes badly: yolov3-tiny's own, scaled to 256x256: mean")
    assert "0% of the boxes above 0.5; trizoo data show set" in lines[0]


def test_only_what_is_trained_on_counts():
    there = sources_of(record(drawn()), record(scaled(256)), members=[1])
    assert begin_with(recipe_of(**ALONE), there, print, world=World()).model.anchors == scaled(256)


def test_images_as_they_are_scale_by_their_own_size():
    assert begun(recipe_of(**ALONE, resize="none", input_size=[64, 64]), record(scaled(64), (64, 64)))[0] == scaled(64)


def test_given_anchors_and_keep_are_left_alone_and_told_where_k_means_would_be_better():
    given = [[5 + i, 5 + i] for i in range(6)]
    found, lines = begun(recipe_of(model__anchors=given, **ALONE), record(drawn()))
    assert np.array(found).tolist() == given
    assert "leave model.anchors out to begin with them" in lines[0]
    found, lines = begun(recipe_of(anchors="keep", **ALONE), record(drawn()))
    assert found is None
    assert "0.94" < lines[0].split("k-means' would have mean IoU ")[1][:4] <= "1.00"
    assert lines[0].startswith(
        "anchors: kept as they are at 256x256 (letterbox): mean IoU "
    )  # no warning: all fit by 0.5
    assert lines[0].endswith("--anchors auto to begin with them")
    assert begun(recipe_of(anchors="keep"), record(TINY, (256, 256))) == (None, [])


def test_weights_of_a_whole_model_keep_their_anchors_and_a_backbones_dont_count(tmp_path):
    theirs = [[20.5 + i, 20] for i in range(6)]
    whole = save_weights(tmp_path / "whole.h5", recipe_of(model__anchors=theirs))
    found, lines = begun(recipe_of(**ALONE), record(drawn()), weights=whole)
    assert np.array(found).tolist() == theirs
    assert "trizoo anchors set --against yolov3-tiny --input-size 256x256 --policy letterbox" in lines[0]
    published = save_weights(tmp_path / "published.h5", recipe_of(**ALONE))
    assert begun(recipe_of(**ALONE), record(drawn()), weights=published) == (
        None,
        [],
    )  # 60 to 80 pixels fit by over 0.5
    backbone = save_weights(tmp_path / "backbone.h5", recipe_of(**ALONE), is_backbone=True)
    assert len(begun(recipe_of(**ALONE), record(drawn()), weights=backbone)[0]) == 6


def on_anchors(spec, size, scale):
    """A record of boxes that are anchors of a scale, every seventh within the input."""
    lies = replace(spec, anchor_scale=scale).grid((size, size)).boxes
    boxes = lies[(lies >= 0).all(axis=1) & (lies <= size).all(axis=1)][::7]
    kinds = (np.zeros(len(boxes), kind) for kind in (np.int64, bool, bool))
    return Record("0", Path("0.png"), (size, size), boxes, *kinds)


def test_a_scale_is_of_all_classes_alike_and_none_loses_its_anchors():
    """Many large boxes and few small ones: the scale of the many would leave the few without an anchor."""
    recipe = recipe_of("ssd300-vgg16", input_size=[300, 300], classes=["many", "few"])
    many, few = (on_anchors(spec_of(recipe), 300, scale) for scale in (1.41, 1))
    least = (few.boxes[:, 2:] - few.boxes[:, :2]).max(axis=1) < 25
    few = replace(few, boxes=few.boxes[least][:12], labels=np.ones(12, np.int64), crowd=np.zeros(0, bool))
    assert scale_of(recipe, many)[0] == 1.41
    assert scale_of(recipe, many, few)[0] is None


@pytest.mark.parametrize(("model", "size", "scale"), [("ssd300-vgg16", 300, 1.41), ("retinanet-resnet18", 256, 0.5)])
def test_anchors_of_ssd_and_retinanet_are_scaled_where_that_fits_clearly_better(model, size, scale):
    """Boxes that are anchors of another scale; the line says both, and the run's model has them."""
    recipe = recipe_of(model, input_size=[size, size], resize="letterbox")
    spec = spec_of(recipe)
    laid = on_anchors(spec, size, scale)
    small = (laid.boxes[:, 2:] - laid.boxes[:, :2]).max(axis=1) < (24 if scale < 1 else size)
    laid = replace(laid, boxes=laid.boxes[small], labels=laid.labels[small], crowd=laid.crowd[:0])
    lines, sources = [], sources_of(laid)
    found = begin_with(recipe, sources, lines.append, world=World())
    assert found.model.anchor_scale == scale
    assert spec_of(found).anchors == spec.anchors.scaled(scale)
    assert lines[0].startswith(
        f"anchors: {scale} times {model}'s own on {min(len(laid.boxes), 500)} boxes at {size}x{size}"
    )
    assert "mean IoU 1.00, 100% of the boxes above 0.5" in lines[0]
    second = begin_with(recipe, sources, print, world=Second(told=0.7))
    assert second.model.anchor_scale == 0.7


def test_ssd_on_mobilenetv2_begins_with_larger_anchors_where_no_others_fit_clearly_better():
    recipe = recipe_of("ssd300-mobilenetv2", input_size=[300, 300])
    boxes = on_anchors(spec_of(recipe), 300, 1.25)
    scale, line = scale_of(recipe, boxes)
    assert scale == 1.41
    assert line.startswith("anchors: 1.41 times ssd300-mobilenetv2's own: mean IoU ")
    assert line.endswith("; --anchors keep takes them as they are")
    assert scale_of(recipe_of("ssd300-mobilenetv2", input_size=[300, 300], anchors="keep"), boxes)[0] is None
    others = recipe_of(
        "ssd300-mobilenetv2", input_size=[300, 300], model__anchor_preset="ssd300-mobilenetv2-bubbliiiing"
    )
    assert scale_of(others, boxes)[0] is None
    assert scale_of(recipe, on_anchors(spec_of(recipe), 300, 0.71))[0] == pytest.approx(0.71, abs=0.01)


def test_scales_that_are_given_kept_or_of_weights_stay(tmp_path):
    about = {"model": "ssd300-mobilenetv2", "input_size": [300, 300]}
    boxes = on_anchors(spec_of(recipe_of(**about)), 300, 1.41)
    chosen = scale_of(recipe_of(**about), boxes)
    assert chosen[0] is not None
    assert scale_of(recipe_of(model__anchor_scale=2, **about), boxes)[0] == 2
    line = scale_of(recipe_of(model__anchor_scale=2, **about), boxes)[1]
    scale = line.split("; ")[1].split(" times ")[0]
    assert line.endswith(f"; --set model.anchor_scale={scale} to begin with them")
    assert "own would have" not in scale_of(recipe_of(model__anchor_scale=scale, **about), boxes)[1]
    kept, line = scale_of(recipe_of(anchors="keep", **about), boxes)
    assert kept is None
    assert line.endswith("--anchors auto to begin with them")
    whole = save_weights(tmp_path / "whole.h5", recipe_of(model__anchor_scale=1.2, **about))
    assert scale_of(recipe_of(**about), boxes, weights=whole)[0] == 1.2
    backbone = save_weights(tmp_path / "backbone.h5", recipe_of(**about), is_backbone=True)
    assert scale_of(recipe_of(**about), boxes, weights=backbone) == chosen


@pytest.mark.parametrize("theirs", [None, 1, 0.7])
def test_who_learns_a_teachers_boxes_has_its_scale(tmp_path, theirs):
    """And is told of no other, which the teacher would not fit."""
    about = {"model": "ssd300-mobilenetv2", "input_size": [300, 300]}
    boxes = on_anchors(spec_of(recipe_of(**about)), 300, 1.41)
    chosen = scale_of(recipe_of(**about), boxes)
    teacher = save_weights(tmp_path / "teacher.h5", recipe_of(model__anchor_scale=theirs, **about))
    about["distill__teacher"] = str(teacher)
    taught, line = scale_of(recipe_of(**about), boxes)
    assert taught == (0.7 if theirs == 0.7 else None)
    times = "0.7 times " if theirs == 0.7 else ""
    assert line.startswith(f"anchors: {times}ssd300-mobilenetv2's own, as its teacher has them")
    for kept in ({"anchors": "keep"}, {"model__anchor_scale": 2}, {}):
        assert "would have" not in scale_of(recipe_of(**about, **kept), boxes)[1]
    assert scale_of(recipe_of(model__anchor_scale=2, **about), boxes)[0] == 2
    features = {"distill__outputs": 0, "distill__features": 1}
    assert scale_of(recipe_of(**about, **features), boxes) == chosen


@pytest.mark.parametrize("other", ["ssd300-vgg16", "yolov3-tiny"])
def test_a_teacher_with_other_anchors_or_of_another_family_has_no_scale_for_it(tmp_path, other):
    about = {"model": "ssd300-mobilenetv2", "input_size": [300, 300]}
    size = [300, 300] if other.startswith("ssd") else [416, 416]
    teacher = save_weights(tmp_path / "teacher.h5", recipe_of(other, input_size=size))
    boxes = on_anchors(spec_of(recipe_of(**about)), 300, 1.41)
    scale, line = scale_of(recipe_of(distill__teacher=str(teacher), **about), boxes)
    assert scale is None
    assert "teacher" not in line


def scale_of(recipe, *records, **options):
    """The scale that a run begins with, and what was told."""
    lines = []
    found = begin_with(recipe, sources_of(*records), lines.append, world=World(), **options)
    return found.model.anchor_scale, "".join(lines)


def test_a_classifiers_weights_know_no_boxes(tmp_path):
    """They give a detector its backbone, as a checkpoint of a backbone alone does."""
    classifier = load(Recipe, base="classify-resnet18", overrides=[("classes", ["a"], "test")]).recipe
    lent = save_weights(tmp_path / "classifier.h5", classifier)
    recipe, boxes = recipe_of("retinanet-resnet18"), record([[16, 16]] * 30)
    assert scale_of(recipe, boxes, weights=lent) == scale_of(recipe, boxes)
    assert scale_of(recipe, boxes)[0] == 0.42


def test_few_boxes_and_those_that_no_scale_fits_leave_ssds_own():
    recipe = recipe_of("ssd300-vgg16", input_size=[300, 300])
    assert begun(recipe, record([[60, 60]] * 19, (300, 300))) == (None, [])
    found, line = scale_of(recipe, record([[290, 4]] * 30, (300, 300)))
    assert found is None
    assert "0% of the boxes above 0.5" in line
    assert "--model yolov3-tiny" in line
    assert "--input-size" not in line  # the only one that SSD300 has is this


def test_what_fits_badly_though_it_is_the_best_scale_is_told():
    """RetinaNet's smallest anchors are 32x32 and its least scale 0.42: 13x13 for boxes of 9x9."""
    recipe = recipe_of("retinanet-resnet18", input_size=[256, 256])
    found, line = scale_of(recipe, record([[9, 9]] * 10 + [[20, 20]] * 10, (256, 256)))
    assert found is not None
    assert "warning: these anchors fit the boxes badly, too; trizoo data show set" in line
    assert "a larger --input-size may do" in line


def test_a_scale_that_no_recipe_may_have_is_not_tried(monkeypatch):
    recipe, boxes = recipe_of("retinanet-resnet18"), record([[16, 16]] * 30)
    assert scale_of(recipe, boxes)[0] == 0.42
    monkeypatch.setattr(anchor_fit, "SCALE_BOUNDS", (0.45, 100))
    assert scale_of(recipe, boxes)[0] == 0.5


@dataclass(frozen=True)
class Second(World):
    """One of two processes that gets what the first has found."""

    rank: int = 1
    size: int = 2
    told: object = None

    def of_first(self, value):
        assert value is None
        return self.told


def test_every_process_takes_what_the_first_has_found():
    first = [[1.5, 2.5], [3, 3], [4, 4], [5, 5], [6, 6], [7, 7]]
    found, lines = begun(recipe_of(**ALONE), record(drawn()), world=Second(told=first))
    assert np.array(found).tolist() == first
    assert lines == []
    assert begun(recipe_of(**ALONE), record(drawn()), world=Second())[0] is None


def test_a_small_gain_changes_nothing():
    """Boxes whose sides are 1.02 times an anchor's: an IoU of 0.96, of which k-means could gain 0.04."""
    sizes = np.array(scaled(256)) * 1.02
    assert GAIN > 1 - 1 / 1.02**2
    assert begun(recipe_of(**ALONE), record(sizes))[0] == scaled(256)
