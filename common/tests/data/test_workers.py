"""Batches from worker processes: order, errors, deaths, endings."""

import os
import signal

import pytest

from common.data.workers import Workers, batches
from common.errors import UserError


def squared(plan):
    return plan * plan, os.getpid()


def refused(plan):
    raise UserError(f"image {plan} is truncated")


def killed(plan):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_come_in_the_order_of_the_plans_from_other_processes(workers):
    found = list(batches(squared, range(20), workers))
    assert [value for value, _ in found] == [plan * plan for plan in range(20)]
    assert (os.getpid() in {process for _, process in found}) == (workers == 0)


def test_plans_are_read_only_a_little_ahead():
    read = []

    def plans():
        for plan in range(100):
            read.append(plan)
            yield plan

    stream = batches(squared, plans(), 1)
    next(stream)
    assert len(read) <= 4
    stream.close()


def test_a_users_error_comes_out_of_a_worker_as_it_is():
    with pytest.raises(UserError, match=r"^image 0 is truncated$"):
        list(batches(refused, range(3), 1))


def test_a_workers_death_is_one_sentence():
    with pytest.raises(UserError, match=r"a loader process was killed.*fewer --workers"):
        list(batches(killed, range(3), 1))


def test_no_batch_comes_after_closing():
    pool = Workers(squared, 1)
    stream = pool.batches(range(1000))
    next(stream)
    pool.close()
    assert len(list(stream)) < 10
