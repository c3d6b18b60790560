"""What two processes measure of each model, against one; who imports this has a fixture `two`, which starts them."""

import json

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.ground.text import to_json
from trizoo.tests import one_of_two
from trizoo.tests.shared_steps import STEPS

SCRIPT = ("-m", one_of_two.__name__)


def losses(folder):
    """The losses in a run's log."""
    records = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [record["loss"] for record in records if record["kind"] == "step"]


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Boxes and masks; of the split to train on there are three batches, the last one a part of one."""
    return synthesize(tmp_path_factory.mktemp("data") / "several", images=28, size=(64, 64))


@pytest.fixture(scope="module")
def measured(zoo, two, tmp_path_factory, several):
    """What two processes have measured, and one alone: {"0", "1" and "alone", or an evaluated model: dict}.

    Args:
        two: starts two processes of what is given to Python -> those to wait for
    """
    folder = tmp_path_factory.mktemp("measured")
    processes = two(*SCRIPT, zoo.name, folder, several)
    alone = one_of_two.measure(one_of_two.Shared(zoo))  # meanwhile
    for process in processes:
        output, _ = process.communicate(timeout=900)
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
