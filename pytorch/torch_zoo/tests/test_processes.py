"""Training by two and by four processes under torchrun, against one: tox -e distributed-torch runs it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.tests import one_of_two

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("takes minutes: tox -e distributed-torch runs it", allow_module_level=True)

from trizoo.tests.measured_processes import *  # noqa: F403
from trizoo.tests.measured_processes import SCRIPT, assert_shared, losses

TRAIN = Path(__file__).parents[2] / "train.py"
LAUNCHER = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
TORCHRUN = (*LAUNCHER, "2")


def start(*command):
    """A process, the end of whose output is awaited by `communicate`."""
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(*command):
    """(exit code, output) of a process."""
    process = start(*command)
    output, _ = process.communicate(timeout=500)
    return process.returncode, output


@pytest.fixture(scope="session")
def two():
    """See `trizoo.tests.measured_processes.measured`."""
    return lambda *command: [start(*TORCHRUN, *command)]


def test_four_processes_of_an_image_each_have_the_gradients_and_the_step_of_one(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code, output = run(*LAUNCHER, "4", *SCRIPT, zoo.name, tmp_path)
    assert code == 0, output
    first, *others = (dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(4))
    model = one_of_two.MODELS[0]
    alone = one_of_two.measure_step(one_of_two.Shared(zoo), model)
    for what in ("loss", "gradients", "step"):
        assert_shared(f"{model} {what}", first, others, alone)


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """Of a run whose epochs are of one step each; Adam would make whole steps of gradients that are rounding alone."""
    data = synthesize(tmp_path_factory.mktemp("data") / "data", images=10, size=(64, 64))
    chosen = ("--model", "yolov3-tiny", "--input-size", 64, "--batch-size", 4, "--workers", 0)
    return ("--data", data, *chosen, "--set", "optimizer.name=sgd", "--lr", 0.001)


def test_a_run_of_two_processes_is_that_of_one_and_the_first_alone_speaks(flags, tmp_path):
    flags = (*flags, "--iterations", 6, "--device", "cpu")
    code, output = run(*TORCHRUN, TRAIN, *flags, "--out", tmp_path / "two")
    assert code == 0, output
    assert output.count("2 processes share each batch of 4") == output.count("best weights") == 1
    assert output.count("trizoo 0.") == 1
    assert run(sys.executable, TRAIN, *flags, "--out", tmp_path / "one")[0] == 0
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-3)
    ours, theirs = (sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("two", "one"))
    assert ours == theirs


def assert_told_once(output, sentence):
    """One process has said a sentence, both have ended with 2 by themselves."""
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, output
    assert sentence in errors[0]
    assert re.findall(r"exitcode +: (\S+)", output) == ["2", "2"], output


def test_a_batch_that_cannot_be_shared_is_refused_once_before_a_folder_is_made(flags, tmp_path):
    _, output = run(*TORCHRUN, TRAIN, *flags, "--set", "schedule.batch_size=5", "--out", tmp_path / "run")
    assert_told_once(output, "schedule.batch_size is 5, which 2 processes can't share equally; a multiple of 2")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_what_one_process_alone_meets_it_tells_and_both_end(flags, tmp_path, rank):
    """Its data aren't there."""
    script = f'test $RANK = {rank} && set -- "$@" --data nowhere; exec "$@"'
    command = ("bash", "-c", script, "_", sys.executable, TRAIN, *flags, "--out", tmp_path / "run")
    _, output = run(*TORCHRUN, "--no-python", *command)
    assert_told_once(output, "data set nowhere does not exist")


def test_processes_of_different_seeds_are_told_so_once_before_a_folder_is_made(flags, tmp_path):
    command = ("bash", "-c", 'exec "$@" --seed $RANK', "_", sys.executable, TRAIN, *flags, "--out", tmp_path / "run")
    _, output = run(*TORCHRUN, "--no-python", *command)
    assert_told_once(output, "seed is 1 in process 1, and 0 in process 0; all need the same command line")
    assert not (tmp_path / "run").exists()


def test_evaluating_by_several_is_refused_once():
    _, output = run(*TORCHRUN, TRAIN.with_name("evaluate.py"), "--weights", "none.h5")
    assert_told_once(output, "runs in one process, and torchrun started several")


def test_a_loss_that_is_not_finite_is_told_once(flags, tmp_path):
    wild = ("--lr", "1e30", "--epochs", 9, "--device", "cpu", "--out", tmp_path / "run")
    _, output = run(*TORCHRUN, TRAIN, *flags, *wild, "--set", "schedule.warmup=0")
    assert_told_once(output, "training stopped: the loss term")


def begin(flags, folder):
    """A long run of two processes that has done some steps: the launcher, and the processes' ids by rank."""
    process = start(*TORCHRUN, TRAIN, *flags, "--iterations", 20000, "--out", folder, "--device", "cpu")
    for line in process.stdout:
        if re.match(r"epoch \d+", line):
            break
    pids = {}
    for pid in Path("/proc").glob("[0-9]*"):
        try:
            environment = dict(v.split("=", 1) for v in (pid / "environ").read_text().split("\0") if "=" in v)
            parent = int((pid / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process.pid and "RANK" in environment:
            pids[int(environment["RANK"])] = int(pid.name)
    return process, pids


def test_a_killed_process_ends_all_and_one_alone_resumes(flags, tmp_path):
    process, pids = begin(flags, tmp_path / "run")
    assert pids.keys() == {0, 1}
    os.kill(pids[1], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "trizoo/training/" not in output  # torchrun's own report is the only traceback
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
    steps = len(losses(tmp_path / "run")) + 3
    code, output = run(sys.executable, TRAIN, "--resume", tmp_path / "run", "--workers", 0, "--iterations", steps)
    assert code == 0, output
    assert len(losses(tmp_path / "run")) == steps
    assert "best weights" in output


def test_a_signal_ends_all_after_the_step_with_a_checkpoint(flags, tmp_path):
    process, pids = begin(flags, tmp_path / "run")
    os.kill(pids[1], signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    stopped = re.search(r"stopped after step (\d+); resume with", output)
    assert stopped, output
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["step"] == int(stopped[1])
