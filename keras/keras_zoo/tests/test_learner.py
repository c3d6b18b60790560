"""The learner, as in every framework, and what concerns Keras's alone."""

import keras
import numpy as np
import pytest

from keras_zoo.memory import is_out_of_memory
from trizoo.tests.contract.learner import *  # noqa: F403
from trizoo.tests.contract.learner import make_batch, make_learner


def test_running_out_of_memory_is_known_by_each_backends_error():
    class ResourceExhaustedError(Exception):
        """TensorFlow's."""

    class OutOfMemoryError(RuntimeError):
        """PyTorch's on a GPU."""

    assert is_out_of_memory(ResourceExhaustedError("OOM when allocating tensor"))
    assert is_out_of_memory(OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX is always compiled; PyTorch needs a compiler")
@pytest.mark.usefixtures("seldom")
def test_a_step_compiled_by_xla_is_the_same_step(zoo):
    plain, compiled = make_learner(zoo), make_learner(zoo, compile=True)
    for learner in (plain, compiled):
        learner.step(make_batch(), 0.01)
    ours, theirs = zoo.arrays(plain.model), zoo.arrays(compiled.model)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-4 * np.abs(ours[name]).max(), name


def test_a_batch_of_another_size_and_more_boxes_goes_on_in_the_same_learner(zoo):
    learner, other = make_learner(zoo), make_learner(zoo)
    batch = make_batch(2)
    more = {name: np.concatenate([a, a], axis=1) if a.ndim else a for name, a in batch.targets.items()}
    more["positives"][:, 16:] = -1  # as if padded for more boxes
    learner.step(make_batch(4), 0.0)
    first, second = learner.step(batch._replace(targets=more), 0.0), other.step(batch, 0.0)
    assert float(first["loss"]) == pytest.approx(float(second["loss"]), rel=1e-5)


def test_a_batch_that_cannot_be_split_is_refused(zoo):
    with pytest.raises(ValueError, match="equal division"):
        make_learner(zoo, schedule={"accumulate": 4}).step(make_batch(3), 0.01)


def test_an_overflow_in_a_batch_of_parts_leaves_it_out(zoo):
    learner = make_learner(zoo, precision="fp16", schedule={"accumulate": 2})
    learner.assign_state({"loss_scale": 2.0**40, "loss_scale_steps": 0})
    before = zoo.arrays(learner.model)["head_p4.predict.weight"]
    learner.step(make_batch(), 0.01)
    assert np.array_equal(before, zoo.arrays(learner.model)["head_p4.predict.weight"])
    assert learner.state() == {"loss_scale": 2.0**38, "loss_scale_steps": 0}  # halved by each of the two parts
    learner.assign_state({"loss_scale": 16.0, "loss_scale_steps": 0})
    learner.step(make_batch(), 0.01)
    assert not np.array_equal(before, zoo.arrays(learner.model)["head_p4.predict.weight"])


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_with_the_learner_and_out_of_a_predictor_in_full_precision(zoo, precision):
    half, full = make_learner(zoo, precision=precision), make_learner(zoo)
    images = make_batch().images
    expected = zoo.predictor(full.model, "fp32", zoo.device("cpu"))(images)
    heads = zoo.predictor(half.model, "fp32", zoo.device("cpu"))(images)
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(heads, expected, strict=True))


def test_predictors_of_one_model_keep_the_weights_of_their_time(zoo):
    learner, device = make_learner(zoo), zoo.device("cpu")
    images = make_batch().images
    early = zoo.predictor(learner.model, "fp32", device)
    before = early(images)
    learner.step(make_batch(), 0.01)
    late = zoo.predictor(learner.model, "fp32", device)
    assert not np.array_equal(late(images)[0], before[0])
    assert np.array_equal(early(images)[0], before[0])
