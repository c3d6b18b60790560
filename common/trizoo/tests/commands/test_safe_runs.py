"""What a run folder lives through: two processes at once, full disks, kills, wrong files, another length."""

import csv
import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trizoo.commands.train import train
from trizoo.ground.errors import UserError
from trizoo.tests.commands.test_train import log_of
from trizoo.tests.testing import FakeFramework
from trizoo.training import loop
from trizoo.weights import checkpoint
from trizoo.weights.checkpoint import load

RESUME = ("--workers", "0", "--quiet")


@pytest.fixture
def resume(framework, tmp_path):
    """Resumes the run in tmp_path / "run" with a fresh framework."""
    return lambda *arguments: train(type(framework)(), ["--resume", str(tmp_path / "run"), *arguments, *RESUME])


@pytest.fixture
def during(framework, monkeypatch):
    """A function of a step and of what to do in it, in the next run."""

    def arrange(number, act):
        make = framework.learner

        def learner(*arguments):
            made = make(*arguments)
            step = made.step

            def acting(batch, lr):
                if batch.step == number:
                    act()
                return step(batch, lr)

            made.step = acting
            return made

        monkeypatch.setattr(framework, "learner", learner)

    return arrange


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_process_refuses_the_run_of_the_first_at_once_and_touches_nothing(start, resume, during, tmp_path):
    refused = []

    def try_both():
        before = content(tmp_path / "run")
        for attempt in (resume, start):
            with pytest.raises(
                UserError, match=rf"run is being trained by process {os.getpid()} on \S+; wait"
            ) as error:
                attempt()
            refused.append(str(error.value))
        assert content(tmp_path / "run") == before

    during(4, try_both)
    assert start("--epochs", "2") == 0
    assert len(refused) == 2
    assert not (tmp_path / "run" / ".lock").exists()


