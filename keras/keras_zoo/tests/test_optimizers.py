"""SGD, Adam and AdamW against numbers worked out by hand, parts of batches, overflow in one of them."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_zoo.layers import get_array
from keras_zoo.optimizers import OPTIMIZERS
from keras_zoo.precision import with_loss_scale
from trizoo.recipes.sections import Optimizer

LR = 0.1


def make(**options):
    """An optimizer of a kernel of 1 and a bias of 2: (optimizer, kernel, bias)."""
    kernel, bias = keras.Variable([[1.0]], name="kernel"), keras.Variable([2.0], name="bias")
    chosen = Optimizer(**options)
    optimizer = OPTIMIZERS[chosen.name](chosen)
    optimizer.build([kernel, bias])
    optimizer.learning_rate = LR
    return optimizer, kernel, bias


def step(optimizer, kernel, bias, gradients):
    gradients, variables = [ops.full((1, 1), gradients[0]), ops.full((1,), gradients[1])], [kernel, bias]
    if keras.backend.backend() == "jax":  # where Keras's trainer steps without state, and the loss scale can't else
        values = [[variable.value for variable in kept] for kept in (optimizer.variables, variables)]
        moved, kept = optimizer.stateless_apply(values[0], gradients, values[1])
        for variable, value in zip(variables + optimizer.variables, [*moved, *kept], strict=True):
            variable.assign(value)
    else:
        optimizer.apply(gradients, variables)
    return get_array(kernel).item(), get_array(bias).item()


def slots(optimizer):
    return {name: [get_array(variable).item() for variable in kept] for name, kept in optimizer.slots.items()}


def test_sgd_decays_the_kernel_alone_and_before_momentum():
    made = make(momentum=0.5, nesterov=False, weight_decay=0.2)
    # kernel: g = 3 + 0.2 * 1 = 3.2, b = 3.2, p = 1 - 0.1 * 3.2; bias: b = g = 4, p = 2 - 0.1 * 4
    assert step(*made, (3.0, 4.0)) == pytest.approx((0.68, 1.6))
    # kernel: g = 3 + 0.2 * 0.68 = 3.136, b = 0.5 * 3.2 + 3.136 = 4.736; bias: b = 0.5 * 4 + 4 = 6
    assert step(*made, (3.0, 4.0)) == pytest.approx((0.68 - 0.4736, 1.6 - 0.6))
    assert slots(made[0]) == {"momentum": pytest.approx([4.736, 6.0])}


def test_nesterov_looks_one_step_ahead():
    # bias: b = 4, p = 2 - 0.1 * (4 + 0.5 * 4)
    assert step(*make(momentum=0.5, weight_decay=0.0), (3.0, 4.0))[1] == pytest.approx(1.4)


def test_adam_divides_by_the_root_plus_epsilon_and_counts_each_variables_steps():
    made = make(name="adam", momentum=0.9, beta2=0.99, weight_decay=0.0)
    # m = 0.1 g, v = 0.01 g^2; corrected they are g and g^2: a step of lr * g / (|g| + 1e-8)
    assert step(*made, (3.0, 1e-8)) == pytest.approx((1 - 0.1, 2 - 0.1 * 0.5))
    assert slots(made[0])["step"] == [1, 1]
    assert slots(made[0])["m"] == pytest.approx([0.3, 1e-9])
    assert slots(made[0])["v"] == pytest.approx([0.09, 1e-18])


def test_adamw_shrinks_the_kernel_alone_and_apart_from_the_gradient():
    made = make(name="adamw", momentum=0.9, beta2=0.99, weight_decay=0.2)
    # a first step is lr long, as Adam's; kernel: 1 * (1 - 0.1 * 0.2) - 0.1
    assert step(*made, (3.0, 4.0)) == pytest.approx((0.88, 1.9))
    # the corrected m and v are g and g^2 again; kernel: 0.88 * 0.98 - 0.1
    assert step(*made, (3.0, 4.0)) == pytest.approx((0.7624, 1.8))
    assert slots(made[0])["m"] == pytest.approx([0.57, 0.76])  # without decay: 0.9 * 0.3 + 0.3


def test_the_gradient_is_clipped_as_a_whole_before_it_decays():
    made = make(momentum=0.0, nesterov=False, weight_decay=0.2, clip_norm=2.5)
    # the norm of (3, 4) is 5: halved to (1.5, 2); kernel: 1 - 0.1 * (1.5 + 0.2 * 1)
    assert step(*made, (3.0, 4.0)) == pytest.approx((0.83, 1.8))


def test_parts_make_one_step_of_their_mean():
    made = make(momentum=0.0, nesterov=False, weight_decay=0.0)
    made[0].accumulate(2)
    assert step(*made, (3.0, 4.0)) == (1.0, 2.0)
    assert step(*made, (1.0, 2.0)) == pytest.approx((1 - 0.1 * 2, 2 - 0.1 * 3))
    assert step(*made, (9.0, 9.0)) == pytest.approx((0.8, 1.7))


@pytest.mark.parametrize("bad", [0, 1])
def test_an_overflow_in_one_part_leaves_the_batch_out_and_the_next_one_begins_anew(bad):
    inner, kernel, bias = make(momentum=0.0, nesterov=False, weight_decay=0.0)
    inner.accumulate(2)
    scaler = with_loss_scale(inner)
    scaler.build([kernel, bias])
    scaler.dynamic_scale.assign(2.0)
    for part in range(2):
        step(scaler, kernel, bias, (np.inf if part == bad else 6.0, 8.0))
    inner.drop_parts()
    assert (get_array(kernel).item(), get_array(bias).item()) == (1.0, 2.0)
    assert get_array(scaler.dynamic_scale) == 1.0  # halved
    for _ in range(2):
        after = step(scaler, kernel, bias, (3.0, 4.0))
    assert after == pytest.approx((1 - 0.1 * 3, 2 - 0.1 * 4))


def test_building_again_keeps_the_slots():
    optimizer, kernel, bias = make()
    before = list(optimizer.variables)
    optimizer.build([kernel, bias])
    assert [id(v) for v in optimizer.variables] == [id(v) for v in before]
