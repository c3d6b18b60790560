import queue
import threading

import pytest

from trizoo.serve.batches import Batches


class Gate:
    """Answers with the items doubled, once it is opened; keeps the batches that came."""

    def __init__(self):
        self.came, self.entered, self.opened = [], threading.Semaphore(0), threading.Event()

    def __call__(self, items):
        self.came.append(items)
        self.entered.release()
        assert self.opened.wait(60)
        return [2 * item for item in items]


@pytest.fixture
def batches():
    """Makes Batches, which are closed in the end."""
    made = []

    def make(answer, size=4, gather=0.0, waiting=10):
        made.append(Batches(answer, size, gather, waiting))
        return made[-1]

    yield make
    for one in made:
        one.close()


def held(batches, **options):
    """A Gate's Batches that are at work on the item 0 already, and its Future."""
    gate = Gate()
    thread = batches(gate, **options)
    first = thread.submit(0)
    assert gate.entered.acquire(timeout=60)
    return gate, thread, first


def test_what_waits_goes_together_up_to_the_size(batches):
    gate, thread, first = held(batches)
    futures = [first, *(thread.submit(item) for item in range(1, 7))]
    gate.opened.set()
    assert [future.result(60) for future in futures] == [0, 2, 4, 6, 8, 10, 12]
    assert gate.came == [[0], [1, 2, 3, 4], [5, 6]]
    assert (thread.batches, thread.items) == (3, 7)


def test_the_first_of_a_batch_waits_for_others(batches):
    thread = batches(list, size=2, gather=60.0)
    futures = [thread.submit(item) for item in "ab"]
    assert [future.result(30) for future in futures] == ["a", "b"]
    assert thread.batches == 1


def test_more_than_may_wait_is_refused(batches):
    gate, thread, _ = held(batches, waiting=2)
    thread.submit(1)
    thread.submit(2)
    with pytest.raises(queue.Full):
        thread.submit(3)
    gate.opened.set()


def test_what_is_cancelled_before_its_turn_is_left_out(batches):
    gate, thread, _ = held(batches)
    gone, kept = thread.submit(1), thread.submit(2)
    assert gone.cancel()
    gate.opened.set()
    assert kept.result(60) == 4
    assert gate.came == [[0], [2]]


def test_an_item_that_breaks_a_batch_costs_no_other_its_answer(batches):
    came = []

    def answer(items):
        came.append(items)
        return [10 // item for item in items]

    thread = batches(answer, size=3, gather=60.0)
    good, bad, last = (thread.submit(item) for item in (5, 0, 2))
    assert (good.result(60), last.result(60)) == (2, 5)
    with pytest.raises(ZeroDivisionError):
        bad.result(60)
    assert came == [[5, 0, 2], [5], [0], [2]]
    assert thread.is_alive


def test_an_answer_that_is_an_exception_is_raised(batches):
    thread = batches(lambda items: [ValueError("no") for _ in items])
    with pytest.raises(ValueError, match="no"):
        thread.submit(1).result(60)


def test_closing_answers_what_waits_and_takes_no_more(batches):
    gate, thread, first = held(batches)
    futures = [first, *(thread.submit(item) for item in range(1, 6))]
    closing = threading.Thread(target=thread.close)
    closing.start()
    gate.opened.set()
    closing.join(60)
    assert [future.result(0) for future in futures] == [0, 2, 4, 6, 8, 10]
    assert not thread.is_alive
    with pytest.raises(RuntimeError, match="closed"):
        thread.submit(6)
