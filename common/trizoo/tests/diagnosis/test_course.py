"""What the course of a run says, by logs as runs write them."""

import json

import numpy as np
import pytest

from trizoo.diagnosis.course import causes, fifths, usual_peak
from trizoo.diagnosis.history import read_history
from trizoo.ground.lock import Lock
from trizoo.tests.diagnosis.runs import HEALTHY, SCORES, by_kind, make_run, recipe_of


@pytest.fixture
def found(tmp_path):
    """{kind: cause} of a run that `make_run` makes."""

    def look(*arguments, **options):
        return by_kind(causes(read_history(make_run(tmp_path / "run", *arguments, **options))))

    return look


def test_a_run_as_it_should_be_has_no_cause(found):
    assert found(HEALTHY, unseen=[0.9 * loss for loss in HEALTHY]) == {}


def test_fifths_are_means_of_equal_parts_of_the_run():
    assert fifths(np.arange(10.0)).tolist() == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert fifths(np.arange(9.0)) is None


def test_a_loss_that_falls_steeply_at_the_end_means_too_few_steps(found):
    """Fifths of the straight line from 7 to 3.1: the last, 3.25, is 20 % below the one before, 4.05."""
    cause = found([7 - 0.1 * epoch for epoch in range(40)])["too_few_steps"]
    assert cause.certainty == "likely"
    assert cause.numbers["fall_at_end"] == pytest.approx(1 - 3.45 / 4.25)
    assert cause.numbers["steps"] == 1000
    assert cause.remedies[0].command.endswith("--epochs 80")


def test_a_metric_that_rises_to_the_end_may_mean_too_few_steps(found):
    cause = found(HEALTHY, scores=[0.01 * epoch for epoch in range(40)])["too_few_steps"]
    assert cause.certainty == "possible"
    assert cause.numbers["rise_at_end"] == pytest.approx(0.08)


@pytest.mark.parametrize(("epochs", "certainty"), [(3, "likely"), (8, "possible")])
def test_few_steps_that_found_nothing_are_too_few(found, epochs, certainty):
    cause = found([5.0] * epochs, scores=[0.01] * epochs)["too_few_steps"]
    assert cause.certainty == certainty
    assert f"{25 * epochs} steps are few from scratch" in cause.evidence[-1]


def test_few_steps_that_found_their_objects_are_enough(found):
    assert found([5.0] * 8, scores=[0.8] * 8, pretrained=True) == {}


def test_pretrained_weights_need_fewer_steps(found):
    assert "too_few_steps" not in found([5.0] * 9, scores=[0.1] * 9, steps=40, pretrained=True)


def test_a_run_by_iterations_is_made_longer_by_iterations(found):
    cause = found([5.0] * 4, "schedule.iterations=100", scores=[0.1] * 4)["too_few_steps"]
    assert cause.remedies[0].command.endswith("--iterations 1000")


def test_a_loss_that_rises_means_too_high_a_rate(found):
    losses = [*HEALTHY[:20], *(2 * loss for loss in HEALTHY[20:])]
    cause = found(losses)["rate_too_high"]
    assert cause.certainty == "likely"
    assert cause.numbers["rise"] > 1.2
    assert cause.numbers["peak_lr"] == recipe_of().schedule.lr


def test_losses_that_leap_may_mean_too_high_a_rate(found):
    logged = [3.0] * 120
    for place in (30, 60, 90):
        logged[place] = 30.0
    cause = found(HEALTHY, logged=logged)["rate_too_high"]
    assert (cause.certainty, cause.numbers["leaps"], cause.numbers["highest_leap"]) == ("possible", 3, 10)


def test_leaps_while_the_rate_warms_up_are_normal(found):
    assert found(HEALTHY, logged=[30.0, 3.0, 30.0, 3.0, 30.0, *[3.0] * 115]) == {}


def test_a_loss_that_is_no_number_ends_all_other_guesses(found, tmp_path):
    cause = found([5.0, 4.0], logged=[5.0, float("nan")], scores=(), ended=False, lr=0.2)
    assert list(cause) == ["not_finite"]
    assert cause["not_finite"].certainty == "likely"
    assert "step 50" in cause["not_finite"].evidence[0]
    assert cause["not_finite"].remedies[0].command.endswith("--lr 0.04")
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[2])["loss"] is None


FLAT = [5.0 - 0.002 * epoch for epoch in range(40)]


