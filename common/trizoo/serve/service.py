"""From a request's body to its answer: read, decoded in threads, looked at in batches; all within limits."""

import asyncio
import contextlib
import queue
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError
from trizoo.ground.memory import give_back_freed_memory
from trizoo.serve.batches import Batches
from trizoo.serve.body import Memory, read_body
from trizoo.serve.refused import RefusedError
from trizoo.serve.sent import SentImage, sentence
from trizoo.serve.wish import Wish

_MOST_DECODERS = 4
_LARGE = 12_000_000  # pixels, which take 120 MB while they are decoded


@dataclass
class Visit:
    """A request on its way.

    Args:
        held: bytes of its body that were counted, block by block
        photo: its SentImage, None before it is there
        is_large: whether that takes much memory
    """

    held: list[int] = field(default_factory=list)
    photo: SentImage | None = None
    is_large: bool = False


class Service:
    """A model that many ask at once.

    Args:
        served: a `trizoo.serve.model.Served`
        limits: a `trizoo.serve.limits.Limits`
    """

    def __init__(self, served, limits):
        self.served, self.limits = served, limits
        self.batches = Batches(served.answers, limits.batch_size, limits.gather, limits.waiting)
        self.memory = Memory(limits.bodies)
        self.inside = 0
        self._large = asyncio.Lock()  # of large images one is decoded at a time
        self._threads = ThreadPoolExecutor(min(_MOST_DECODERS, available_cores()), "decoder")

    def warm_up(self):
        """Looks at grey images, one and a whole batch, so that the first request waits for nothing to be built."""
        placed = self.served.grey()
        for count in {1, self.limits.batch_size}:
            futures = [self.batches.submit((placed, Wish())) for _ in range(min(count, self.limits.waiting))]
            for future in futures:
                future.result()

    def close(self):
        """Ends the threads; what waits is answered first."""
        self.batches.close()
        self._threads.shutdown()

    async def predict(self, blocks, headers, wish):
        """What is found in a request's image, ready for JSON, and {stage: seconds}.

        Args:
            blocks: the body's bytes as they come, asynchronously
            headers: of the request, by names in lower case
            wish: a `trizoo.serve.wish.Wish`

        Raises:
            RefusedError: for whatever gets no answer
        """
        if self.inside >= self.limits.waiting:
            raise _full()
        self.inside += 1
        visit = Visit()
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._answered(blocks, headers, wish, visit)
        except TimeoutError:
            raise self._late(visit) from None
        finally:
            self.inside -= 1
            self.memory.give(sum(visit.held))
            if visit.is_large:
                self._threads.submit(give_back_freed_memory)

    async def _answered(self, blocks, headers, wish, visit):
        """See `predict`, without its limit of time."""
        data, name = await read_body(blocks, headers, self.limits, self.memory, visit.held)
        visit.photo, clock = SentImage.of_bytes(data, name), [time.perf_counter()]
        visit.is_large = await self._in_thread(self._checked, visit.photo)
        async with self._large if visit.is_large else contextlib.nullcontext():
            placed = await self._in_thread(self._placed, visit.photo)
        clock.append(time.perf_counter())
        found = await self._looked_at(placed, wish)
        clock.append(time.perf_counter())
        result = await self._in_thread(self.served.result, visit.photo, found, wish)
        return result, {"decode": clock[1] - clock[0], "model": clock[2] - clock[1]}

    def _late(self, visit):
        """The RefusedError of a request that took too long."""
        seconds = f"{self.limits.seconds:g} s"
        if visit.photo is None:
            return RefusedError(408, f"the body hasn't come within {seconds}; send it faster, or a smaller one")
        return RefusedError(504, f"there is no answer within {seconds}; try again", retry_after=1)

    async def _looked_at(self, placed, wish):
        try:
            future = self.batches.submit((placed, wish))
        except queue.Full:
            raise _full() from None
        try:
            return await asyncio.wrap_future(future)
        except UserError as error:
            raise RefusedError(422, f"the model doesn't take this image: {error}") from None

    async def _in_thread(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _checked(self, photo):
        """Whether an image that is taken is a large one."""
        photo.check(self.limits)
        width, height = photo.size()
        return width * height > _LARGE

    def _placed(self, photo):
        """What the pipeline gives of an image on its canvas."""
        try:
            return self.served.place(photo)
        except UserError as error:
            raise RefusedError(415, sentence(error)) from None


def _full():
    return RefusedError(503, "too many requests wait already; try again", retry_after=1)
