"""Batches made by worker processes, for frameworks whose own loaders run in the training process."""

import multiprocessing
import os
import threading
from collections import deque
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import cv2

from trizoo.ground.errors import UserError
from trizoo.ground.memory import keep_freed_memory

AHEAD = 2  # batches that are made, or being made, per worker, and wait at the device


class Workers:
    """A function from plan to batch, run by `workers` processes (0: by this one) in the order of the plans.

    Processes are spawned, not forked: a framework's threads don't survive a fork. `close` may be called from any
    thread; whoever waits for a batch then gets no more.

    Args:
        make_batch: plan -> batch, which can be sent to a process
        workers: how many
    """

    def __init__(self, make_batch, workers):
        self.make_batch = make_batch
        self.count = workers
        self.closed = False
        self.pool = None
        if workers:
            spawn = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(workers, spawn, initializer=_start, initargs=(make_batch,))

    def batches(self, plans):
        """Yields the batches of the plans. Raises UserError for what is wrong with the data, or a worker's death."""
        if self.pool is None:
            yield from map(self.make_batch, plans)
            return
        pending = deque()
        try:
            for plan in plans:
                if self.closed:
                    return
                pending.append(self.pool.submit(_make, plan))
                if len(pending) > AHEAD * self.count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except CancelledError:
            return
        except BrokenProcessPool as error:
            raise UserError(worker_was_killed("memory")) from error

    def close(self):
        """Ends the processes, without waiting for what they are at."""
        self.closed = True
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)


def batches(make_batch, plans, workers):
    """Yields the batches of the plans in order, as NumPy arrays.

    Args:
        make_batch, workers: see `Workers`
    """
    pool = Workers(make_batch, workers)
    try:
        yield from pool.batches(plans)
    finally:
        pool.close()


def worker_was_killed(what):
    """What to tell a person whose loader process died.

    Args:
        what: that of which there may have been too little
    """
    return (
        f"a loader process was killed, as the system does where {what} is too small; fewer --workers (0 for none) or "
        f"a smaller --batch-size would do"
    )


def begin():
    """What a loader process does first, of any framework.

    It leaves the process group, out of reach of Ctrl-C and of signals to the group: the loop, which saves and stops,
    still needs its workers. And it keeps freed memory: with fresh pages for each, reading a photograph of 640x480 takes
    1.7 ms instead of 1.0. OpenCV starts no threads in it, since there is a loader for every core already.
    """
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    keep_freed_memory()
    cv2.setNumThreads(0)  # 1 would end a pool that a forked process does not have, and crash


def _start(make_batch):
    """In a new worker: keeps the function, and ends with the training process however that ends."""
    global _make_batch  # a worker's one piece of state: it saves sending the data set with every plan
    _make_batch = make_batch
    begin()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _make(plan):
    return _make_batch(plan)
