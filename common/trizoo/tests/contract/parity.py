"""Every check of `trizoo.parity.probe` against the committed goldens, and that a changed optimiser fails it.

Changed graphs (padding, eps, slope, order of concatenation) are in each zoo's test_models.py, since a change is made in
the framework's own words. YOLOv3's checks take long and are in `python -m trizoo.parity`.
"""

import pytest

from trizoo.parity import probe
from trizoo.parity.golden import (
    TOLERANCE,
    TOLERANCES,
    array_difference,
    differences,
    load_golden,
    summarize_arrays,
)

MODEL = "yolov3-tiny"


@pytest.fixture(scope="module")
def found(zoo):
    """{check: distance from the golden}."""
    return differences(load_golden(MODEL), probe.probe(zoo, MODEL))


@pytest.mark.parametrize("check", TOLERANCES)
def test_the_check_is_within_its_bound(found, check):
    assert found[check] <= TOLERANCES[check]


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
