from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import trizoo
from trizoo.augment import pipeline
from trizoo.families import model_spec
from trizoo.ground.errors import UserError
from trizoo.ground.sample import Record, Sample
from trizoo.recipes import augmentations, schema
from trizoo.recipes.schema import Recipe
from trizoo.training.data import Sources
from trizoo.training.sizes import check_augmented_sizes, unresized

SPEC = model_spec("yolov3-tiny", 1)


class Drawn:
    """Images of these sizes, as a data set."""

    def __init__(self, *sizes):
        self.records = [Record(f"{i}", Path(f"{i}.png"), size) for i, size in enumerate(sizes)]

    def sample(self, index, at_least=None):
        width, height = self.records[index].size
        return Sample(np.zeros((height, width, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))


def sources_of(training, *, members=None, validation=((64, 96),), test=((64, 96),)):
    there = Drawn(*training)
    validation, test = (SimpleNamespace(records=Drawn(*sizes).records) for sizes in (validation, test))
    return Sources(there, list(range(len(training))) if members is None else members, validation, test, (there, []))


def recipe_of(**values):
    return Recipe(classes=("a",), resize="none", **values)


def test_the_images_size_becomes_the_input_size():
    lines = []
    recipe = unresized(recipe_of(), sources_of([(64, 96)] * 3), lines.append)
    assert recipe.input_size == (64, 96)
    assert lines == ["data: images are used as they are, so the input size is 64x96"]
    assert unresized(recipe, sources_of([(64, 96)] * 3), lines.append) == recipe
    assert len(lines) == 1


def test_other_policies_leave_the_recipe_as_it_is():
    recipe = Recipe(classes=("a",))
    assert unresized(recipe, sources_of([(64, 96), (5, 7)]), print) is recipe


def test_the_first_image_of_another_size_is_named():
    sources = sources_of([(64, 96), (64, 96), (96, 64), (32, 32)])
    with pytest.raises(UserError, match=r"image 2\.png is 96x64 and 0\.png 64x96; with resize none all images"):
        unresized(recipe_of(), sources, print)
    assert unresized(recipe_of(), replace(sources, members=[0, 1]), print).input_size == (64, 96)


def test_a_size_that_the_model_does_not_take_is_refused_with_the_nearest_ones():
    with pytest.raises(
        UserError,
        match=r"image 0\.png is used as it is, since resize is none: input size 100x64 doesn't fit yolov3-tiny, "
        "whose sides are multiples of 32; the nearest that fit: 96x64 or 128x64",
    ):
        unresized(recipe_of(), sources_of([(100, 64)] * 2), print)


def test_images_to_measure_on_may_have_other_sizes_those_too_that_need_a_border():
    sources = sources_of([(64, 96)], validation=[(32, 32), (96, 64), (100, 61)])
    assert unresized(recipe_of(), sources, print).input_size == (64, 96)


def test_ssd_takes_images_of_its_anchors_size_alone():
    recipe = recipe_of(model={"name": "ssd300-vgg16"}, loss={"kind": "ssd"})
    with pytest.raises(UserError, match="doesn't fit ssd300-vgg16, whose anchors are for 300x300 alone"):
        unresized(recipe, sources_of([(64, 96)]), print)


def sometimes_smaller(image, boxes, labels, mask, rng, probability=0.25):
    """An augmentation that leaves ragged sizes."""
    return image[: 32 if rng.random() < probability else None], boxes, labels, mask


@pytest.fixture
def registered(monkeypatch):
    """Registers `sometimes_smaller` as "shorten" for one test."""
    tables = (pipeline.OPERATIONS, pipeline.NEEDS, pipeline.PARAMETERS, augmentations.SECTIONS)
    before = [dict(table) for table in tables]
    trizoo.register_augmentation("shorten", sometimes_smaller)
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)
    schema.refresh()


def test_an_operation_that_leaves_ragged_sizes_is_refused_by_name_before_the_run_begins(registered):
    sources = sources_of([(64, 96)] * 3)
    ragged = schema.Recipe(classes=("a",), resize="none", augment=[{"op": "shorten"}, {"op": "flip"}])
    message = "augment ends on 64x32 after 'shorten' and resize is none, which needs 64x96"
    with pytest.raises(UserError, match=message):
        check_augmented_sizes(unresized(ragged, sources, print), sources, SPEC)
    for changes in ({"resize": "letterbox"}, {"augment": [{"op": "shorten"}, {"op": "place"}]}):
        fine = schema.Recipe(**{"classes": ("a",), "resize": "none", "augment": ragged.augment} | changes)
        check_augmented_sizes(fine, sources, SPEC)


def test_the_zoos_own_operations_need_no_trial():
    sources = replace(sources_of([(64, 96)]), training=None)  # nothing is read
    check_augmented_sizes(recipe_of(), sources, SPEC)
