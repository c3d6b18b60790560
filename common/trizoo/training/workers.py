"""Batches made by worker processes, for frameworks whose own loaders run in the training process."""

import multiprocessing
import os
import pickle
import queue
import threading
import traceback
from collections import deque
from contextlib import suppress
from itertools import cycle

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
        self.begun = []

    def batches(self, plans):
        """Yields the batches of the plans. Raises UserError for what is wrong with the data, or a worker's death."""
        if not self.count:
            yield from map(self.make_batch, plans)
            return
        for _ in range(self.count):
            self.begun.append(_Worker(self.make_batch))
        asked = deque()
        try:
            for worker, plan in zip(cycle(self.begun), plans, strict=False):
                if self.closed:
                    return
                worker.ask(plan)
                asked.append(worker)
                if len(asked) > AHEAD * self.count:
                    yield asked.popleft().answer()
            while asked:
                yield asked.popleft().answer()
        except UserError:
            if not self.closed:
                raise

    def close(self):
        """Ends the processes, without waiting for what they are at."""
        self.closed = True
        for worker in self.begun:
            worker.process.kill()  # it has nothing to put in order, and may have inherited that SIGTERM is ignored


class _Worker:
    """A process that makes batches, and a thread that takes them from it.

    Its pipe is its own, and so ends with it, also in the middle of a batch; a pipe that several write to would stay
    open then, and whoever reads from it would wait for ever.
    """

    def __init__(self, make_batch):
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(theirs, make_batch), daemon=True)
        self.process.start()
        theirs.close()
        self.answers = queue.SimpleQueue()
        threading.Thread(target=self._take, daemon=True).start()

    def ask(self, plan):
        """Wants the batch of a plan; of a process that has died `answer` says so."""
        with suppress(OSError):
            self.pipe.send(plan)

    def answer(self):
        """The next batch that was asked for, once it is there. Raises what making it raised, UserError for a death."""
        batch, error = self.answers.get()
        if error is not None:
            raise error
        return batch

    def _take(self):
        try:
            while True:
                self.answers.put(self.pipe.recv())
        except (EOFError, OSError):
            self.answers.put((None, UserError(worker_was_killed("memory"))))
        except Exception as error:  # of what can't be read again
            self.answers.put((None, error))
        self.process.join()


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


def _work(pipe, make_batch):
    """A worker's whole life: batches for the plans that come, as (batch, None) or (None, error)."""
    begin()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    while True:
        try:
            plan = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = make_batch(plan), None
        except UserError as error:
            answer = None, error
        except Exception as error:
            answer = None, _sendable(error)
        pipe.send(answer)


def _sendable(error):
    """An error with its traceback as a note, or another one with its words where it can't be made again."""
    try:
        pickle.loads(pickle.dumps(error))
        sent = error
    except Exception:
        sent = RuntimeError(f"{type(error).__name__}: {error}")
    sent.add_note(f"in a loader process:\n{''.join(traceback.format_exception(error))}")
    return sent


def _end_with_the_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
