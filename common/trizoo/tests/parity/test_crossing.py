"""One run that crosses from framework to framework, where they are installed: train, resume, evaluate.

Each framework runs in a process of its own, as a person would start it.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trizoo.commands.parity import SIDES
from trizoo.data.synthetic import synthesize
from trizoo.weights.checkpoint import load

ROOT = Path(__file__).parents[4]
FOLDERS = {"PyTorch": "pytorch", "TensorFlow 2": "tf2", "Keras, TensorFlow": "keras"}
PRESENT = {FOLDERS[side.name]: dict(side.environment) for side in SIDES if side.name in FOLDERS and side.installed}

pytestmark = pytest.mark.skipif(
    len(PRESENT) < 2 or not (ROOT / "pyproject.toml").exists(), reason="needs two frameworks and the repository"
)


def run(folder, program, *arguments, cwd):
    """A framework's program, which must succeed."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "TF_CPP_MIN_LOG_LEVEL": "2"} | PRESENT[folder]
    result = subprocess.run(
        [sys.executable, str(ROOT / folder / f"{program}.py"), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=280,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def losses(out):
    """The loss of each epoch of a run."""
    records = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [record["loss"] for record in records if record["kind"] == "epoch"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("data") / "synthetic", images=32, size=(96, 96))


@pytest.fixture(scope="module")
def relay(data, tmp_path_factory):
    """A run of an epoch in each framework, one after the other, and as many epochs in the first alone."""
    cwd = tmp_path_factory.mktemp("runs")
    crossing, alone = cwd / "crossing", cwd / "alone"
    first, *others = PRESENT
    small = ["--data", data, "--input-size", "96", "--batch-size", "8", "--workers", "0", "--quiet"]
    # a schedule that doesn't know of the end, so that a run that is lengthened each time keeps to the same rates
    small += ["--set", "schedule.kind=step", "--set", "schedule.final=1", "--set", "schedule.warmup=0", "--lr", "0.001"]
    small += ["--set", "optimizer.name=sgd"]  # Adam's first steps divide by next to nothing, so the last bit grows
    run(first, "train", *small, "--epochs", len(PRESENT), "--out", alone, cwd=cwd)
    run(first, "train", *small, "--epochs", 1, "--out", crossing, cwd=cwd)
    for epochs, folder in enumerate(others, start=2):
        said = run(folder, "train", "--resume", crossing, "--epochs", epochs, "--workers", "0", "--quiet", cwd=cwd)
        assert f"resumed with {folder}" in said
    return crossing, alone


def test_the_loss_goes_on_as_in_one_framework(relay):
    crossing, alone = map(losses, relay)
    assert crossing == pytest.approx(alone, rel=1e-3)


def test_weights_and_momenta_end_where_one_framework_alone_ends(relay):
    crossing, alone = (load(out / "last.h5") for out in relay)
    assert crossing.step == alone.step
    assert crossing.framework != alone.framework
    for ours, theirs in ((crossing.model, alone.model), (crossing.optimizer["momentum"], alone.optimizer["momentum"])):
        assert ours.keys() == theirs.keys()
        norm = np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in theirs.values()))
        distance = np.sqrt(sum(((ours[name].astype(np.float64) - theirs[name]) ** 2).sum() for name in theirs))
        assert distance < 0.01 * norm


def test_one_checkpoint_has_the_same_metrics_in_every_framework(relay, data, tmp_path):
    found = []
    for folder in PRESENT:
        out = tmp_path / f"{folder}.json"
        run(folder, "evaluate", "--weights", relay[1] / "best.h5", "--data", data, "--json", out, cwd=tmp_path)
        found.append(json.loads(out.read_text(encoding="utf-8")))
    for other in found[1:]:
        assert other["mAP50"] == pytest.approx(found[0]["mAP50"], abs=1e-3)
        assert other["mAP"] == pytest.approx(found[0]["mAP"], abs=1e-3)
