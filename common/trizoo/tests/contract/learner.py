"""One step against arithmetic, freezing, accumulation, clipping, precision, optimiser slots and state.

A learner doesn't tell its gradient, but SGD's momentum does: from slots of zero and without weight decay it is, after
one step, the gradient itself, clipped where the recipe says so.
"""

import json
from functools import cache

import numpy as np
import pytest

from trizoo.families import model_spec
from trizoo.families.yolo.targets import assign
from trizoo.parity.pseudo import pseudo_arrays, pseudo_images
from trizoo.recipes.schema import Recipe
from trizoo.training.batch import Batch

SPEC = model_spec("yolov3-tiny", 2)
NO_DECAY = {"name": "sgd", "weight_decay": 0.0}


def make_learner(zoo, device=None, **sections):
    """A learner of pseudo-weights, on the CPU or another device. sections: of the recipe."""
    device = zoo.device("cpu") if device is None else device
    model = zoo.build(SPEC, device, seed=None)
    zoo.assign(model, weights(tuple(zoo.shapes(model).items())))
    return zoo.learner(model, SPEC, Recipe(classes=("a", "b"), **sections), device)


@cache
def weights(shapes):
    return pseudo_arrays(dict(shapes))


def make_batch(count=4, size=(64, 64)):
    """Images of noise, of this (width, height), with two boxes each."""
    boxes = [np.array([[5 + i, 8, 40, 50], [20, 3, 30, 20 + i]], np.float32) for i in range(count)]
    labels = [np.array([0, 1])] * count
    return Batch(pseudo_images(count, size), assign(boxes, labels, SPEC, size), ["x"] * count, 0)


def first_gradients(learner):
    """The gradients of a learner's only step so far, made with NO_DECAY: {name: array}."""
    return learner.optimizer_arrays()["momentum"]


@pytest.fixture(scope="module")
def gradients_at(zoo):
    """A function: a model's arrays -> the gradients there, of `make_batch`."""
    learner = make_learner(zoo, optimizer=NO_DECAY)
    start = learner.optimizer_arrays()

    def gradients(arrays):
        zoo.assign(learner.model, arrays)
        learner.assign_optimizer(start)
        learner.step(make_batch(), 0.0)
        return first_gradients(learner)

    return gradients


def steps_by_hand(parameter, slots, gradient, options, lr, decay, count):
    """One step of SGD (nesterov), Adam or AdamW in float64, as their papers have it; AdamW's decay is apart."""
    if options.name == "adamw":
        parameter = parameter - lr * decay * parameter
    else:
        gradient = gradient + decay * parameter
    if options.name == "sgd":
        slots["momentum"] = options.momentum * slots["momentum"] + gradient
        direction = gradient + options.momentum * slots["momentum"] if options.nesterov else slots["momentum"]
        return parameter - lr * direction
    slots["m"] = options.momentum * slots["m"] + (1 - options.momentum) * gradient
    slots["v"] = options.beta2 * slots["v"] + (1 - options.beta2) * gradient**2
    m, v = slots["m"] / (1 - options.momentum**count), slots["v"] / (1 - options.beta2**count)
    return parameter - lr * m / (np.sqrt(v) + 1e-8)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        {"name": "sgd", "momentum": 0.9, "nesterov": False, "weight_decay": 0.01},
        {"name": "adam", "momentum": 0.9, "weight_decay": 0.01},
        {"name": "adamw", "momentum": 0.9, "weight_decay": 1.0},
    ],
)
def test_two_steps_equal_the_formula_with_decay_on_kernels_only(zoo, gradients_at, optimizer):
    learner = make_learner(zoo, optimizer=optimizer)
    options = Recipe(optimizer=optimizer).optimizer
    arrays = zoo.arrays(learner.model)
    expected = {name: array.astype(np.float64) for name, array in arrays.items() if ".running_" not in name}
    slots = {name: dict.fromkeys(("momentum", "m", "v"), 0.0) for name in expected}
    for count, lr in ((1, 0.01), (2, 0.003)):
        gradients = gradients_at(zoo.arrays(learner.model))
        assert gradients.keys() == expected.keys()
        learner.step(make_batch(), lr)
        for name, gradient in gradients.items():
            decay = options.weight_decay if expected[name].ndim == 4 else 0.0
            expected[name] = steps_by_hand(
                expected[name], slots[name], gradient.astype(np.float64), options, lr, decay, count
            )
    arrays = zoo.arrays(learner.model)
    for name, value in expected.items():
        error = np.abs(arrays[name] - value)
        # Adam turns a gradient of 1e-8 of either sign into a whole step, so that rounding shows in a few of millions
        error = error.max() if options.name == "sgd" else np.sqrt((error**2).mean()) / 10
        assert error < 1e-4 * np.abs(value).max(), name
    for slot, values in learner.optimizer_arrays().items():
        for name, array in values.items():
            if slot == "step":
                assert array == 2, name
            else:
                assert np.allclose(array, slots[name][slot], rtol=1e-4, atol=1e-5), (slot, name)


