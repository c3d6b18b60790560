"""The learner, as in every framework, and what concerns TensorFlow's alone."""

import numpy as np
import pytest
import tensorflow as tf

from tf2_zoo.memory import is_out_of_memory
from trizoo.tests.contract.learner import *  # noqa: F403
from trizoo.tests.contract.learner import make_batch, make_learner


def test_running_out_of_memory_is_known_by_tensorflows_error():
    assert is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"))
    assert not is_out_of_memory(tf.errors.InvalidArgumentError(None, None, "incompatible shapes"))


@pytest.mark.usefixtures("seldom")
def test_a_step_compiled_by_xla_is_the_same_step(zoo):
    plain, compiled = make_learner(zoo), make_learner(zoo, compile=True)
    for learner in (plain, compiled):
        learner.step(make_batch(), 0.01)
    ours, theirs = zoo.arrays(plain.model), zoo.arrays(compiled.model)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-4 * np.abs(ours[name]).max(), name


def test_batches_of_other_sizes_are_traced_but_not_each_batch(zoo):
    learner = make_learner(zoo)
    for count in (4, 4, 2, 2):
        learner.step(make_batch(count), 0.01)
    assert learner.differentiate.experimental_get_tracing_count() <= 2


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_with_the_learner_and_out_of_a_predictor_in_full_precision(zoo, precision):
    half, full = make_learner(zoo, precision=precision), make_learner(zoo)
    images = make_batch().images
    expected = zoo.predictor(full.model, "fp32", zoo.device("cpu"))(images)
    heads = zoo.predictor(half.model, "fp32", zoo.device("cpu"))(images)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(heads, expected, strict=True))
