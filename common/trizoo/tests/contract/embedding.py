"""An embedding model by train.py, evaluate.py, predict.py and `trizoo.load`."""

import json

import numpy as np
import pytest

import trizoo
from trizoo import api
from trizoo.commands.evaluate import evaluate
from trizoo.commands.predict import predict
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.weights.checkpoint import load

SHORT = ["--iterations", "2", "--batch-size", "8", "--workers", "0", "--device", "cpu", "--quiet"]


@pytest.mark.parametrize("loss", ["arcface", "triplet"])
@pytest.mark.usefixtures("seldom")
def test_a_run_is_evaluated_again_to_its_own_metrics_and_gives_vectors(zoo, tmp_path, monkeypatch, loss):
    data, run = (
        synthesize(tmp_path / "set", 60, (48, 40), ("ring", "star", "bar"), kind="classification"),
        tmp_path / "run",
    )
    flags = ["--model", "embed-resnet18", "--data", str(data), "--input-size", "64", "--out", str(run)]
    assert train(zoo, [*flags, "--set", f"loss.name={loss}", *SHORT]) == 0
    ours = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    weights, json_file = str(run / "best.h5"), tmp_path / "metrics.json"
    flags = ["--json", str(json_file), "--report", str(tmp_path / "report"), "--device", "cpu"]
    assert evaluate(zoo, ["--weights", weights, *flags]) == 0
    again = json.loads(json_file.read_text(encoding="utf-8"))
    assert (again["per_class"], again["map_at_r"]) == (ours["per_class"], ours["map_at_r"])
    assert load(weights).recipe["classes"] == ["bar", "ring", "star"]

    out, images = tmp_path / "out", sorted((data / "test").rglob("*.jpg"))
    assert predict(zoo, [str(data / "test"), "--weights", weights, "--out", str(out), "--json", "--device", "cpu"]) == 0
    listed = json.loads((out / "vectors.json").read_text(encoding="utf-8"))
    assert len(listed) == len(images)
    monkeypatch.setattr(api, "require_installed", lambda: [zoo.name])
    found = trizoo.load(weights, device="cpu")([str(path) for path in images])
    assert np.stack(found) == pytest.approx(np.array([of_image["vector"] for of_image in listed]), abs=1e-5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(images)), abs=1e-5)
