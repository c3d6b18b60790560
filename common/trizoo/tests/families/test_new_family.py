"""A family is its own code and one line: this one, of marks in the middle of an image, is known to nothing else.

What stands here is what its folder would hold; `register_family` is the line in FAMILIES, `MarksFramework` the one in
a framework's table.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pytest

import trizoo
from trizoo import api, families
from trizoo.families.base.spec import Architecture, Family, ModelOptions, ModelSpec
from trizoo.ground.fields import Positive, Section
from trizoo.ground.sample import Detections
from trizoo.recipes import schema
from trizoo.recipes.load import load
from trizoo.tests.testing import FakeFramework


class MarkOptions(ModelOptions):
    side: Positive | None = None


@dataclass(frozen=True, kw_only=True)
class MarkSpec(ModelSpec):
    family: ClassVar[str] = "marks"

    side: float

    @property
    def output_names(self):
        return ("marks",)

    def targets(self, samples, size, loss):
        return {"counts": np.array([len(sample.boxes) for sample in samples], np.float32) * loss.gain}

    def decode(self, heads, placements, size, **options):
        half = np.array([-self.side, -self.side, self.side, self.side], np.float32) / 2
        found = []
        for of_image, placement in zip(heads[0], placements, strict=True):
            boxes = np.clip(np.tile(placement.original, 2) / 2 + half, 0, None).astype(np.float32)[None]
            found.append(Detections(boxes, np.array([0.5], np.float32), np.array([of_image.argmax()])))
        return found

    def first_bias(self, name, shape, prior):
        return np.zeros(shape, np.float32)

    def least_values(self, size):
        return None


@dataclass(frozen=True, kw_only=True)
class MarkArchitecture(Architecture):
    options: ClassVar[type[ModelOptions]] = MarkOptions

    def spec(self, name, num_classes, *, side=None, norm=None, **normalisation):
        return MarkSpec(name=name, num_classes=num_classes, side=side or 30.0, norm=norm, **normalisation)


class MarkLoss(Section):
    kind: Literal["marks"] = "marks"
    gain: Positive = 1.0


class MarksFramework(FakeFramework):
    def build(self, spec, device, seed=0):
        return {
            "backbone.bn.bias": np.zeros(2, np.float32),
            "head.predict.bias": np.zeros(spec.num_classes, np.float32),
        }

    def predictor(self, model, precision, device, shortlist=False):
        return lambda images: [np.tile(model["head.predict.bias"], (len(images), 1))]


@pytest.fixture
def framework(monkeypatch):
    """A framework that has the family's network, where the zoo has the family."""
    tables = [families.FAMILIES, families.ARCHITECTURES]
    before = [dict(table) for table in tables]
    trizoo.register_family("marks", Family({"marks-16": MarkArchitecture()}, MarkLoss))
    framework = MarksFramework()
    monkeypatch.setattr(api, "open_framework", lambda name=None: framework)
    yield framework
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)
    schema.refresh()


def test_it_trains_evaluates_and_predicts(framework, synthetic_data, tmp_path):
    values = {"model.name": "marks-16", "data.root": synthetic_data, "input_size": [64, 64], "schedule.epochs": 2}
    run = trizoo.train(values, workers=0, quiet=True, out=tmp_path / "run", say=lambda line: None)
    assert run.metrics["mAP50"] is not None
    detector = trizoo.load(run.best)
    assert (detector.spec.family, detector.recipe.loss.kind) == ("marks", "marks")
    (box,) = detector(np.zeros((64, 64, 3), np.uint8), confidence=0.1).boxes
    assert box.tolist() == [17, 17, 47, 47]  # 32 +- 15


def test_its_options_and_loss_are_a_recipes(framework):
    _, family = schema.base_of("marks-16")
    loaded = load(schema.Recipe, overrides=[*family, ("model.side", 8, "test"), ("loss.gain", 3, "test")])
    spec = families.model_spec("marks-16", 2, side=loaded.recipe.model.side)
    assert (spec.side, loaded.recipe.loss.gain) == (8, 3)
    assert families.model_spec(**families.spec_config(spec)) == spec
    with pytest.raises(
        trizoo.UserError, match=r"model\.side is 8, which yolov3 doesn't have; none, or one of marks-16"
    ):
        families.model_spec("yolov3", 2, side=8)


def test_its_targets_reach_a_program(framework, synthetic_data, tmp_path):
    values = {"model.name": "marks-16", "data.root": synthetic_data, "input_size": [64, 64], "schedule.iterations": 1}
    run = trizoo.train(values, workers=0, quiet=True, out=tmp_path / "run", say=lambda line: None)
    detector = trizoo.load(run.best)
    boxes = [np.array([[1, 1, 5, 5]], np.float32), np.zeros((0, 4), np.float32)]
    counts = trizoo.targets(detector, boxes, [np.array([0]), np.zeros(0, np.int64)], (64, 64))["counts"]
    assert counts.tolist() == [1, 0]


def test_names_in_use_are_refused(framework):
    family = Family({"marks-32": MarkArchitecture()}, MarkLoss)
    with pytest.raises(ValueError, match="'yolo' is in use already"):
        trizoo.register_family("yolo", family)
    with pytest.raises(ValueError, match="'yolov3' is in use already"):
        trizoo.register_family("mine", Family({"yolov3": MarkArchitecture()}, MarkLoss))
