import inspect
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from trizoo.augment.pipeline import OPERATIONS, check_operations
from trizoo.families import ARCHITECTURES, check_input_size, model_spec
from trizoo.ground.errors import UserError
from trizoo.recipes.augmentations import Flip, Mixup, Mosaic, Operation, RandomPlacement
from trizoo.recipes.describe import dump
from trizoo.recipes.load import RECIPES, from_dict, load, parse_assignment, to_dict
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Freeze, Optimizer, Schedule

SHIPPED = sorted(path.stem for path in RECIPES.glob("*.yaml"))


def changed(*assignments):
    """The default recipe with dotted keys set, as the command line does it."""
    return load(Recipe, overrides=[(key, value, "here") for key, value in assignments]).recipe


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_and_its_model_takes_its_input(name):
    recipe = load(Recipe, file=name).recipe
    assert name.startswith(recipe.model.name)
    check_input_size(recipe.model.name, recipe.input_size)
    spec = model_spec(recipe.model.name, 3)
    assert recipe.loss.kind == spec.family
    if spec.family == "yolo":
        assert len(spec.strides) <= len(recipe.loss.balance)
    assert from_dict(Recipe, to_dict(recipe), "here") == recipe


def test_the_recipes_of_the_models_are_shipped():
    microscopy = {"ssd300-mobilenetv2-microscopy", "deeplabv3plus-mobilenetv2-microscopy"}
    assert {*ARCHITECTURES, "yolov3-tiny-synthetic", "retinanet-resnet18-small", *microscopy} == set(SHIPPED)


def test_yolov3_trains_as_its_users_know_it():
    recipe = load(Recipe, file="yolov3").recipe
    assert (recipe.freeze.epochs, recipe.schedule.epochs) == (50, 300)
    assert (recipe.freeze.batch_size, recipe.schedule.batch_size) == (16, 8)
    assert (recipe.optimizer.momentum, recipe.optimizer.nesterov, recipe.optimizer.weight_decay) == (0.937, True, 5e-4)


def test_lists_of_a_file_become_tuples_and_operations():
    recipe = changed(("input_size", [608, 352]), ("augment", [{"op": "flip", "probability": 0.1}]))
    assert recipe.input_size == (608, 352)
    assert recipe.augment == (Flip(probability=0.1),)
    hash(recipe)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.std", [0, 1, 1]),
        ("model.mean", [1, 2]),
        ("model.anchors", [[10, 0]]),
        ("model.anchors", [[10, 1e30]]),
        ("model.anchor_scale", 1e30),
        ("model.anchor_scale", 1e-30),
        ("model.objectness_prior", 1),
        ("data.overfit", -1),
        ("input_size", [416]),
        ("input_size", [416.5, 416]),
        ("input_size", [0, 416]),
        ("resize", "crop"),
        ("augment", [{"op": "mosaick"}]),
        ("augment", [{"op": "random_placement", "jitter": 1}]),
        ("augment", [{"op": "flip", "probability": 1.5}]),
        ("loss.box", "wiou"),
        ("augment", [{"op": "mosaic", "images": 6}]),
        ("augment", [{"op": "mosaic", "centre": [0.5, 1]}]),
        ("augment", [{"op": "mosaic", "until": 1.1}]),
        ("augment", [{"op": "mosaic"}, {"op": "mixup", "alpha": 0}]),
        ("augment", [{"op": "cutout", "holes": 0}]),
        ("augment", [{"op": "cutout", "size": [0.1, 1.1]}]),
        ("augment", [{"op": "grid_mask", "keep": -0.1}]),
        ("augment", [{"op": "place"}, {"op": "cutmix", "alpha": 0}]),
        ("augment", [{"op": "place"}, {"op": "cutmix", "min_visible": 1.1}]),
        ("augment", [{"op": "random_erasing", "area": [0, 0.4]}]),
        ("augment", [{"op": "random_erasing", "area": [0.1, 1.1]}]),
        ("augment", [{"op": "random_erasing", "aspect": [0, 1]}]),
        ("augment", [{"op": "random_erasing", "max_hidden": 1.1}]),
        ("augment", [{"op": "random_erasing", "noise": "much"}]),
        ("augment", [{"op": "hide_and_seek", "patch": [0, 0.1]}]),
        ("augment", [{"op": "hide_and_seek", "hide": 1.1}]),
        ("augment", [{"op": "hide_and_seek", "max_hidden": -0.1}]),
        ("augment", [{"op": "brightness_contrast", "brightness": 1.1}]),
        ("augment", [{"op": "brightness_contrast", "contrast": -0.1}]),
        ("augment", [{"op": "clahe", "clip": [0, 1]}]),
        ("augment", [{"op": "clahe", "tiles": 0}]),
        ("augment", [{"op": "clahe", "tiles": 65}]),
        ("augment", [{"op": "rand_augment", "operations": 0}]),
        ("augment", [{"op": "rand_augment", "operations": 17}]),
        ("augment", [{"op": "rand_augment", "magnitude": 10.1}]),
        ("multi_scale.low", 0),
        ("multi_scale.every", 0),
        ("loss.balance", [1, 1]),
        ("loss.ignore_iou", -0.1),
        ("loss.match_iou", 1.1),
        ("loss.label_smoothing", 1),
        ("loss.focal_gamma", -1),
        ("loss.focal_alpha", 2),
        ("optimizer.momentum", 1),
        ("optimizer.weight_decay", float("nan")),
        ("optimizer.clip_norm", 0),
        ("schedule.epochs", 0),
        ("schedule.batch_size", 1.5),
        ("schedule.lr", float("inf")),
        ("schedule.kind", "linear"),
        ("freeze.epochs", -1),
        ("evaluate.every", 0),
        ("evaluate.nms_method", "fast"),
        ("predict.nms_method", "fast"),
        ("predict.score", 2),
        ("precision", "fp8"),
        ("seed", -1),
        ("seed", 2**32),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_key(key, value):
    with pytest.raises(UserError, match=f"^here: {key}"):
        changed((key, value))


