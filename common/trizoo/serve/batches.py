"""Single images become batches: one thread takes what waits."""

import queue
import threading
import time
from concurrent.futures import Future

_STOP = object()


class Batches:
    """A thread that answers several items at once, as many as wait.

    Args:
        answer: list of items -> the answers, in order; an answer that is an exception is raised to whoever asked
        size: items at once, at most
        gather: seconds for which the first of a batch waits for others
        waiting: items that wait at most
    """

    def __init__(self, answer, size, gather, waiting):
        self._answer, self._size, self._gather = answer, size, gather
        self._queue = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._closed = False
        self.batches = self.items = 0
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    @property
    def is_alive(self):
        """Whether the thread works."""
        return self._thread.is_alive()

    def submit(self, item):
        """The Future of an item's answer; one that is cancelled before its turn is left out.

        Raises:
            queue.Full: where too many wait
            RuntimeError: after `close`
        """
        future = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the batches are closed")
            self._queue.put_nowait((item, future))
        return future

    def close(self):
        """Answers what waits, then ends the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._queue.put(_STOP)
        self._thread.join()

    def _run(self):
        while (first := self._queue.get()) is not _STOP:
            taken, stop = self._take(first)
            ready = [(item, future) for item, future in taken if future.set_running_or_notify_cancel()]
            if ready:
                self._settle(ready)
            if stop:
                return

    def _take(self, first):
        """The batch that begins with an item that is there, and whether it is the last one."""
        taken, end = [first], time.monotonic() + self._gather
        while len(taken) < self._size:
            try:
                item = self._queue.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                break
            if item is _STOP:
                return taken, True
            taken.append(item)
        return taken, False

    def _settle(self, ready):
        """Answers a batch; where that fails each item alone, so that one costs no other its answer."""
        self.batches += 1
        self.items += len(ready)
        try:
            answers = self._answer([item for item, _ in ready])
        except Exception as error:  # whatever a framework raises, the thread goes on
            if len(ready) > 1:
                for one in ready:
                    self._settle([one])
                return
            answers = [error]
        for (_, future), answer in zip(ready, answers, strict=True):
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
