import asyncio
import threading

import pytest

from trizoo.serve.refused import RefusedError
from trizoo.serve.wish import Wish
from trizoo.tests.serve.fake_model import fake_detector, no_outputs


async def stream(data):
    """A body that comes at once."""
    yield data


def ask(service, *bodies, wish=Wish()):  # noqa: B008 (frozen)
    """What a service says to bodies that come at the same time: results, and exceptions."""

    async def run():
        asked = (service.predict(stream(data), {}, wish) for data in bodies)
        return await asyncio.gather(*asked, return_exceptions=True)

    return [one[0] if isinstance(one, tuple) else one for one in asyncio.run(run())]


def left(result):
    """The left side of the best box, which is the redness of the fake model's image."""
    return result["detections"][0]["box"][0]


def test_everyone_gets_the_answer_of_their_own_image(service, png):
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return []

    busy = service(fake_detector(predict), batch_size=4, gather=60.0)
    reds = [5 * number for number in range(40)]
    found = ask(busy, *(png(red, (100, 30 + red % 3)) for red in reds))
    assert [left(one) for one in found] == [red / 10 for red in reds]  # 100 pixels wide * red / 1000
    assert sizes == [4] * 10


def test_requests_of_different_wishes_go_through_the_network_apart(service, png):
    batches = []

    def predict(images):
        batches.append(len(images))
        return []

    busy = service(fake_detector(predict), batch_size=5, gather=60.0)

    async def run():
        wishes = [Wish(), Wish(only=(1,)), Wish(), Wish(only=(1,)), Wish(confidence=0.7)]
        return await asyncio.gather(*(busy.predict(stream(png()), {}, wish) for wish in wishes))

    counts = [result["counts"] for result, _ in asyncio.run(run())]
    assert counts == [{"cat": 1, "dog": 1}, {"dog": 1}, {"cat": 1, "dog": 1}, {"dog": 1}, {"cat": 1}]
    assert sorted(batches) == [2, 3]  # a confidence is asked of what was found, and needs no pass of its own


def test_more_requests_than_may_wait_are_told_to_come_again(service, png):
    opened = threading.Event()

    def predict(images):
        assert opened.wait(60)
        return []

    busy = service(fake_detector(predict), waiting=3)

    async def run():
        tasks = [asyncio.ensure_future(busy.predict(stream(png()), {}, Wish())) for _ in range(5)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        opened.set()
        return done, await asyncio.gather(*tasks, return_exceptions=True)

    _, told = asyncio.run(run())
    refusals = [one for one in told if isinstance(one, RefusedError)]
    assert [(int(one.status), one.retry_after) for one in refusals] == [(503, 1)] * 2
    assert (busy.inside, busy.memory.used) == (0, 0)


def test_an_answer_that_takes_too_long_is_given_up(service, png):
    opened = threading.Event()

    def predict(images):
        assert opened.wait(60)
        return []

    slow = service(fake_detector(predict), seconds=0.2)
    first, second = ask(slow, png(), png())
    assert (int(first.status), int(second.status)) == (504, 504)
    assert str(first) == "there is no answer within 0.2 s; try again"
    assert slow.inside == 0
    opened.set()


def test_a_body_that_takes_too_long_is_the_clients_fault(service):
    slow = service(fake_detector(), seconds=0.1)

    async def endless():
        yield b"\x89PNG"
        await asyncio.Event().wait()

    with pytest.raises(RefusedError, match=r"hasn't come within 0.1 s") as caught:
        asyncio.run(slow.predict(endless(), {}, Wish()))
    assert caught.value.status == 408
    assert (slow.inside, slow.memory.used) == (0, 0)


def test_what_is_no_image_costs_itself_alone(service, png):
    busy = service(fake_detector())
    good, bad, cut = ask(busy, png(), b"no image", png()[:60])
    assert good["counts"] == {"cat": 1, "dog": 1}
    assert (int(bad.status), int(cut.status)) == (415, 415)
    assert "data set" not in str(cut)


def test_a_model_that_breaks_at_one_image_answers_the_others(service, png):
    def predict(images):
        if (images[..., 0] == 13).any():
            raise ZeroDivisionError
        return []

    busy = service(fake_detector(predict), batch_size=3, gather=60.0)
    good, bad, other = ask(busy, png(50), png(13), png(70))
    assert isinstance(bad, ZeroDivisionError)
    assert [left(one) for one in (good, other)] == [2.0, 2.8]  # 40 pixels wide * 50 / 1000, and 70


def test_warming_up_looks_at_one_image_and_at_a_whole_batch(service):
    sizes = []

    def predict(images):
        sizes.append(len(images))
        return no_outputs(images)

    service(fake_detector(predict), batch_size=3, gather=0.3).warm_up()
    assert sorted(sizes) == [1, 3]