@pytest.mark.parametrize("value", [{255: True}, [[255, False]]])
def test_true_is_no_class_of_masks(value):
    with pytest.raises(UserError, match=r"the class of 255 is (true|false); a class id is needed"):
        changed(("data.mask_map", value))


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("schedule.lr", True, ""),
        ("input_size", [320, True], ".1"),
        ("loss.balance", [1, 2, False], ".2"),
        ("augment", [{"op": "flip", "probability": True}], ".0.probability"),
    ],
)
def test_true_is_no_number(key, value, place):
    with pytest.raises(UserError, match=rf"^here: {key}{place} is (true|false); it should be a number$"):
        changed((key, value))


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        ([("schedule.epochs", 3), ("schedule.iterations", 9)], r"epochs \(3\) and iterations \(9\) are both given"),
        ([("schedule.accumulate", 3)], r"accumulate \(3\) must divide batch_size \(8\)"),
        (
            [("schedule.accumulate", 4), ("freeze.batch_size", 6)],
            r"schedule.accumulate \(4\) must divide freeze.batch_size \(6\)",
        ),
        ([("schedule.lr_bounds", [0.1, 0.01])], r"lr_bounds is \[0.1, 0.01\]; the least must come first"),
        ([("augment", [{"op": "random_placement", "scale": [2, 1]}])], r"scale is \[2.0, 1.0\]; the least must"),
        ([("augment", [{"op": "mosaic", "scale": [2, 1]}])], r"scale is \[2.0, 1.0\]; the least must"),
        ([("augment", [{"op": "mosaic", "centre": [0.7, 0.3]}])], r"centre is \[0.7, 0.3\]; the least must"),
        ([("augment", [{"op": "cutout", "size": [0.7, 0.3]}])], r"size is \[0.7, 0.3\]; the least must"),
        ([("augment", [{"op": "blur", "sigma": [2, 1]}])], r"sigma is \[2.0, 1.0\]; the least must"),
        ([("augment", [{"op": "grid_mask", "unit": [0.7, 0.3]}])], r"unit is \[0.7, 0.3\]; the least must"),
        ([("augment", [{"op": "random_erasing", "area": [0.7, 0.3]}])], r"area is \[0.7, 0.3\]; the least must"),
        ([("augment", [{"op": "random_erasing", "aspect": [2, 1]}])], r"aspect is \[2.0, 1.0\]; the least must"),
        ([("augment", [{"op": "hide_and_seek", "patch": [0.7, 0.3]}])], r"patch is \[0.7, 0.3\]; the least must"),
        ([("augment", [{"op": "clahe", "clip": [2, 1]}])], r"clip is \[2.0, 1.0\]; the least must"),
        ([("augment", [{"op": "cutmix"}, {"op": "place"}])], "a cutmix before images are on the canvas; list it after"),
        (
            [("augment", [{"op": "mosaic"}, {"op": "cutmix"}])],
            "a cutmix before images are on the canvas; list it after",
        ),
        (
            [("resize", None), ("multi_scale.high", 2)],
            "multi_scale is 1 to 2, and resize none takes images as they are",
        ),
        ([("augment", [{"op": "mixup"}, {"op": "mosaic"}])], "a mixup of mosaics without a mosaic before it"),
        ([("augment", [{"op": "mixup", "only_mosaic": False}])], "a mixup before images are on the canvas"),
        ([("multi_scale.low", 2)], "low is 2 and high 1; low must not be above high"),
        ([("optimizer.momentum", 0)], "nesterov needs a momentum above 0"),
        ([("schedule.epoch", 3)], r"unknown key 'schedule.epoch'; did you mean 'epochs'\?"),
    ],
)
def test_values_that_contradict_each_other_are_refused(assignments, message):
    with pytest.raises(UserError, match=message):
        changed(*assignments)