def test_frozen_parts_hold_parameters_statistics_and_slots_still_until_thawed(zoo):
    learner = make_learner(zoo, optimizer={"name": "adam"})
    learner.step(make_batch(), 0.01)
    learner.freeze(("backbone.",))
    before, slots = zoo.arrays(learner.model), learner.optimizer_arrays()
    learner.step(make_batch(), 0.01)
    frozen, frozen_slots = zoo.arrays(learner.model), learner.optimizer_arrays()
    for key in before:
        assert np.array_equal(before[key], frozen[key]) == key.startswith("backbone."), key
    for slot, arrays in slots.items():
        for key in arrays:
            assert np.array_equal(arrays[key], frozen_slots[slot][key]) == key.startswith("backbone."), (slot, key)
    learner.freeze(())
    learner.step(make_batch(), 0.01)
    after = zoo.arrays(learner.model)
    assert not any(np.array_equal(frozen[key], after[key]) for key in frozen)


@pytest.fixture(scope="module")
def held(zoo):
    """A learner with batch norms held after one step, and that step's terms: (learner, terms)."""
    learner = make_learner(zoo, optimizer=NO_DECAY, freeze={"batch_norm": True})
    return learner, learner.step(make_batch(), 0.01)


def test_held_batch_norms_keep_their_statistics_while_all_else_is_trained(zoo, held):
    learner, _ = held
    before, after = weights(tuple(zoo.shapes(learner.model).items())), zoo.arrays(learner.model)
    for name in before:
        assert np.array_equal(before[name], after[name]) == (".running_" in name), name


def test_accumulated_parts_give_the_gradient_and_loss_of_the_whole_batch(zoo, held):
    whole, terms = held  # with batch norms held: batch statistics would differ between a batch and its parts
    parts = make_learner(zoo, optimizer=NO_DECAY, freeze={"batch_norm": True}, schedule={"accumulate": 4})
    for name, value in parts.step(make_batch(), 0.01).items():
        assert float(value) == pytest.approx(float(terms[name]), rel=1e-5), name
    ours, theirs = first_gradients(whole), first_gradients(parts)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-4 * np.abs(ours[name]).max(), name


def test_clipping_scales_the_whole_gradient_down_to_its_greatest_norm(zoo, gradients_at):
    learner = make_learner(zoo, optimizer={**NO_DECAY, "clip_norm": 0.5})
    full = gradients_at(zoo.arrays(learner.model))
    norm = np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in full.values()))
    assert norm > 1
    learner.step(make_batch(), 0.01)
    for name, array in first_gradients(learner).items():
        assert np.abs(array - full[name] * (0.5 / norm)).max() < 1e-4 * np.abs(array).max(), name


@pytest.fixture(scope="module")
def full_loss(zoo):
    """The loss of the first step in full precision."""
    return float(make_learner(zoo).step(make_batch(), 0.001)["loss"])


@pytest.fixture(scope="module", params=["bf16", "fp16"])
def half(zoo, request):
    """A learner in half precision after a step, and its loss: (precision, learner, loss)."""
    learner = make_learner(zoo, precision=request.param)
    if request.param == "fp16":  # whose scale may start so high that the first steps overflow and are left out
        learner.assign_state({"loss_scale": 128.0, "loss_scale_steps": 0})
    return request.param, learner, float(learner.step(make_batch(), 0.001)["loss"])


def test_half_precision_is_near_full_precision_and_trains_float32_weights(zoo, half, full_loss):
    _, learner, loss = half
    assert loss == pytest.approx(full_loss, rel=0.05)
    assert loss != full_loss
    before, after = weights(tuple(zoo.shapes(learner.model).items())), zoo.arrays(learner.model)
    for name, array in after.items():
        assert not np.array_equal(before[name], array), name
        assert array.dtype == np.float32, name
        assert (array.astype(np.float16) != array).any(), name  # finer than half precision could hold


def test_slots_of_adam_make_the_next_step_the_same(zoo):
    first, second = (make_learner(zoo, optimizer={"name": "adam"}) for _ in range(2))
    first.step(make_batch(), 0.01)
    assert_goes_on_alike(zoo, first, second)


def test_slots_of_sgd_and_the_state_in_json_make_the_next_step_the_same(zoo, half):
    precision, learner, _ = half
    assert_goes_on_alike(zoo, learner, make_learner(zoo, precision=precision))


