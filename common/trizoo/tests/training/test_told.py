"""What is told before training begins, and what a run's classes make of other data."""

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.recipes.load import load
from trizoo.recipes.schema import Recipe, base_of
from trizoo.tests.mask_files import write_masks
from trizoo.training.data import open_data

SEGMENTER = "deeplabv3plus-mobilenetv2"


def recipe_of(model, root, **values):
    base, overrides = base_of(model)
    overrides = [*overrides, *((key, value, "test") for key, value in {"data.root": str(root), **values}.items())]
    return load(Recipe, base=base, overrides=overrides).recipe


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "set", 12, (64, 48))


@pytest.mark.parametrize("model", ["yolov3-tiny", SEGMENTER])
@pytest.mark.parametrize(
    ("options", "told"),
    [({}, "pretrained weights"), ({"pretrained": True}, "are few: freezing"), ({"resumed": True}, None)],
)
def test_few_images_are_told_before_training_begins(root, model, options, told):
    lines = []
    open_data(recipe_of(model, root), lines.append, **options)
    about = [line for line in lines if "images to train on are few" in line]
    assert [told in line for line in about] == ([True] if told else [])


def test_a_run_that_overfits_on_purpose_is_not_told(root):
    lines = []
    open_data(recipe_of("yolov3-tiny", root, **{"data.overfit": 4}), lines.append)
    assert not any("are few" in line for line in lines)


def test_a_runs_classes_decide_what_another_data_sets_values_mean(tmp_path):
    """As in train --resume RUN --data ROOT: the recipe brings the classes along."""
    classes, found = ("background", "cat", "dog"), []
    for order in (classes, ("dog", "background", "cat")):
        ids = np.array([*map(order.index, classes)], np.uint8)
        masks = {f"{n}": ids[np.array([[0, 0, 0, 1, 1, 2]] * 4, np.uint8)] for n in range(4)}
        there = write_masks(tmp_path / order[0], masks)
        (there / "labels.txt").write_text("\n".join(order), encoding="utf-8")
        recipe, sources = open_data(recipe_of(SEGMENTER, there, classes=list(classes)), lambda line: None)
        assert recipe.classes == classes
        found.append([sources.training.mask(0).tolist(), sources.validation.source.class_pixels().tolist()])
    assert found[0] == found[1]
    assert found[0][0][0] == [0, 0, 0, 1, 1, 2]
