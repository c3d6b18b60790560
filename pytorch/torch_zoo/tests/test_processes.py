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
from trizoo.ground.text import to_json
from trizoo.tests import one_of_two
from trizoo.tests.shared_steps import STEPS

if "TRIZOO_DEVICES" not in os.environ:
    pytest.skip("takes minutes: tox -e distributed-torch runs it", allow_module_level=True)

TRAIN = Path(__file__).parents[2] / "train.py"
SCRIPT = Path(__file__).with_name("one_of_two.py")
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


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Boxes and masks; of the split to train on there are three batches, the last one a part of one."""
    return synthesize(tmp_path_factory.mktemp("data") / "several", images=28, size=(64, 64))


@pytest.fixture(scope="module")
def measured(zoo, tmp_path_factory, several):
    """What two processes have measured, and one alone: {"0", "1" and "alone", or an evaluated model: dict}."""
    folder = tmp_path_factory.mktemp("measured")
    process = start(*TORCHRUN, SCRIPT, folder, several)
    alone = one_of_two.measure(one_of_two.Shared(zoo))  # meanwhile
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output
    return {"alone": alone} | {path.stem: dict(np.load(path)) for path in folder.iterdir()}


@pytest.mark.parametrize(
    "what",
    [f"{model} {what}" for model in one_of_two.MODELS for what in ("loss", "gradients", "step", "curve")]
    + [*STEPS, "parts gradients", "parts average", "own statistics"],
)
def test_two_processes_have_what_one_has(measured, what):
    assert_shared(what, measured["0"], [measured["1"]], measured["alone"])


def assert_shared(what, ours, others, theirs):
    """All processes have the same arrays, which are those of one but for rounding."""
    names = [name for name in theirs if name.startswith(f"{what}/")]
    assert names
    least = max(np.abs(theirs[name]).max() for name in names) / 1000
    for name in names:
        assert all(np.array_equal(ours[name], other[name]) for other in others), name
        assert np.abs(ours[name] - theirs[name]).max() <= 1e-4 * max(np.abs(theirs[name]).max(), least), name


def test_four_processes_of_an_image_each_have_the_gradients_and_the_step_of_one(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code, output = run(*LAUNCHER, "4", SCRIPT, tmp_path)
    assert code == 0, output
    first, *others = (dict(np.load(tmp_path / f"{rank}.npz")) for rank in range(4))
    model = one_of_two.MODELS[0]
    alone = one_of_two.measure_step(one_of_two.Shared(zoo), model)
    for what in ("loss", "gradients", "step"):
        assert_shared(f"{model} {what}", first, others, alone)


def test_bf16_with_a_frozen_backbone_is_near_that_of_one_process(measured):
    assert measured["0"]["bf16 loss/loss"] == pytest.approx(measured["alone"]["bf16 loss/loss"], rel=1e-3)


@pytest.mark.parametrize("model", one_of_two.EVALUATED)
def test_a_shared_evaluation_is_that_of_one_process_to_the_last_bit(zoo, measured, several, model):
    metrics, found, unseen = one_of_two.evaluate(zoo, model, several)
    ours, arrays = measured[model], one_of_two.found_arrays(found)
    assert 16 < metrics["images"] < 24  # three batches of 8
    assert (str(ours.pop("metrics")), float(ours.pop("loss"))) == (to_json(metrics), unseen)
    assert ours.keys() == arrays.keys()
    assert sum(array.size for array in arrays.values()) > 0
    assert all(np.array_equal(ours[name], array) for name, array in arrays.items())


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    """Of a run whose epochs are of one step each."""
    data = synthesize(tmp_path_factory.mktemp("data") / "data", images=10, size=(64, 64))
    return ("--data", data, "--model", "yolov3-tiny", "--input-size", 64, "--batch-size", 4, "--workers", 0)


def losses(folder):
    """The losses in a run's log."""
    records = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [record["loss"] for record in records if record["kind"] == "step"]


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