def test_the_state_is_the_loss_scale_of_fp16_and_nothing_otherwise(zoo, half):
    precision, learner, _ = half
    assert learner.state().keys() == ({"loss_scale", "loss_scale_steps"} if precision == "fp16" else set())
    assert make_learner(zoo).state() == {}


@pytest.fixture(scope="module")
def fp16_learner(zoo):
    """A learner in fp16, whose loss scale each test sets for itself."""
    return make_learner(zoo, precision="fp16")


def test_an_overflowing_step_of_fp16_is_left_out_and_halves_the_loss_scale(zoo, fp16_learner):
    fp16_learner.assign_state({"loss_scale": 2.0**40, "loss_scale_steps": 5})
    before, slots = zoo.arrays(fp16_learner.model), fp16_learner.optimizer_arrays()["momentum"]
    fp16_learner.step(make_batch(), 0.01)
    after = zoo.arrays(fp16_learner.model)
    for name, array in fp16_learner.optimizer_arrays()["momentum"].items():
        assert np.array_equal(before[name], after[name]), name
        assert np.array_equal(array, slots[name]), name
    assert fp16_learner.state() == {"loss_scale": 2.0**39, "loss_scale_steps": 0}


def test_the_loss_scale_of_fp16_doubles_after_2000_steps_without_overflow(fp16_learner):
    fp16_learner.assign_state({"loss_scale": 16.0, "loss_scale_steps": 1998})
    fp16_learner.step(make_batch(), 0.01)
    assert fp16_learner.state() == {"loss_scale": 16.0, "loss_scale_steps": 1999}
    fp16_learner.step(make_batch(), 0.01)
    assert fp16_learner.state() == {"loss_scale": 32.0, "loss_scale_steps": 0}


def assert_goes_on_alike(zoo, first, second):
    """All of the first learner goes into the second, through files' forms; then both take the same step."""
    zoo.assign(second.model, zoo.arrays(first.model))
    second.assign_optimizer(first.optimizer_arrays())
    second.assign_state(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    for learner in (first, second):
        learner.step(make_batch(), 0.01)
    ours, theirs = zoo.arrays(first.model), zoo.arrays(second.model)
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    ours, theirs = first.optimizer_arrays(), second.optimizer_arrays()
    assert all(np.array_equal(ours[slot][key], theirs[slot][key]) for slot in ours for key in ours[slot])


def test_the_input_size_may_change_from_step_to_step(zoo):
    learner = make_learner(zoo)
    first = learner.step(make_batch(), 0.0)
    size = (96, 128)
    for wanted in (make_learner(zoo).step(make_batch(size=size), 0.0), first):
        found = learner.step(make_batch(size=size), 0.0)
        assert {name: float(value) for name, value in found.items()} == {
            name: pytest.approx(float(value), rel=1e-5) for name, value in wanted.items()
        }
        size = (64, 64)


def test_slots_of_another_optimiser_are_refused(zoo):
    with pytest.raises(ValueError, match="momentum"):
        make_learner(zoo, optimizer={"name": "adam"}).assign_optimizer(make_learner(zoo).optimizer_arrays())


def test_the_average_of_the_weights_follows_its_formula_through_a_round_trip(zoo):
    learner, other = make_learner(zoo), make_learner(zoo)
    assert learner.average.arrays() == {}
    expected = None
    for number, decay in enumerate((0.5, 0.9, 0.25)):
        learner.step(make_batch(), 0.01)
        arrays = zoo.arrays(learner.model)
        learner.average.move(decay)
        if expected is None:
            expected = arrays
        expected = {name: decay * kept + (1 - decay) * arrays[name] for name, kept in expected.items()}
        if number == 1:
            other.average.assign(dict(reversed(learner.average.arrays().items())))  # in any order
    zoo.assign(other.model, arrays)
    other.average.move(0.25)
    average = learner.average.arrays()
    assert average.keys() == arrays.keys() == zoo.shapes(learner.model).keys()
    for name, array in average.items():
        assert np.allclose(array, expected[name], rtol=1e-5, atol=1e-7), name
        assert np.allclose(other.average.arrays()[name], array, rtol=1e-5, atol=1e-7), name
        assert not np.array_equal(array, arrays[name]), name
    assert all(np.array_equal(arrays[name], array) for name, array in zoo.arrays(learner.model).items())
    other.average.assign({})
    assert other.average.arrays() == {}


def test_the_loss_of_arrays_is_that_of_a_step(zoo, held):
    _, terms = held
    batch, device = make_batch(), zoo.device("cpu")
    model = make_learner(zoo).model
    outputs = zoo.predictor(model, "fp32", device)(np.asarray(batch.images))
    measured = zoo.measured_loss(SPEC, Recipe().loss, device)(outputs, batch.targets, (64, 64))
    assert measured == {name: pytest.approx(float(value), rel=1e-4) for name, value in terms.items()}
