"""The loader, as in every framework, and what concerns PyTorch's alone."""

import contextlib
import multiprocessing
import os
import signal
import sys

import pytest
import torch
from torch.utils.data import _utils

from trizoo.ground.errors import UserError
from trizoo.tests.contract.loader import *  # noqa: F403
from trizoo.tests.contract.loader import plans, same


def test_pytorch_is_not_the_source_of_randomness(zoo, training, batches):
    dataset, recipe = training
    torch.manual_seed(9)
    first = next(iter(zoo.loader(dataset, plans(recipe), 0, zoo.device("cpu"))))
    assert same(first.images, batches[0].images)
    assert torch.initial_seed() == 9


def test_batches_are_tensors(batches):
    assert isinstance(batches[0].images, torch.Tensor)
    assert all(isinstance(array, torch.Tensor) for array in batches[0].targets.values())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is of POSIX")
def test_a_killed_worker_is_called_that_when_its_batch_is_wanted_and_disturbs_nothing_before(
    zoo, training, monkeypatch
):
    monkeypatch.setattr(_utils, "MP_STATUS_CHECK_INTERVAL", 0.2)  # seconds, of 5
    dataset, recipe = training
    batches = zoo.loader(dataset, plans(recipe), 1, zoo.device("cpu"))
    next(batches)
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # whoever waits for processes had its end already
            os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)  # here PyTorch's own handler would raise
    with pytest.raises(UserError, match=r"a loader process was killed.*fewer --workers"):
        list(batches)


def killed_where_it_looks_whether_it_should_end(plan):
    """Makes no batch: its worker is killed while it has the lock, if there is one, of the event that ends it."""
    frame = sys._getframe()
    while "done_event" not in frame.f_locals:
        frame = frame.f_back
    lock = getattr(frame.f_locals["done_event"], "_cond", None)
    if lock is not None:
        lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is of POSIX")
@pytest.mark.timeout(60)
def test_a_worker_that_is_killed_as_it_looks_whether_it_should_end_leaves_nobody_waiting(zoo, training, monkeypatch):
    monkeypatch.setattr(_utils, "MP_STATUS_CHECK_INTERVAL", 0.2)
    _, recipe = training
    with pytest.raises(UserError, match="a loader process was killed"):
        list(zoo.loader(killed_where_it_looks_whether_it_should_end, plans(recipe), 2, zoo.device("cpu")))
