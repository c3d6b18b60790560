"""Anchors against boxes as they are placed."""

from pathlib import Path

import numpy as np
import pytest

from trizoo.ground.sample import Record
from trizoo.tests.training.anchored import recipe_of, record
from trizoo.training import anchor_fit
from trizoo.training.anchor_fit import measure
from trizoo.training.specs import spec_of


def test_boxes_are_measured_as_they_are_placed_by_width_and_height():
    """Letterboxed from 512x1024 to 256x256 a box of 40x56 is 10x14, an anchor, and one of 20x28 a quarter of it."""
    recipe = recipe_of()
    fitted = measure(spec_of(recipe), [record([[40, 56], [20, 28], [500, 900]], (512, 1024), [0, 0, 1])], recipe)
    assert fitted.best == pytest.approx([1, 0.25])
    assert (fitted.recall, fitted.mean_iou) == (0.5, pytest.approx(0.625))
    stretched = recipe_of(resize="stretch")
    assert measure(spec_of(stretched), [record([[20, 56]], (512, 1024))], stretched).best == pytest.approx([1])


def test_many_images_and_boxes_are_looked_at_in_part(monkeypatch):
    monkeypatch.setattr(anchor_fit, "MOST_IMAGES", 10)
    monkeypatch.setattr(anchor_fit, "MOST_BOXES", 15)
    fitted = measure(spec_of(recipe_of()), [record([[10, 14], [23, 27]])] * 100, recipe_of())
    assert len(fitted.best) == len(fitted.sizes) == 15


def test_canvases_of_several_sizes_have_anchors_of_their_own():
    """With keep_ratio a box on an anchor of its image's canvas stays with it, in any order of images."""
    recipe = recipe_of("retinanet-resnet18", resize="keep_ratio")
    spec = spec_of(recipe)
    made = []
    for size in ((256, 128), (128, 256), (256, 128), (256, 256)):
        lies = spec.grid(size).boxes
        inside = (lies >= 0).all(axis=1) & (lies[:, 2:] <= size).all(axis=1)
        box = lies[inside][-1:]
        made.append(Record("0", Path("0.png"), size, box, *(np.zeros(1, kind) for kind in (np.int64, bool, bool))))
    assert measure(spec, made, recipe).best == pytest.approx([1] * 4, abs=1e-5)


def test_a_model_without_anchors_has_no_fit_and_its_records_boxes_are_not_asked_for():
    recipe = recipe_of("deeplabv3plus-mobilenetv2", input_size=[64, 64])
    assert measure(spec_of(recipe), [object()], recipe) is None
