"""The parity checks, as in every framework, and that a changed optimiser fails them."""

import pytest

from trizoo.parity import probe
from trizoo.parity.golden import TOLERANCE, array_difference, load_golden, summarize_arrays
from trizoo.tests.contract.parity import *  # noqa: F403
from trizoo.tests.contract.parity import MODEL


def test_a_weight_decay_apart_from_the_gradient_fails_the_step(zoo):
    optimizer = probe.STEP_OPTIMIZER | {"weight_decay": 0.0}
    learner = probe.pseudo_learner(zoo, MODEL, optimizer)
    kept = 1 - probe.STEP_LR * probe.STEP_OPTIMIZER["weight_decay"]
    arrays = zoo.arrays(learner.model)
    zoo.assign(learner.model, {name: a * kept if a.ndim == 4 else a for name, a in arrays.items()})
    learner.step(probe.step_batch(MODEL), probe.STEP_LR)
    assert array_difference(load_golden(MODEL)["step"], summarize_arrays(zoo.arrays(learner.model))) > 10 * TOLERANCE


@pytest.mark.parametrize("change", [{"weight_decay": 0.0}, {"nesterov": False}, {"clip_norm": None}])
def test_another_optimiser_fails_the_step(zoo, change):
    arrays = probe.step(zoo, MODEL, optimizer=probe.STEP_OPTIMIZER | change)
    assert array_difference(load_golden(MODEL)["step"], summarize_arrays(arrays)) > 10 * TOLERANCE
