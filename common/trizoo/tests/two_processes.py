"""What a framework is held to that several processes train with, one a machine: all is as in one, but for rounding.

They are two of this machine. The tests that import this run in environments of their own, `tox -e distributed-tf2` and
so on: each graph is made by three processes.
"""

import inspect
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from trizoo.data.synthetic import synthesize
from trizoo.tests.measured_processes import *  # noqa: F403
from trizoo.tests.measured_processes import losses
from trizoo.training.world import VARIABLES


def start_two(*command, own=((), ())):
    """Two processes of a Python script, by rank, that know of each other; the ends of their outputs are awaited.

    own: arguments of each alone
    """
    with ExitStack() as held:  # both at once, or the second may be the first's again
        ports = [held.enter_context(socket.create_server(("localhost", 0))).getsockname()[1] for _ in range(2)]
    told = by_torchrun if os.environ.get("KERAS_BACKEND") == "torch" else by_tf_config
    return [start(*command, *own[rank], environment=os.environ | told(rank, ports)) for rank in (0, 1)]


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


@pytest.fixture(scope="session")
def two():
    """See `trizoo.tests.measured_processes.measured`."""
    return start_two


@pytest.fixture(scope="session")
def train_script(zoo):
    """train.py of the framework."""
    return Path(inspect.getfile(type(zoo))).parents[1] / "train.py"


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """Of a run whose epochs are of one step each; Adam would make whole steps of gradients that are rounding alone."""
    data = synthesize(tmp_path_factory.mktemp("data") / "data", images=10, size=(64, 64))
    chosen = ("--model", "yolov3-tiny", "--input-size", 64, "--batch-size", 4, "--workers", 1, "--device", "cpu")
    return ("--data", data, *chosen, "--set", "optimizer.name=sgd", "--set", "schedule.lr=0.001")


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
    assert [code for code, _ in found] == [2, 2], found
    assert "schedule.batch_size is 5, which 2 processes can't share equally; a multiple of 2" in found[0][1]
    assert not (tmp_path / "run").exists()


def test_processes_of_different_seeds_are_told_so_before_a_folder_is_made(train_script, flags, tmp_path):
    found = ends(start_two(train_script, *flags, "--out", tmp_path / "run", own=((), ("--seed", 7))))
    assert [code for code, _ in found] == [2, 2], found
    assert "error: seed is 7 in process 1, and 0 in process 0; all need the same command line" in found[0][1]
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
