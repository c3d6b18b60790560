"""What a framework is held to whose one process trains on two devices: all is as on one of them, but for rounding.

They are logical devices of one CPU, of which a process has two only where it asks before anything else; so the tests
that import this run in environments of their own, `tox -e devices-tf2` and so on.
"""

import numpy as np
import pytest

from trizoo.data.synthetic import synthesize
from trizoo.parity import probe
from trizoo.recipes.load import load as load_recipe
from trizoo.recipes.schema import Recipe
from trizoo.tests.contract.learner import NO_DECAY, first_gradients, make_batch, make_learner
from trizoo.tests.shared_steps import STEPS, shared_steps
from trizoo.training.callbacks import Callback
from trizoo.training.spread import spread
from trizoo.training.train import train

MODELS = ("yolov3-tiny", "retinanet-resnet18", "deeplabv3plus-mobilenetv2")


class Both:
    """A framework whose `device` is two devices."""

    def __init__(self, zoo):
        self.zoo = zoo

    def __getattr__(self, name):
        return getattr(self.zoo, name)

    def device(self, wanted):
        devices, count = self.zoo.spread(self.zoo.device(wanted), 2)
        assert count == 2
        return devices


def assert_near(ours, theirs, share=1e-4):
    """Arrays by name are the same but for a share of each one's largest value, or of a thousandth of all's."""
    assert ours.keys() == theirs.keys()
    least = max(np.abs(array).max() for array in theirs.values()) / 1000
    for name, array in theirs.items():
        assert np.abs(ours[name] - array).max() <= share * max(np.abs(array).max(), least), name


@pytest.mark.parametrize("model", MODELS)
def test_loss_and_gradients_are_those_of_one_device(zoo, model):
    (ours, gradients), (theirs, expected) = (probe.loss_and_gradients(of, model) for of in (Both(zoo), zoo))
    assert ours == {name: pytest.approx(value, rel=1e-5) for name, value in theirs.items()}
    assert_near(gradients, expected)


@pytest.mark.parametrize("model", MODELS)
def test_a_step_by_the_statistics_of_the_batch_is_that_of_one_device(zoo, model):
    assert_near(*(probe.step(of, model, batch_norm=False) for of in (Both(zoo), zoo)))


@pytest.mark.parametrize("model", MODELS)
def test_twenty_steps_have_the_losses_of_one_device(zoo, model, monkeypatch):
    monkeypatch.setattr(probe, "CURVE_STEPS", 20)
    ours, theirs = (probe.curve(of, model) for of in (Both(zoo), zoo))
    assert len(ours) == 20
    assert np.abs(ours / theirs - 1).max() < 1e-4


def test_parts_of_a_batch_clipping_and_the_average_are_those_of_one_device(zoo):
    options = {"schedule": {"accumulate": 2}, "optimizer": {"name": "sgd", "weight_decay": 0.0, "clip_norm": 1.0}}
    learners = [make_learner(zoo, of.device("cpu"), **options) for of in (Both(zoo), zoo)]
    for learner in learners:
        learner.average.move(0.5)
        learner.step(make_batch(), 0.01)
        learner.average.move(0.5)
    assert_near(*map(first_gradients, learners))
    assert_near(*(learner.average.arrays() for learner in learners))


@pytest.fixture(scope="module")
def steps(zoo):
    """`shared_steps` on two devices and on one."""
    return [shared_steps(of) for of in (Both(zoo), zoo)]


@pytest.mark.parametrize("what", STEPS)
def test_a_step_of_a_classifier_a_student_and_pairs_of_images_is_that_of_one_device(steps, what):
    ours, theirs = ({name: array for name, array in found.items() if name.startswith(f"{what}/")} for found in steps)
    assert_near(ours, theirs, 1e-4)


