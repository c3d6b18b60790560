"""What only a GPU can show. Skipped where there is none, as in CI."""

import numpy as np
import pytest
import torch

from trizoo.parity.golden import difference, load_golden_heads, measure, sizes
from trizoo.parity.probe import pseudo_model
from trizoo.tests.contract.learner import make_batch, make_learner
from trizoo.training.batch import BatchPlan

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def on_cuda(zoo, **sections):
    return make_learner(zoo, zoo.device("cuda"), **sections)


@pytest.mark.parametrize("name", ["yolov3", "yolov3-tiny"])
def test_heads_equal_the_golden(zoo, name):
    with torch.backends.cudnn.flags(allow_tf32=False):
        device = zoo.device("cuda")
        predict = zoo.predictor(pseudo_model(zoo, name, device), "fp32", device)
        assert difference(load_golden_heads(name), measure(predict, sizes(name))) < 1e-3


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 0.01), ("bf16", 0.05), ("fp16", 0.05)])
def test_a_step_has_the_loss_of_the_cpus(zoo, precision, tolerance):
    sections = {"schedule": {"accumulate": 2}, "optimizer": {"clip_norm": 1.0}}
    here = make_learner(zoo, **sections).step(make_batch(), 0.01)
    there = on_cuda(zoo, precision=precision, **sections).step(make_batch(), 0.01)
    assert float(there["loss"]) == pytest.approx(float(here["loss"]), rel=tolerance)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_never_waits_for_the_gpu(zoo, precision):
    learner = on_cuda(zoo, precision=precision)
    learner.step(make_batch(), 0.01)
    torch.cuda.set_sync_debug_mode("error")
    try:
        learner.step(make_batch(), 0.01)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_optimizer_slots_go_there_and_back(zoo, name):
    first, second = (on_cuda(zoo, optimizer={"name": name}) for _ in range(2))
    first.step(make_batch(), 0.01)
    second.assign_optimizer(first.optimizer_arrays())
    slots, back = first.optimizer_arrays(), second.optimizer_arrays()
    assert all(np.array_equal(slots[slot][key], back[slot][key]) for slot in slots for key in slots[slot])
    second.step(make_batch(), 0.01)


def test_batches_arrive_pinned(zoo):
    plans = [BatchPlan(0, 0, (0,), (0,))]
    batch = next(zoo.loader(lambda plan: make_batch(1), plans, 1, zoo.device("cuda")))
    assert batch.images.is_pinned()
