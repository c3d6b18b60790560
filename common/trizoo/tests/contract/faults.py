"""Training on a machine that fails it: a loader process that is killed, little memory."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trizoo.commands.cli import run_command
from trizoo.commands.train import train
from trizoo.data.synthetic import synthesize
from trizoo.recipes.load import load as load_recipe
from trizoo.recipes.schema import Recipe
from trizoo.training.batch_size import SHARE
from trizoo.training.memory import MIB, estimate
from trizoo.training.specs import spec_of
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


# trains in a process whose limit of addresses leaves the framework so many bytes where it first asks for them
LIMITED = """
import re, resource, sys
from pathlib import Path
from trizoo.commands.cli import run_command
from trizoo.commands.train import train
from trizoo.framework import find

name, wanted, *args = sys.argv[1:]
zoo = find(name).open()
memory_of = zoo.memory_of

def limited(device):
    mapped = int(re.search(r"VmSize:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10
    most = mapped + (4 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    most -= memory_of(device) - int(wanted)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    zoo.memory_of = memory_of
    return memory_of(device)

zoo.memory_of = limited
run_command(lambda: train(zoo, args))
"""


@pytest.mark.usefixtures("seldom")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell a process's memory")
def test_the_batch_that_a_limit_of_addresses_leaves_room_for_trains_an_epoch(zoo, data, tmp_path):
    device, size = zoo.device("cpu"), (192, 192)
    recipe = load_recipe(Recipe, base="yolov3-tiny").recipe
    recipe = recipe.model_copy(update={"classes": ("a", "b", "c"), "input_size": size})
    spec = spec_of(recipe)
    known = estimate(zoo, spec, recipe, zoo.shapes(zoo.build(spec, device)), size, device)
    room = round((known.total(4) + 16 * MIB) / SHARE)
    args = ["--data", data, *SMALL, "--workers", "0", "--input-size", "192", "--batch-size", "auto", "--epochs", "1"]
    command = [sys.executable, "-c", LIMITED, zoo.name, str(room), *args, "--out", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # of the 16 images, which are one batch without a limit
    assert "\n  batch_size: 4\n" in (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")
    assert load(tmp_path / "run" / "last.h5").step == 4
