"""A classifier by train.py, evaluate.py, predict.py and `trizoo.load`, and as a detector's backbone."""

import json

import numpy as np
import pytest

import trizoo
from trizoo import api
from trizoo.commands.evaluate import evaluate
from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.ground.errors import UserError
from trizoo.parity.pseudo import pseudo_arrays
from trizoo.recipes.load import load as load_recipe
from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.training.build import build_model
from trizoo.training.recipe import new_recipe
from trizoo.training.specs import spec_of
from trizoo.weights.checkpoint import Checkpoint, load, save

BLENDS = "augment=[{op: random_placement}, {op: cutmix}, {op: mixup, alpha: 0.2, only_mosaic: false}]"
SHORT = ["--iterations", "2", "--batch-size", "4", "--workers", "0", "--device", "cpu", "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(
        tmp_path_factory.mktemp("data") / "set", 40, (48, 40), ("ring", "star", "bar"), kind="classification"
    )


@pytest.fixture(scope="module")
def run(zoo, data, tmp_path_factory):
    """A run of two steps, whose images may be blended."""
    out = tmp_path_factory.mktemp("runs") / "run"
    flags = ["--model", "classify-resnet18", "--data", str(data), "--input-size", "64", "--out", str(out)]
    assert train(zoo, [*flags, "--set", BLENDS, *SHORT]) == 0
    return out


@pytest.mark.usefixtures("seldom")
def test_a_run_is_evaluated_again_to_its_own_metrics_and_predicts(zoo, data, run, tmp_path, monkeypatch):
    ours = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    weights, json_file = str(run / "best.h5"), tmp_path / "metrics.json"
    flags = ["--json", str(json_file), "--report", str(tmp_path / "report"), "--device", "cpu"]
    assert evaluate(zoo, ["--weights", weights, *flags]) == 0
    again = json.loads(json_file.read_text(encoding="utf-8"))
    assert (again["per_class"], again["top1"]) == (ours["per_class"], ours["top1"])
    assert load(weights).recipe["classes"] == ["bar", "ring", "star"]

    out, images = tmp_path / "out", sorted((data / "test").rglob("*.jpg"))
    assert predict(zoo, [str(data / "test"), "--weights", weights, "--out", str(out), "--json", "--device", "cpu"]) == 0
    listed = json.loads((out / "classes.json").read_text(encoding="utf-8"))
    assert len(listed) == len(images)
    assert all(
        sum(one["probability"] for one in of_image["classes"]) == pytest.approx(1, abs=1e-3) for of_image in listed
    )

    monkeypatch.setattr(api, "require_installed", lambda: [zoo.name])
    found = trizoo.load(weights, device="cpu")([str(path) for path in images])
    assert [of_image.name for of_image in found] == [of_image["classes"][0]["class"] for of_image in listed]
    assert found[0].score == found[0].scores.max()
    assert sorted(found[0].names) == ["bar", "ring", "star"]


def test_a_detector_begins_with_a_classifiers_backbone(zoo, tmp_path):
    device, weights = zoo.device("cpu"), tmp_path / "best.h5"
    recipe = load_recipe(Recipe, base="classify-resnet18", overrides=[("classes", ["a", "b"], "test")]).recipe
    arrays = pseudo_arrays(zoo.shapes(zoo.build(spec_of(recipe), device, seed=None)))
    save(weights, Checkpoint(arrays, to_dict(recipe), zoo.name))

    overrides = [("classes", ["square"], "test")]
    wanted = new_recipe(overrides, model="retinanet-resnet18", weights=str(weights), origin="test").recipe
    found = zoo.arrays(build_model(zoo, wanted, device, lambda line: None, weights=str(weights)))
    shared = [name for name in arrays if name.startswith("backbone.")]
    assert len(shared) == 100  # 20 convolutions, each with a kernel and four arrays of its batch norm
    assert all(np.array_equal(arrays[name], found[name]) for name in shared)
    with pytest.raises(UserError, match=r"holds resnet18, and retinanet-resnet50 stands on resnet50"):
        new_recipe(overrides, model="retinanet-resnet50", weights=str(weights), origin="test")
