"""A multi-label classifier by train.py, evaluate.py, predict.py and `trizoo.load`."""

import json

import pytest

import trizoo
from trizoo import api
from trizoo.commands.evaluate import evaluate
from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.weights.checkpoint import load

BLENDS = "augment=[{op: random_placement}, {op: cutmix}, {op: mixup, alpha: 0.2, only_mosaic: false}]"
SHORT = ["--iterations", "2", "--batch-size", "4", "--workers", "0", "--device", "cpu", "--quiet"]


@pytest.mark.usefixtures("seldom")
def test_a_run_is_evaluated_again_to_its_own_metrics_and_predicts(zoo, tmp_path, monkeypatch):
    data, run = synthesize(tmp_path / "set", 40, (64, 48), ("ring", "star", "bar"), kind="multilabel"), tmp_path / "run"
    flags = ["--model", "multilabel-resnet18", "--data", str(data), "--input-size", "64", "--out", str(run)]
    assert train(zoo, [*flags, "--set", BLENDS, *SHORT]) == 0
    ours = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    weights, json_file = str(run / "best.h5"), tmp_path / "metrics.json"
    flags = ["--json", str(json_file), "--report", str(tmp_path / "report"), "--device", "cpu"]
    assert evaluate(zoo, ["--weights", weights, *flags]) == 0
    again = json.loads(json_file.read_text(encoding="utf-8"))
    assert (again["per_class"], again["mAP"]) == (ours["per_class"], ours["mAP"])
    assert load(weights).recipe["classes"] == ["bar", "ring", "star"]

    out, images = tmp_path / "out", sorted((data / "images").glob("*.jpg"))[:6]
    flags = ["--weights", weights, "--out", str(out), "--json", "--confidence", "0.4", "--device", "cpu"]
    assert predict(zoo, [*map(str, images), *flags]) == 0
    listed = json.loads((out / "classes.json").read_text(encoding="utf-8"))
    assert all(one["probability"] >= 0.4 for of_image in listed for one in of_image["classes"])

    monkeypatch.setattr(api, "require_installed", lambda: [zoo.name])
    model = trizoo.load(weights, device="cpu")
    found = model([str(path) for path in images], confidence=0.4)
    assert [of_image.names for of_image in found] == [[one["class"] for one in told["classes"]] for told in listed]
    assert all(of_image.probabilities.shape == (3,) for of_image in found)
    with pytest.raises(ValueError, match="confidence is 2; 0 to 1 is needed"):
        model(str(images[0]), confidence=2)