def test_the_lock_of_a_beginning_that_was_killed_is_no_obstacle(start, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text("process 1 on elsewhere", encoding="utf-8")
    assert start("--iterations", "1") == 0


@pytest.mark.parametrize(("share", "step"), [(np.inf, 6), (0, 0)])
def test_last_is_written_at_the_end_of_every_epoch_unless_that_takes_long(
    start,
    framework,
    tmp_path,
    monkeypatch,
    share,
    step,
):
    monkeypatch.setattr(loop, "SAVE_SHARE", share)
    framework.losses[7] = float("nan")
    with pytest.raises(UserError, match="training stopped"):
        start("--epochs", "5", "--set", "evaluate.every=5")
    assert load(tmp_path / "run" / "last.h5").step == step


def test_what_a_killed_run_left_half_written_goes_when_it_is_resumed(start, resume, tmp_path):
    assert start("--iterations", "3") == 0
    code = (
        "import os, signal, sys\nfrom trizoo.ground.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary: os.kill(os.getpid(), signal.SIGKILL)"
    )
    folders = (tmp_path / "run", tmp_path / "run" / "samples")
    for folder in folders:
        subprocess.run([sys.executable, "-c", code, str(folder / "a")], cwd=Path(__file__).parents[3], check=False)
        assert len(list(folder.glob(".trizoo-*"))) == 1
    (tmp_path / "run" / ".mine.tmp").touch()
    assert resume("--iterations", "4") == 0
    assert [path.name for folder in folders for path in folder.glob(".*")] == [".mine.tmp"]


def test_a_disk_that_fills_up_within_a_run_leaves_one_that_resumes(start, resume, during, tmp_path):
    log = tmp_path / "run" / "log.jsonl"

    def fill():
        log.rename(tmp_path / "log.jsonl")
        log.symlink_to("/dev/full")

    during(4, fill)
    with pytest.raises(
        UserError, match=r"log\.jsonl can't be written \(No space .*; where .* --resume \S+run goes on$"
    ):
        start("--epochs", "2")
    log.unlink()
    (tmp_path / "log.jsonl").rename(log)
    with pytest.raises(UserError, match=r"--resume \S+run resumes that run"):
        start("--epochs", "2")
    assert resume() == 0
    assert [record["step"] for record in log_of(tmp_path / "run", "epoch")] == [3, 6]


@pytest.mark.parametrize("goes", [shutil.rmtree, lambda run: run.rename(run.with_name("moved"))])
def test_a_run_folder_that_goes_within_a_run_is_no_matter_of_room(start, during, tmp_path, goes):
    during(4, lambda: goes(tmp_path / "run"))
    with pytest.raises(
        UserError,
        match=r"can't be written \(No such file .*\): \S+run was moved or removed; .* --resume with its new path",
    ):
        start("--epochs", "2")
    if (tmp_path / "moved").exists():
        assert train(FakeFramework(), ["--resume", str(tmp_path / "moved"), *RESUME]) == 0


@pytest.mark.parametrize("target", ["last.h5", "recipe.yaml"])
def test_a_disk_that_is_full_when_a_run_begins_leaves_a_folder_that_one_of_two_ways_goes_on_with(
    start,
    resume,
    tmp_path,
    monkeypatch,
    target,
):
    def refuse(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        if target == "last.h5":
            full.setattr(checkpoint, "write", refuse)
        else:
            full.setattr(Path, "write_bytes", refuse)
        with pytest.raises(
            UserError, match=rf"{target}\S* can.?not? ?be written|{target}\S* can't be written"
        ) as error:
            start("--iterations", "2")
    if target == "last.h5":
        assert str(error.value).endswith(
            "No space left on device; where there is room again, the same command begins anew"
        )
        assert list((tmp_path / "run").iterdir()) == []
        assert start("--iterations", "2") == 0
    else:
        assert "choose another place" not in str(error.value)
        assert str(error.value).endswith(f"--resume {tmp_path / 'run'} goes on")
        assert resume() == 0
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_best_in_the_place_of_last_is_a_sentence(start, resume, tmp_path):
    assert start("--iterations", "2") == 0
    shutil.copy(tmp_path / "run" / "best.h5", tmp_path / "run" / "last.h5")
    with pytest.raises(UserError, match=r"last\.h5 holds weights alone, as best\.h5 does, .*--weights \S+ --out OTHER"):
        resume("--iterations", "4")


def test_a_damaged_last_names_the_best_weights(start, resume, tmp_path):
    assert start("--iterations", "2") == 0
    last = tmp_path / "run" / "last.h5"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"last\.h5 is damaged .*; --weights \S+best\.h5 --out OTHER begins a new run"):
        resume("--iterations", "4")


def test_a_run_that_ended_within_an_epoch_and_is_prolonged_has_one_row_an_epoch(start, resume, tmp_path):
    assert start("--iterations", "4") == 0  # of 3 to an epoch
    assert [(record["epoch"], record["step"]) for record in log_of(tmp_path / "run", "epoch")] == [(1, 3), (2, 4)]
    assert resume("--iterations", "8") == 0
    records = log_of(tmp_path / "run", "epoch")
    assert [(record["epoch"], record["step"]) for record in records] == [(1, 3), (2, 6), (3, 8)]
    assert records[1]["loss"] == pytest.approx((1 / 4 + 1 / 5 + 1 / 6) / 3)
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_a_run_that_is_made_shorter_needs_an_evaluated_epoch(start, resume, during, tmp_path):
    """Stopped as the first of its epochs ends, of which the second is the first to be evaluated."""
    assert start("--epochs", "1", out="one") == 0
    during(load(tmp_path / "one" / "last.h5").step - 1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert start("--epochs", "3", "--set", "evaluate.every=2") == 130
    recipe = (tmp_path / "run" / "recipe.yaml").read_text()
    with pytest.raises(UserError, match="and evaluated none of its epochs, so it has no best weights; more epochs"):
        resume("--epochs", "1")
    assert (tmp_path / "run" / "recipe.yaml").read_text() == recipe
    assert resume("--epochs", "2") == 0
