"""What is told of a run that goes on by another length."""

import re

import pytest

from trizoo.recipes.load import to_dict
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Freeze, Schedule
from trizoo.training.resume import tell_jump
from trizoo.training.schedule import RunPlan
from trizoo.weights.checkpoint import Checkpoint


def told(step, *, kind="cosine", now=8, was=4):
    """Lines for a run of `was` epochs of 3 steps that goes on after some steps, with `now` epochs."""
    said = []
    before, after = (Schedule(epochs=epochs, lr=0.1, lr_batch=None, batch_size=2, kind=kind) for epochs in (was, now))
    checkpoint = Checkpoint({}, to_dict(Recipe(schedule=before)), "fake", step=step)
    tell_jump(RunPlan(after, Freeze(), 7, 0, False), checkpoint, said.append)
    return said


@pytest.mark.parametrize("kind", ["cosine", "step"])
def test_a_learning_rate_that_jumps_since_the_run_is_longer_is_told(kind):
    (line,) = told(12, kind=kind)
    was, now = re.search(r"is of 24 steps now instead of 12, so .* jumps from (\S+) to (\S+) at step 13", line).groups()
    assert float(was) < 0.002  # near a hundredth of the peak, 0.1
    assert float(now) > 0.005


def test_a_run_of_the_same_length_one_that_is_over_and_one_that_has_not_begun_say_nothing():
    assert told(6, now=4) == told(12, now=4) == told(0) == []
