"""What a framework is held to that several processes train with, one a machine: all is as in one, but for rounding.

They are two of this machine. The tests that import this run in environments of their own, `tox -e distributed-tf2` and
so on: each graph is made by three processes.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.ground.text import to_json
from trizoo.tests import one_of_two
from trizoo.tests.shared_steps import STEPS
from trizoo.training.world import VARIABLES


def start_two(*command):
    """Two processes of a Python script, by rank, that know of each other; the ends of their outputs are awaited."""
    with ExitStack() as held:  # both at once, or the second may be the first's again
        ports = [held.enter_context(socket.create_server(("localhost", 0))).getsockname()[1] for _ in range(2)]
    told = by_torchrun if os.environ.get("KERAS_BACKEND") == "torch" else by_tf_config
    return [start(*command, environment=os.environ | told(rank, ports)) for rank in (0, 1)]


def by_tf_config(rank, ports):
    """What tells TensorFlow's workers."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})}


def by_torchrun(rank, ports):
    """What torchrun tells, but that each process here ends by itself."""
    return dict(zip(VARIABLES, (str(rank), "2", str(rank), "2", "localhost", str(ports[0])), strict=True))


def start(*command, environment=None):
    """A process of a Python script, the end of whose output is awaited by `communicate`."""
    command = [sys.executable, *map(str, command)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def ends(processes, seconds=200):
    """[(exit code, output)] of processes."""
    found = [(process.communicate(timeout=seconds)[0], process) for process in processes]
    return [(process.returncode, output) for output, process in found]


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Boxes and masks; of the split to train on there are three batches, the last one a part of one."""
    return synthesize(tmp_path_factory.mktemp("data") / "several", images=28, size=(64, 64))


@pytest.fixture(scope="module")
def measured(zoo, script, tmp_path_factory, several):
    """What two processes have measured, and one alone: {"0", "1" and "alone", or an evaluated model: dict}.

    Args:
        script: a file that calls `one_of_two.main` of a framework with what it is given
    """
    folder = tmp_path_factory.mktemp("measured")
    processes = start_two(script, folder, several)
    alone = one_of_two.measure(one_of_two.Shared(zoo))  # meanwhile
    for code, output in ends(processes, 900):
        assert code == 0, output
    return {"alone": alone} | {path.stem: dict(np.load(path)) for path in folder.iterdir()}


@pytest.mark.parametrize(
    "what",
    [f"{model} {what}" for model in one_of_two.MODELS for what in ("loss", "gradients", "step", "curve")]
    + [*STEPS, "parts gradients", "parts average", "own statistics"],
)
def test_two_processes_have_what_one_has(measured, what):
    ours, others, theirs = measured["0"], measured["1"], measured["alone"]
    names = [name for name in theirs if name.startswith(f"{what}/")]
    assert names
    least = max(np.abs(theirs[name]).max() for name in names) / 1000
    for name in names:
        assert np.array_equal(ours[name], others[name]), name
        assert np.abs(ours[name] - theirs[name]).max() <= 1e-4 * max(np.abs(theirs[name]).max(), least), name


def test_bf16_with_a_frozen_backbone_is_near_that_of_one_process(measured):
    assert measured["0"]["bf16 loss/loss"] == pytest.approx(measured["alone"]["bf16 loss/loss"], rel=1e-3)


@pytest.mark.parametrize("model", one_of_two.EVALUATED)
def test_a_shared_evaluation_is_that_of_one_process(zoo, measured, several, model):
    metrics, found, unseen = one_of_two.evaluate(zoo, model, several)
    ours, arrays = measured[model], one_of_two.found_arrays(found)
    assert 16 < metrics["images"] < 24  # three batches of 8
    assert (str(ours.pop("metrics")), float(ours.pop("loss"))) == (to_json(metrics), unseen)
    assert ours.keys() == arrays.keys()
    assert sum(array.size for array in arrays.values()) > 0
    assert all(np.array_equal(ours[name], array) for name, array in arrays.items())


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """Of a run whose epochs are of one step each; Adam would make whole steps of gradients that are rounding alone."""
    data = synthesize(tmp_path_factory.mktemp("data") / "data", images=10, size=(64, 64))
    chosen = ("--model", "yolov3-tiny", "--input-size", 64, "--batch-size", 4, "--workers", 1, "--device", "cpu")
    return ("--data", data, *chosen, "--set", "optimizer.name=sgd", "--set", "schedule.lr=0.001")


def losses(folder):
    """The losses in a run's log."""
    records = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [record["loss"] for record in records if record["kind"] == "step"]


def test_a_run_of_two_processes_is_that_of_one_and_the_first_alone_speaks(train_script, flags, tmp_path):
    (code, output), (other_code, other) = ends(
        start_two(train_script, *flags, "--iterations", 6, "--out", tmp_path / "two")
    )
    assert (code, other_code) == (0, 0), output + other
    assert output.count("2 processes share each batch of 4") == output.count("best weights") == 1
    assert "trizoo" not in other
    assert ends([start(train_script, *flags, "--iterations", 6, "--out", tmp_path / "one")])[0][0] == 0
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-3)
    ours, theirs = (sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("two", "one"))
    assert ours == theirs


def test_a_batch_that_cannot_be_shared_is_refused_before_a_folder_is_made(train_script, flags, tmp_path):
    found = ends(start_two(train_script, *flags, "--set", "schedule.batch_size=5", "--out", tmp_path / "run"))
    for code, output in found:
        assert code == 2, output
        assert "schedule.batch_size is 5, which 2 processes can't share equally; a multiple of 2" in output
    assert not (tmp_path / "run").exists()


def begin(train_script, flags, folder):
    """Two processes of a long run that have done some steps."""
    processes = start_two(train_script, *flags, "--iterations", 20000, "--out", folder)
    for line in processes[0].stdout:
        if line.startswith("epoch 2/"):
            break
    return processes


def test_a_killed_process_ends_the_other_with_a_sentence_and_one_alone_resumes(train_script, flags, tmp_path):
    processes = begin(train_script, flags, tmp_path / "run")
    processes[1].kill()
    (code, output), _ = ends(processes)
    assert code == 2, output
    assert "another process of this run has ended, or can't be reached" in output
    assert "Traceback" not in output
    steps = len(losses(tmp_path / "run")) + 3
    resumed = start(train_script, "--resume", tmp_path / "run", "--workers", 0, "--iterations", steps)
    [(code, output)] = ends([resumed])
    assert code == 0, output
    assert len(losses(tmp_path / "run")) == steps


def test_a_signal_to_one_ends_both_after_the_step_with_a_checkpoint(train_script, flags, tmp_path):
    processes = begin(train_script, flags, tmp_path / "run")
    processes[1].send_signal(signal.SIGTERM)
    (_, output), (_, other) = ends(processes)
    assert "stopped after step" in output, output + other
    assert "Traceback" not in output + other
