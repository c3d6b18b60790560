"""A task is its own code and a line a table: this one, how light a whole image is, is known to nothing else.

What stands here is what its modules would hold; the fixture adds the lines: in FLAGS and `tasks` of tasks/__init__.py,
in KINDS of show/kinds.py, and those of its family (see tests/families/test_new_family.py). Its data are those of
classification.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest

import trizoo
from trizoo import api, families
from trizoo import tasks as all_tasks
from trizoo.commands.data import run as data_command
from trizoo.commands.evaluate import evaluate
from trizoo.commands.flags import data as data_flags
from trizoo.commands.predict import predict
from trizoo.data.images import read_image
from trizoo.data.synthetic import synthesize
from trizoo.deploy.metadata import describe
from trizoo.families.base.spec import Family
from trizoo.families.classification.spec import ClassificationArchitecture, ClassificationSpec
from trizoo.ground.fields import Section
from trizoo.recipes import schema
from trizoo.show.kinds import KINDS
from trizoo.tasks.classification import ClassEvaluationSet, Classification
from trizoo.tasks.flags import Flag, TaskFlags
from trizoo.tasks.pipeline import ImagePipeline
from trizoo.tasks.predictors import Predictor
from trizoo.tests.testing import FakeFramework


class LightLoss(Section):
    kind: Literal["light"] = "light"


@dataclass(frozen=True, kw_only=True)
class LightSpec(ClassificationSpec):
    family: ClassVar[str] = "light"

    def targets(self, samples, size, loss):
        return {"labels": np.array([sample.label for sample in samples])}


@dataclass(frozen=True, kw_only=True)
class LightArchitecture(ClassificationArchitecture):
    task: ClassVar[str] = "light"
    spec_class: ClassVar[type[ClassificationSpec]] = LightSpec


class LightPipeline(ImagePipeline):
    def results(self, outputs, placements, images):
        return [float(light) for light in outputs[0]]


class LightMeter(Predictor):
    """An image -> how light it is."""


@dataclass(frozen=True)
class LightEvaluationSet(ClassEvaluationSet):
    def measure(self, pipeline):
        found = list(pipeline(record.image for record in self.records))
        return {"light": float(np.mean(found)), "images": len(found)}, found

    def draw(self, found, number):
        image = read_image(self.records[number].image)
        return image, np.full_like(image, round(found[number]))

    def write_report(self, folder, found):
        Path(folder).mkdir()
        (Path(folder) / "light.txt").write_text(str(len(found)))


class Light(Classification):
    name = "light"
    metrics = ("light",)
    pipeline_class = LightPipeline
    predictor_class = LightMeter
    ends = ("raw", ())

    def evaluation_set(self, listing, recipe, split):
        return LightEvaluationSet(**vars(super().evaluation_set(listing, recipe, split)))

    def lists(self, recipe, args):
        return {"light": lambda result, number: [result]} if args.json else {}

    def result(self, photo, found, recipe, args):
        return {"image": photo.name, "light": round(found * args.times)}

    def line(self, photo, found, result, recipe, args):
        return f"{photo.name}: {result['light']}"

    def draw(self, photo, found, recipe, args):
        return photo.pixels()

    def table(self, metrics):
        return f"light {metrics['light']:.1f}"

    def total(self, recipe, args):
        return Total()


class Total:
    def add(self, result):
        """Nothing is summed up."""

    def text(self):
        return "that is all"


class LightFramework(FakeFramework):
    def build(self, spec, device, seed=0):
        self.spec = spec
        return {"backbone.bn.bias": np.zeros(2, np.float32), "head.predict.bias": np.zeros(1, np.float32)}

    def predictor(self, model, precision, device, shortlist=False):
        return lambda images: [images.mean(axis=(1, 2, 3))]


@pytest.fixture
def framework(monkeypatch):
    """A framework that has the family's network, where the zoo has the task."""
    before = [(table, dict(table)) for table in (families.FAMILIES, families.ARCHITECTURES)]
    flags = TaskFlags(models="light meters", data="classification", predict=(Flag("times", "how many", "N", int),))
    monkeypatch.setitem(all_tasks.FLAGS, "light", flags)
    there = all_tasks.tasks()
    monkeypatch.setattr(all_tasks, "tasks", lambda: {**there, "light": Light()})
    shown = replace(KINDS["classification"], model="light-resnet18", results=lambda *_: [])
    monkeypatch.setitem(KINDS, "light", shown)
    trizoo.register_family("light", Family({"light-resnet18": LightArchitecture(backbone="resnet18")}, LightLoss))
    framework = LightFramework()
    monkeypatch.setattr(api, "open_framework", lambda name=None: framework)
    yield framework
    for table, entries in before:
        table.clear()
        table.update(entries)
    schema.refresh()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("shapes") / "set", 24, (48, 48), kind="classification")


def test_it_trains_and_is_loaded_evaluated_and_used(framework, data, tmp_path, capsys):
    values = {"model.name": "light-resnet18", "data.root": str(data), "input_size": [64, 64], "schedule.epochs": 1}
    run = trizoo.train(values, workers=0, quiet=True, out=tmp_path / "run", say=lambda line: None)
    meter = trizoo.load(run.best)
    assert (type(meter), meter(np.full((64, 64, 3), 7, np.uint8))) == (LightMeter, 7)

    outputs = ["--plots", str(tmp_path / "plots"), "--report", str(tmp_path / "page")]
    assert evaluate(framework, ["--weights", str(run.best), *outputs]) == 0
    assert f"light {run.metrics['light']:.1f}" in capsys.readouterr().out
    assert (tmp_path / "page" / "index.html").exists()
    assert (tmp_path / "plots" / "light.txt").exists()

    photo = str(next(data.rglob("*.jpg")))
    out = tmp_path / "found"
    assert predict(framework, [photo, "--weights", str(run.best), "--json", "--times", "2", "--out", str(out)]) == 0
    assert "that is all" in capsys.readouterr().out
    (told,) = json.loads((out / "light.json").read_text())
    assert told["light"] == round(2 * meter(photo))


def test_its_flags_are_refused_by_models_of_other_tasks(framework, data, tmp_path):
    values = {"data.root": str(data), "input_size": [64, 64], "schedule.epochs": 1}
    run = trizoo.train(
        {"model.name": "light-resnet18", **values}, workers=0, quiet=True, out=tmp_path / "run", say=lambda line: None
    )
    with pytest.raises(trizoo.UserError, match=r"--masks is for segmentation and light-resnet18 does light"):
        predict(framework, [str(data), "--weights", str(run.best), "--masks"])


def test_data_sets_are_checked_and_shown_for_it(framework, data, tmp_path, capsys, monkeypatch):
    parsed = data_flags.parser("trizoo data").parse_args(["check", str(data), "--task", "light"])
    assert data_command(parsed) == 0
    shown = ["show", str(data), "--task", "light", "--out", str(tmp_path / "page")]
    assert data_command(data_flags.parser("trizoo data").parse_args(shown)) == 0
    assert (tmp_path / "page" / "index.html").exists()


def test_an_exported_file_says_what_its_graph_ends_in(framework):
    recipe = schema.Recipe(
        model={"name": "light-resnet18"}, loss={"kind": "light"}, classes=("a", "b"), input_size=(64, 64)
    )
    spec = families.model_spec("light-resnet18", 2)
    notes = describe(
        recipe, spec, raw=False, dynamic_size=False, batch=1, precision="fp32", thresholds=None, licence=None
    )
    assert (notes.task, notes.kind, notes.outputs) == ("light", "raw", ())
