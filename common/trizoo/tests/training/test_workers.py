"""Batches from worker processes: order, errors, deaths, endings."""

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection

import pytest

from trizoo.ground.errors import UserError
from trizoo.training.workers import Workers, batches


def squared(plan):
    return plan * plan, os.getpid()


def refused(plan):
    raise UserError(f"image {plan} is truncated")


def killed(plan):
    os.kill(os.getpid(), signal.SIGKILL)


def killed_while_it_sends(plan):
    """Of what the second worker answers half is sent."""
    if plan == 1:

        def send(self, data):
            os.write(self.fileno(), data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

        Connection._send = send
    return bytes(1000)


class TwoWordsError(Exception):
    """An error that pickle can't make again."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


def failed(plan):
    raise TwoWordsError("no", "luck") if plan else ValueError("no number")


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


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL is of POSIX")
def test_a_worker_killed_in_the_middle_of_a_batch_keeps_nobody_waiting():
    stream = batches(killed_while_it_sends, range(100), 2)
    assert next(stream) == bytes(1000)
    with pytest.raises(UserError, match="a loader process was killed"):
        next(stream)


def test_a_programs_error_comes_with_the_workers_traceback():
    with pytest.raises(ValueError, match="no number") as raised:
        list(batches(failed, [0], 1))
    assert "in failed" in raised.value.__notes__[0]
    with pytest.raises(RuntimeError, match="TwoWordsError: no luck"):
        list(batches(failed, [1], 1))


def test_no_batch_comes_after_closing_and_no_process_stays():
    pool = Workers(squared, 2)
    stream = pool.batches(range(1000))
    next(stream)
    processes = multiprocessing.active_children()
    pool.close()
    assert len(list(stream)) < 10
    for process in processes:
        process.join()
    assert len(processes) == 2


# a process whose OpenCV has started threads forks a loader, as PyTorch's DataLoader does on Linux
FORKED = """
import os, cv2, numpy as np
from trizoo.training.workers import begin
image = np.zeros((3000, 3000, 3), np.uint8)
cv2.setNumThreads(4)
cv2.GaussianBlur(image, (9, 9), 2)
child = os.fork()
if child == 0:
    begin()
    cv2.GaussianBlur(cv2.resize(image, (2000, 2000)), (9, 9), 2)
    os._exit(len(os.listdir("/proc/self/task")))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and counts threads in /proc")
def test_a_forked_loader_works_with_one_thread():
    result = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.strip() == "1", result.stderr  # the number of threads; a signal would be negative
