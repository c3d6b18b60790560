"""What layers put out in a step: against the network's outputs, without a trace in the model, and where it breaks."""

import numpy as np

from trizoo.tests.contract.learner import make_batch, make_learner
from trizoo.training.layer_stats import merged

HEADS = ("head_p5.predict", "head_p4.predict")


def test_the_last_layers_statistics_are_those_of_the_outputs(zoo):
    learner = make_learner(zoo, freeze={"batch_norm": True})  # so that training's pass is that of a prediction
    images = make_batch().images
    found = {layer.name: layer for layer in merged([learner.layer_stats(images)])}
    outputs = zoo.predictor(learner.model, "fp32", zoo.device("cpu"))(images)
    for name, output in zip(HEADS, outputs, strict=True):
        layer = found[name]
        assert (layer.values, layer.not_finite) == (output.size, 0)
        assert abs(layer.mean - output.mean()) < 1e-3 * output.std()
        assert abs(layer.variance / output.var() - 1) < 1e-3


def test_every_layer_is_looked_at_by_the_statistics_of_the_batch(zoo):
    learner = make_learner(zoo)
    found = merged([learner.layer_stats(make_batch().images)])
    names = [name.rpartition(".")[0] for name in zoo.shapes(learner.model)]
    assert sorted(layer.name for layer in found) == sorted(set(names))
    assert found[0].name == "backbone.convs.0.conv"
    normed = next(layer for layer in found if layer.name == "backbone.convs.0.bn")
    arrays = zoo.arrays(learner.model)
    bias, weight = (arrays[f"backbone.convs.0.bn.{name}"] for name in ("bias", "weight"))
    assert abs(normed.mean - bias.mean()) < 1e-3  # each channel has its bias as its mean
    variance = (weight**2).mean() + bias.var()  # and its weight as its deviation
    assert abs(normed.variance / variance - 1) < 1e-2


def test_looking_changes_nothing(zoo):
    learners = [make_learner(zoo) for _ in range(2)]
    before = zoo.arrays(learners[0].model)
    learners[0].layer_stats(make_batch().images)
    assert all(np.array_equal(before[name], array) for name, array in zoo.arrays(learners[0].model).items())
    for learner in learners:
        learner.step(make_batch(), 0.01)
    ours, theirs = (zoo.arrays(learner.model) for learner in learners)
    assert all(np.array_equal(ours[name], array) for name, array in theirs.items())


def test_the_first_layer_that_is_not_finite_is_known_and_those_before_it_are_finite(zoo):
    learner = make_learner(zoo)
    arrays = zoo.arrays(learner.model)
    arrays["backbone.convs.2.conv.weight"][0] = np.inf  # of one of its channels
    zoo.assign(learner.model, arrays)
    found = merged([learner.layer_stats(make_batch().images)])
    first = next(number for number, layer in enumerate(found) if layer.not_finite)
    assert found[first].name == "backbone.convs.2.conv"
    assert 0 < found[first].not_finite <= found[first].values // len(arrays["backbone.convs.2.conv.weight"])
    assert np.isfinite([found[first].mean, found[first].variance]).all()