def assert_own_statistics(zoo):
    """Without shared batch norms two devices have the gradients of two parts of a batch, and the mean of statistics."""
    options = {"sync_batch_norm": False, "optimizer": NO_DECAY}
    ours = make_learner(zoo, Both(zoo).device("cpu"), **options)
    parts = make_learner(zoo, **options, schedule={"accumulate": 2})
    for learner in (ours, parts):
        learner.step(make_batch(), 0.0)
    assert_near(*map(first_gradients, (ours, parts)))
    halves, whole = [], make_batch()
    for half in (slice(2), slice(2, 4)):
        learner = make_learner(zoo)
        targets = {name: array[half] if array.ndim else array for name, array in whole.targets.items()}
        learner.step(whole._replace(images=whole.images[half], targets=targets), 0.0)
        halves.append(zoo.arrays(learner.model))
    found = {name: array for name, array in zoo.arrays(ours.model).items() if ".running_" in name}
    assert found
    assert_near(found, {name: (halves[0][name] + halves[1][name]) / 2 for name in found})


def test_what_is_frozen_is_still_on_both_devices_and_moves_again_when_thawed(zoo):
    learner = make_learner(zoo, Both(zoo).device("cpu"))
    learner.freeze(("backbone.",))
    before = zoo.arrays(learner.model)
    learner.step(make_batch(), 0.01)
    frozen = zoo.arrays(learner.model)
    assert all(np.array_equal(before[name], frozen[name]) == name.startswith("backbone.") for name in before)
    learner.freeze(())
    learner.step(make_batch(), 0.01)
    assert not any(np.array_equal(frozen[name], array) for name, array in zoo.arrays(learner.model).items())


def test_bf16_is_near_that_of_one_device(zoo):
    losses = [
        float(make_learner(zoo, of.device("cpu"), precision="bf16").step(make_batch(), 0.0)["loss"])
        for of in (Both(zoo), zoo)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_predictor_of_a_model_on_two_devices_is_that_of_one(zoo):
    images = make_batch().images
    ours, theirs = (
        zoo.predictor(make_learner(zoo, device).model, "fp32", device)(images)
        for device in (Both(zoo).device("cpu"), zoo.device("cpu"))
    )
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_as_many_devices_are_taken_as_share_a_part_of_a_batch_equally(zoo):
    for changes, count in (({"batch_size": 6}, 2), ({"batch_size": 5}, 1), ({"batch_size": 6, "accumulate": 2}, 1)):
        told = []
        spread(zoo, zoo.device("cpu"), Recipe(schedule=changes), told.append)
        assert len(told) == count - 1


class One(Both):
    """A framework that spreads nothing."""

    def device(self, wanted):
        return self.zoo.device(wanted)

    def spread(self, device, most):
        return device, 1


class StopAfterAnEpoch(Callback):
    """Ends a run at the first step of its second epoch."""

    def on_epoch(self, trainer, record):
        trainer.stop()


def test_a_run_on_two_devices_goes_on_on_one_as_if_it_had_begun_there(zoo, tmp_path):
    data = synthesize(tmp_path / "data", images=10, size=(64, 64))
    # Adam would make whole steps of gradients that are rounding alone
    options = {"optimizer.name": "sgd", "schedule.lr": 0.001}
    chosen = {"data.root": str(data), "input_size": [64, 64], "schedule.batch_size": 4, "schedule.epochs": 3, **options}
    overrides = [(key, value, "test") for key, value in chosen.items()]
    recipe = load_recipe(Recipe, base="yolov3-tiny", overrides=overrides).recipe
    device, told, options = zoo.device("cpu"), [], {"workers": 0, "quiet": True}
    whole = train(One(zoo), recipe, device, told.append, out=tmp_path / "one", **options)
    assert not any(line.startswith("devices:") for line in told)
    begun = train(zoo, recipe, device, told.append, out=tmp_path / "two", callbacks=[StopAfterAnEpoch()], **options)
    assert "devices: 2 share each batch of 4; batch norms go by the whole of it" in told
    assert 0 < begun.step < whole.step
    recipe = load_recipe(Recipe, file=begun.folder.path / "recipe.yaml").recipe  # with the anchors that were chosen
    ended = train(One(zoo), recipe, device, told.append, run=begun.folder, **options)
    assert ended.step == whole.step
    losses = [[row["loss"] for row in run.folder.read_log() if row["kind"] == "epoch"] for run in (ended, whole)]
    assert len(losses[0]) == 3
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
