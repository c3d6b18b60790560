"""What only a GPU can show. Skipped where there is none, as in CI."""

import numpy as np
import pytest
import torch

from common.data.batch import BatchPlan
from common.parity.golden import difference, load_golden, measure
from torch_zoo.framework import PyTorch
from torch_zoo.goldens import pseudo_model
from torch_zoo.predictor import make_predictor
from torch_zoo.tests.test_learner import make_batch, make_learner

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def on_cuda(**sections):
    return make_learner(device=torch.device("cuda"), **sections)


@pytest.mark.parametrize("name", ["yolov3", "yolov3-tiny"])
def test_heads_equal_the_golden(name):
    with torch.backends.cudnn.flags(allow_tf32=False):
        predict = make_predictor(pseudo_model(name), "fp32", torch.device("cuda"))
        assert difference(load_golden(name), measure(predict)) < 1e-3


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 0.01), ("bf16", 0.05), ("fp16", 0.05)])
def test_a_step_has_the_loss_of_the_cpus(precision, tolerance):
    sections = {"schedule": {"accumulate": 2}, "optimizer": {"clip_norm": 1.0}}
    here = make_learner(**sections).step(make_batch(), 0.01)
    there = on_cuda(precision=precision, **sections).step(make_batch(), 0.01)
    assert float(there["loss"]) == pytest.approx(float(here["loss"]), rel=tolerance)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_never_waits_for_the_gpu(precision):
    learner = on_cuda(precision=precision)
    learner.step(make_batch(), 0.01)
    torch.cuda.set_sync_debug_mode("error")
    try:
        learner.step(make_batch(), 0.01)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_optimizer_slots_go_there_and_back(name):
    first, second = (on_cuda(optimizer={"name": name}) for _ in range(2))
    first.step(make_batch(), 0.01)
    second.assign_optimizer(first.optimizer_arrays())
    slots, back = first.optimizer_arrays(), second.optimizer_arrays()
    assert all(np.array_equal(slots[slot][key], back[slot][key]) for slot in slots for key in slots[slot])
    second.step(make_batch(), 0.01)


def test_batches_arrive_pinned():
    plans = [BatchPlan(0, 0, (0,), (0,))]
    batch = next(PyTorch.loader(lambda plan: make_batch(1), plans, 1, torch.device("cuda")))
    assert batch.images.is_pinned()