@pytest.mark.parametrize(
    ("times", "kind"), [(1e-3, "rate_too_low"), (1.0, "not_learning"), (50.0, "rate_too_high")], ids=str
)
def test_a_loss_that_hardly_falls_is_explained_by_the_rate_where_that_is_unusual(found, times, kind):
    usual = usual_peak(recipe_of())
    causes = found(FLAT, lr=times * usual, scores=[0.01] * 40)
    assert causes[kind].certainty == "likely"
    assert "fell by" in causes[kind].evidence[0]
    if kind != "not_learning":
        assert f"--lr {usual:.2g}" in causes[kind].remedies[0].command


def test_a_loss_that_hardly_falls_is_fine_where_objects_are_found(found):
    assert found(FLAT, pretrained=True) == {}


def test_the_usual_rate_is_that_of_the_zoos_recipe_for_such_a_batch_and_of_no_other_optimizer():
    by_sgd = ("model.name=yolov4", "optimizer.name=sgd")
    assert usual_peak(recipe_of(*by_sgd, "schedule.batch_size=16", "schedule.lr=3")) == pytest.approx(
        2 * usual_peak(recipe_of(*by_sgd))
    )
    assert usual_peak(recipe_of("schedule.batch_size=16")) == usual_peak(recipe_of())  # AdamW's is for any batch
    assert usual_peak(recipe_of("optimizer.name=adam")) is None


def test_a_validation_loss_that_rises_while_trainings_falls_is_overfitting(found):
    unseen = [*(0.9 * loss for loss in HEALTHY[:10]), *(3.0 + 0.05 * epoch for epoch in range(30))]
    cause = found(HEALTHY, unseen=unseen)["overfitting"]
    assert cause.certainty == "likely"
    assert cause.numbers["lowest_epoch"] == 10
    assert cause.numbers["gap"] == pytest.approx(unseen[-1] - HEALTHY[-1])


def test_a_best_epoch_long_ago_may_be_overfitting(found):
    cause = found(HEALTHY, scores=[0.4, 0.7, 0.8, *[0.6] * 37])["overfitting"]
    assert (cause.certainty, cause.numbers["best_epoch"]) == ("possible", 3)
    assert cause.numbers["drop"] == pytest.approx(0.2)


def test_a_metric_that_wanders_is_no_overfitting(found):
    assert found(HEALTHY, scores=[*SCORES[:20], *[SCORES[19] - 0.04] * 20]) == {}


def test_a_run_that_ended_before_its_end_is_told_and_resumed(found):
    cause = found(HEALTHY[:12], epochs=40, ended=False)["unfinished"]
    assert "epoch 12 of 40" in cause.evidence[0]
    assert cause.remedies[0].command.startswith("trizoo train --resume ")


def test_a_run_that_is_being_trained_is_not_unfinished(tmp_path):
    path = make_run(tmp_path / "run", HEALTHY[:30], epochs=40, ended=False)
    lock = Lock(path / ".lock")
    try:
        assert "unfinished" not in by_kind(causes(read_history(path)))
    finally:
        lock.release()


def test_a_run_on_few_images_on_purpose_has_to_learn_them(found):
    causes = found(HEALTHY, "data.overfit=8", scores=[0.3] * 40)
    assert "near 1 is needed" in causes["not_learning"].evidence[0]
    assert "overfitting" not in causes


@pytest.mark.parametrize(("epochs", "anew"), [(100, True), (12, False)])
def test_a_run_that_patience_ended_is_begun_anew_since_resuming_ends_at_once(found, epochs, anew):
    cause = found(HEALTHY[:12], "schedule.patience=3", epochs=epochs, steps=3)["too_few_steps"]
    command = cause.remedies[0].command
    assert (" --set schedule.patience=0 --epochs " in command) is anew
    assert (" --resume " in command) is not anew


@pytest.mark.parametrize("patience", [0, 50])
def test_patience_is_no_remedy_where_there_is_some(found, patience):
    cause = found(HEALTHY, f"schedule.patience={patience}", scores=[0.4, 0.7, 0.8, *[0.6] * 37])["overfitting"]
    assert any("schedule.patience=20" in remedy.command for remedy in cause.remedies) is (patience == 0)


def test_which_metric_chose_the_best_weights_is_told(found):
    cause = found(HEALTHY, "evaluate.best=mAP", scores=[0.4, 0.7, 0.8, *[0.6] * 37])["overfitting"]
    assert cause.evidence[-1] == "best.h5 is from the epoch of the best mAP, so that is not lost"
