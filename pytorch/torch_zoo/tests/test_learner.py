"""One step against arithmetic, freezing, accumulation, clipping, precision, optimiser slots."""

import json

import numpy as np
import pytest
import torch

from common.architectures import model_spec
from common.data.batch import Batch
from common.errors import UserError
from common.parity.pseudo import pseudo_arrays, pseudo_images
from common.recipes.schema import Recipe
from common.targets.yolo import assign
from torch_zoo.framework import PyTorch
from torch_zoo.memory import explain_out_of_memory

CPU = torch.device("cpu")
SPEC = model_spec("yolov3-tiny", 2)


def make_learner(device=CPU, **sections):
    recipe = Recipe(classes=("a", "b"), **sections)
    zoo = PyTorch()
    model = zoo.build(SPEC, device)
    zoo.assign(model, pseudo_arrays(zoo.shapes(model)))
    return zoo.learner(model, SPEC, recipe, device)


def make_batch(count=4):
    boxes = [np.array([[5 + i, 8, 40, 50], [20, 3, 30, 20 + i]], np.float32) for i in range(count)]
    labels = [np.array([0, 1])] * count
    return Batch(pseudo_images(count, (64, 64)), assign(boxes, labels, SPEC, (64, 64)), ["x"] * count, 0)


def gradients(learner):
    return {name: p.grad.numpy().copy() for name, p in learner.model.named_parameters() if p.grad is not None}


def steps_by_hand(parameter, slots, gradient, options, lr, decay, count):
    """One SGD (nesterov) or Adam step in float64, as the optimisers' papers have it, with coupled decay."""
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
    ],
)
def test_two_steps_equal_the_formula_with_decay_on_kernels_only(optimizer):
    learner = make_learner(optimizer=optimizer)
    options = Recipe(optimizer=optimizer).optimizer
    expected = {name: p.detach().numpy().astype(np.float64) for name, p in learner.model.named_parameters()}
    slots = {name: dict.fromkeys(("momentum", "m", "v"), 0.0) for name in expected}
    for count, lr in ((1, 0.01), (2, 0.003)):
        learner.step(make_batch(), lr)
        for name, gradient in gradients(learner).items():
            decay = 0.01 if expected[name].ndim == 4 else 0.0
            expected[name] = steps_by_hand(
                expected[name], slots[name], gradient.astype(np.float64), options, lr, decay, count
            )
    for name, parameter in learner.model.named_parameters():
        assert np.abs(parameter.detach().numpy() - expected[name]).max() < 1e-4 * np.abs(expected[name]).max(), name
    for slot, arrays in learner.optimizer_arrays().items():
        if slot != "step":
            for name, array in arrays.items():
                assert np.allclose(array, slots[name][slot], rtol=1e-4, atol=1e-5), (slot, name)


def test_frozen_parts_keep_parameters_and_statistics_and_the_rest_moves():
    learner = make_learner()
    learner.freeze(("backbone.",))
    before = PyTorch.arrays(learner.model)
    learner.step(make_batch(), 0.01)
    after = PyTorch.arrays(learner.model)
    for name in before:
        assert np.array_equal(before[name], after[name]) == name.startswith("backbone."), name


def test_thawed_parts_move_again_with_their_statistics():
    learner = make_learner()
    learner.freeze(("backbone.",))
    learner.freeze(())
    before = PyTorch.arrays(learner.model)
    learner.step(make_batch(), 0.01)
    after = PyTorch.arrays(learner.model)
    assert not any(np.array_equal(before[name], after[name]) for name in before)


def test_accumulated_parts_give_the_gradient_and_loss_of_the_whole_batch():
    whole, parts = make_learner(), make_learner(schedule={"accumulate": 4})
    for learner in (whole, parts):
        for module in learner.model.modules():  # batch statistics would differ between a batch and its parts
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    terms = [learner.step(make_batch(), 0.0) for learner in (whole, parts)]
    assert float(terms[0]["loss"]) == pytest.approx(float(terms[1]["loss"]), rel=1e-5)
    ours, theirs = gradients(whole), gradients(parts)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-4 * np.abs(ours[name]).max(), name


def test_clipping_bounds_the_norm_of_the_whole_gradient():
    learner = make_learner(optimizer={"clip_norm": 0.5})
    learner.step(make_batch(), 0.01)
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients(learner).values()))
    assert norm == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_steps_are_near_full_precision_and_move_float32_weights(precision):
    full, half = make_learner(), make_learner(precision=precision)
    before = PyTorch.arrays(half.model)
    losses = [float(learner.step(make_batch(), 0.001)["loss"]) for learner in (full, half)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]
    for _ in range(8):  # fp16's loss scale starts so high that the first steps overflow and are left out
        half.step(make_batch(), 0.001)
    after = PyTorch.arrays(half.model)
    assert all(p.dtype == torch.float32 for p in half.model.parameters())
    assert not np.array_equal(before["head_p4.predict.bias"], after["head_p4.predict.bias"])


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_optimizer_slots_make_the_next_step_the_same(name):
    first = make_learner(optimizer={"name": name})
    first.step(make_batch(), 0.01)
    second = make_learner(optimizer={"name": name})
    PyTorch.assign(second.model, PyTorch.arrays(first.model))
    second.assign_optimizer(first.optimizer_arrays())
    for learner in (first, second):
        learner.step(make_batch(), 0.01)
    ours, theirs = PyTorch.arrays(first.model), PyTorch.arrays(second.model)
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


def test_the_loss_scale_of_fp16_goes_into_the_state_and_back():
    first, second = (make_learner(precision="fp16") for _ in range(2))
    for _ in range(6):  # it starts too high, and halves at each overflow
        first.step(make_batch(), 0.001)
    second.assign_state(json.loads(json.dumps(first.state())))
    assert second.scaler.get_scale() == first.scaler.get_scale() < make_learner(precision="fp16").scaler.get_scale()


def test_running_out_of_memory_says_what_would_need_less():
    with pytest.raises(UserError, match=r"too small for 4 images of 64x48 at once; half the --batch-size"):  # noqa: SIM117
        with explain_out_of_memory(np.zeros((4, 48, 64, 3), np.uint8)):
            torch.empty(2**60, dtype=torch.uint8)


def test_slots_of_another_optimiser_are_refused():
    with pytest.raises(ValueError, match="momentum"):
        make_learner(optimizer={"name": "adam"}).assign_optimizer(make_learner().optimizer_arrays())


def test_the_model_is_in_channels_last_memory():
    learner = make_learner()
    kernel = dict(learner.model.named_parameters())["backbone.convs.3.conv.weight"]
    assert kernel.is_contiguous(memory_format=torch.channels_last)
