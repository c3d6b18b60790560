"""Training on a machine that fails it: a loader process that is killed."""

import multiprocessing
import os
import signal

import pytest

from trizoo.commands.cli import run_command
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.weights.checkpoint import load

SMALL = ["--model", "yolov3-tiny", "--input-size", "64", "--batch-size", "4", "--device", "cpu", "--quiet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data set, 16 of whose images are trained on."""
    return str(synthesize(tmp_path_factory.mktemp("data") / "set", images=24, size=(64, 64)))


def exit_code(command):
    """With what a process would end that runs it."""
    with pytest.raises(SystemExit) as ended:
        run_command(command)
    return ended.value.code


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is of POSIX")
def test_a_killed_loader_process_ends_a_run_with_one_sentence_that_names_it(zoo, data, tmp_path, monkeypatch, capsys):
    make, killed = zoo.learner, []

    def learner(*args):
        made = make(*args)
        step = made.step

        def taken(batch, lr):
            if batch.step == 2:  # what is made ahead is enough to end the epoch, with a checkpoint
                killed.append(multiprocessing.active_children()[0].pid)
                os.kill(killed[0], signal.SIGKILL)
            return step(batch, lr)

        made.step = taken
        return made

    monkeypatch.setattr(zoo, "learner", learner)
    out = tmp_path / "run"
    args = ["--data", data, "--epochs", "9", "--out", str(out), *SMALL, "--workers", "2"]
    assert exit_code(lambda: train(zoo, args)) == 2
    assert len(killed) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: a loader process was killed, as the system does where ")
    assert said.endswith("; fewer --workers (0 for none) or a smaller --batch-size would do\n")
    assert said.count("\n") == 1
    assert load(out / "last.h5").step % 4 == 0