def test_every_operation_of_a_recipe_is_one_of_the_pipelines():
    classes = get_args(get_args(Operation)[0])
    assert {section.model_fields["op"].default for section in classes} == set(OPERATIONS)
    for section in classes:
        check_operations([section().model_dump()])
        name = section.model_fields["op"].default
        for key, parameter in inspect.signature(OPERATIONS[name]).parameters.items():
            if key in section.model_fields:
                assert section.model_fields[key].default == parameter.default, (name, key)


def test_mixup_has_its_place_behind_mosaic_or_placement():
    operations = [{"op": "mosaic"}, {"op": "random_placement"}, {"op": "mixup"}]
    assert changed(("augment", operations)).augment == (Mosaic(), RandomPlacement(), Mixup())
    assert changed(("augment", [{"op": "place"}, {"op": "mixup", "only_mosaic": False}]))
    assert changed(("augment", [{"op": "random_placement"}, {"op": "cutmix"}]))
    assert changed(("resize", "none"), ("augment", [{"op": "cutmix"}, {"op": "mixup", "only_mosaic": False}]))


def test_none_is_a_policy_of_resizing_also_where_it_is_read_as_null(tmp_path):
    assert load(Recipe, overrides=[parse_assignment("resize=none")]).recipe.resize == "none"
    for number, text in enumerate(("none", "null", "'none'")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(f"_base_: yolov3-tiny\nresize: {text}\n", encoding="utf-8")
        recipe = load(Recipe, file=str(path)).recipe
        assert recipe.resize == "none"
        assert from_dict(Recipe, to_dict(recipe), "here") == recipe
        again = tmp_path / "again.yaml"
        again.write_text(dump(recipe), encoding="utf-8")
        assert load(Recipe, file=str(again)).recipe == recipe


def test_bounds_themselves_are_allowed():
    assert Optimizer(momentum=0, nesterov=False).momentum == 0
    assert Optimizer(name="adam", momentum=0).momentum == 0
    assert RandomPlacement(scale=(1, 1), jitter=0).scale == (1, 1)
    assert Schedule(lr_bounds=(0.01, 0.01), accumulate=8, warmup=1).accumulate == 8
    assert Recipe(freeze=Freeze(epochs=1), schedule=Schedule(accumulate=4)).freeze.batch_size is None


def test_a_recipe_cannot_be_changed():
    recipe = Recipe()
    with pytest.raises(ValidationError):
        recipe.seed = 1
    with pytest.raises(ValidationError):
        recipe.schedule.lr = 1


def test_a_length_in_a_file_takes_the_place_of_the_other_one_in_its_base(tmp_path):
    (tmp_path / "base.yaml").write_text("schedule: {epochs: 7}\n", encoding="utf-8")
    (tmp_path / "steps.yaml").write_text("_base_: base.yaml\nschedule: {iterations: 9}\n", encoding="utf-8")
    (tmp_path / "epochs.yaml").write_text("_base_: steps.yaml\nschedule: {epochs: 5, lr: 1}\n", encoding="utf-8")
    (tmp_path / "both.yaml").write_text("schedule: {epochs: 7, iterations: 9}\n", encoding="utf-8")

    def length(file, *overrides):
        loaded = load(Recipe, file=tmp_path / file, overrides=[(*override, "here") for override in overrides])
        return loaded.recipe.schedule.epochs, loaded.recipe.schedule.iterations, loaded.origins["schedule.epochs"]

    assert length("steps.yaml") == (None, 9, "file steps.yaml")
    assert length("epochs.yaml") == (5, None, "file epochs.yaml")
    assert length("steps.yaml", ("schedule.epochs", 3)) == (3, None, "here")
    assert length("epochs.yaml", ("schedule.iterations", 3)) == (None, 3, "here")
    with pytest.raises(UserError, match=r"epochs \(7\) and iterations \(9\) are both given"):
        length("both.yaml")


def test_a_length_of_the_later_of_two_bases_takes_the_place_of_the_other_ones(tmp_path):
    (tmp_path / "steps.yaml").write_text("schedule: {iterations: 9}\n", encoding="utf-8")
    for bases, length in (("[yolov3-tiny, steps.yaml]", (None, 9)), ("[steps.yaml, yolov3-tiny]", (60, None))):
        (tmp_path / "both.yaml").write_text(f"_base_: {bases}\nseed: 1\n", encoding="utf-8")
        schedule = load(Recipe, file=tmp_path / "both.yaml").recipe.schedule
        assert (schedule.epochs, schedule.iterations) == length


@pytest.mark.parametrize("base", sorted(path.stem for path in RECIPES.glob("*.yaml")))
def test_a_file_says_in_steps_how_long_any_recipe_of_the_zoo_trains(tmp_path, base):
    (tmp_path / "steps.yaml").write_text(f"_base_: {base}\nschedule: {{iterations: 9}}\n", encoding="utf-8")
    recipe = load(Recipe, file=tmp_path / "steps.yaml").recipe
    assert (recipe.schedule.epochs, recipe.schedule.iterations) == (None, 9)


AUTO = {"epochs": "auto", "iterations": None}


def test_the_word_auto_stands_for_a_schedule_that_goes_by_the_data(tmp_path):
    (tmp_path / "base.yaml").write_text("schedule: {iterations: 100, lr: 0.2, batch_size: 4}\n")
    (tmp_path / "word.yaml").write_text("_base_: base.yaml\nschedule: auto\n")
    (tmp_path / "key.yaml").write_text("_base_: word.yaml\nschedule: {epochs: 7}\n")
    for loaded in (
        load(Recipe, file=tmp_path / "word.yaml"),
        load(Recipe, file=tmp_path / "base.yaml", overrides=[parse_assignment("schedule=auto")]),
    ):
        assert loaded.recipe.schedule == Schedule(lr=0.2, batch_size=4, **AUTO)
    assert loaded.origins["schedule.epochs"] == "command line --set schedule"
    assert load(Recipe, file=tmp_path / "key.yaml").recipe.schedule == Schedule(
        lr=0.2, batch_size=4, **AUTO | {"epochs": 7}
    )


def test_a_key_counts_before_the_word_for_all_of_its_section_in_any_order():
    for texts in (("schedule=auto", "schedule.epochs=7"), ("schedule.epochs=7", "schedule=auto")):
        schedule = load(Recipe, overrides=[parse_assignment(text) for text in texts]).recipe.schedule
        assert schedule.epochs == 7


def test_iterations_that_are_said_take_the_place_of_the_words_epochs():
    for texts in (("schedule=auto", "schedule.iterations=7"), ("schedule.iterations=7", "schedule=auto")):
        schedule = load(Recipe, overrides=[parse_assignment(text) for text in texts]).recipe.schedule
        assert (schedule.epochs, schedule.iterations) == (None, 7)


def test_another_word_is_no_schedule():
    with pytest.raises(UserError, match="is 'fast'; it should be a mapping of keys to values, or the word auto"):
        load(Recipe, overrides=[parse_assignment("schedule=fast")])


def test_a_relative_root_counts_from_the_file_that_says_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "base.yaml").write_text("data: {root: ../sets/voc}\n", encoding="utf-8")
    (tmp_path / "a" / "b" / "own.yaml").write_text("_base_: ../base.yaml\n", encoding="utf-8")
    (tmp_path / "a" / "whole.yaml").write_text(f"data: {{root: {tmp_path}}}\n", encoding="utf-8")
    for file in ("a/base.yaml", "a/b/own.yaml", str(tmp_path / "a" / "b" / "own.yaml")):
        assert Path(load(Recipe, file=file).recipe.data.root).absolute() == tmp_path / "sets" / "voc"
    assert load(Recipe, file="a/whole.yaml").recipe.data.root == str(tmp_path)
    assert load(Recipe, file="a/base.yaml", overrides=[("data.root", "x", "here")]).recipe.data.root == "x"


def test_class_weights_of_nothing_are_refused():
    with pytest.raises(UserError, match=r"class_weights is \[0.0, 0.0\]; at least one above 0"):
        changed(("loss", {"kind": "segmentation", "class_weights": [0, 0]}))
