"""train --find-lr: steps at growing rates, a suggestion, and nothing of a run."""

import csv

import numpy as np
import pytest

from trizoo.commands.train import train
from trizoo.ground.errors import UserError
from trizoo.tests.testing import FakeFramework
from trizoo.training.find_lr import smooth, suggestion


def table(folder):
    with (folder / "lr.csv").open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_rates_grow_by_equal_ratios_and_only_a_table_and_a_picture_are_left(start, tmp_path, capsys):
    framework = FakeFramework()
    assert start("--find-lr", "21", "--precision", "auto", framework=framework) == 0
    rates = [lr for _, _, lr in framework.learners[0].seen]
    assert (rates[0], rates[-1], len(rates)) == (1e-6, pytest.approx(1), 21)
    np.testing.assert_allclose(np.diff(np.log(rates)), np.log(1e6) / 20)
    rows = table(tmp_path / "run")
    assert [row["lr"] for row in rows] == rates
    assert rows[1]["loss"] == 0.5
    assert {file.name for file in (tmp_path / "run").iterdir()} <= {"lr.csv", "lr.png", ".lock"}
    assert (tmp_path / "run" / "lr.png").read_bytes().startswith(b"\x89PNG")
    told = capsys.readouterr().out
    assert "precision: fp32, since" in told
    assert "21 steps from 1e-06 to 1: --lr " in told


@pytest.mark.parametrize("blown", [float("nan"), float("inf"), 1e6])
def test_a_loss_that_blows_up_ends_the_search(start, tmp_path, blown):
    framework = FakeFramework({12: blown})
    assert start("--find-lr", "30", framework=framework) == 0
    assert len(framework.learners[0].seen) == 13
    assert len(table(tmp_path / "run")) == (13 if np.isfinite(blown) else 12)


def test_the_suggestion_is_where_the_loss_falls_fastest_before_its_lowest_point():
    rates = 10.0 ** np.arange(-6, 1)
    assert suggestion(rates, np.array([5, 5, 4.9, 3, 1.1, 1, 9])) == pytest.approx(1e-3)
    assert suggestion(rates, np.array([1, 2, 3, 4, 5, 6, 7])) is None


def test_smoothing_of_a_constant_is_that_and_of_a_step_is_late():
    np.testing.assert_allclose(smooth(np.ones(5)), 1)
    assert 0.5 < smooth(np.array([1, 1, 1, 0.0]))[-1] < 0.8


def test_a_run_that_exists_is_not_touched_and_a_resumed_one_has_its_rate(start, tmp_path):
    assert start("--epochs", "1") == 0
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    with pytest.raises(UserError, match="isn't empty"):
        start("--find-lr", "20")
    with pytest.raises(UserError, match="--find-lr can't be changed in a resumed run"):
        train(FakeFramework(), ["--resume", str(tmp_path / "run"), "--find-lr"])
    assert {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()} == before


def test_too_few_steps_and_a_loss_that_never_was_finite_are_refused(start, tmp_path):
    with pytest.raises(UserError, match="--find-lr is 3 steps; 20 or more are needed"):
        start("--find-lr", "3")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match="the first step isn't finite"):
        start("--find-lr", "20", framework=FakeFramework({0: float("nan")}))


def test_a_teacher_says_something_of_every_step(start, tmp_path):
    class WithTeacher(FakeFramework):
        asked = 0

        def teacher(self, model, strides, precision, device):
            def teach(images):
                self.asked += 1
                return ["coarse", "fine"], []

            return teach

    assert start("--epochs", "1") == 0
    framework = WithTeacher()
    taught = ("--find-lr", "20", "--teacher", str(tmp_path / "run" / "best.h5"))
    assert start(*taught, framework=framework, out="rates") == 0
    assert framework.asked == 20
