"""From a request's body to its answer: read, decoded in threads, looked at in batches; all within limits."""

import asyncio
import queue
import time
from concurrent.futures import ThreadPoolExecutor

from trizoo.ground.cores import available_cores
from trizoo.ground.errors import UserError
from trizoo.serve.batches import Batches
from trizoo.serve.body import Memory, read_body
from trizoo.serve.refused import RefusedError
from trizoo.serve.sent import SentImage, sentence
from trizoo.serve.wish import Wish

_MOST_DECODERS = 4  # a decoded image of 50 million pixels takes 150 MB


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
        held, stage = [], "read"
        try:
            async with asyncio.timeout(self.limits.seconds):
                data, name = await read_body(blocks, headers, self.limits, self.memory, held)
                stage, clock = "decode", [time.perf_counter()]
                photo = SentImage.of_bytes(data, name)
                placed = await self._in_thread(self._placed, photo)
                clock.append(time.perf_counter())
                found = await self._looked_at(placed, wish)
                clock.append(time.perf_counter())
                result = await self._in_thread(self.served.result, photo, found, wish)
                return result, {"decode": clock[1] - clock[0], "model": clock[2] - clock[1]}
        except TimeoutError:
            seconds = f"{self.limits.seconds:g} s"
            if stage == "read":
                raise RefusedError(
                    408, f"the body hasn't come within {seconds}; send it faster, or a smaller one"
                ) from None
            raise RefusedError(504, f"there is no answer within {seconds}; try again", retry_after=1) from None
        finally:
            self.inside -= 1
            self.memory.give(sum(held))

    async def _looked_at(self, placed, wish):
        try:
            future = self.batches.submit((placed, wish))
        except queue.Full:
            raise _full() from None
        try:
            return await asyncio.wrap_future(future)
        except UserError as error:
            raise RefusedError(422, sentence(error)) from None

    async def _in_thread(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _placed(self, photo):
        """What the pipeline gives of an image on its canvas."""
        photo.check(self.limits)
        try:
            return self.served.place(photo)
        except UserError as error:
            raise RefusedError(415, sentence(error)) from None


def _full():
    return RefusedError(503, "too many requests wait already; try again", retry_after=1)
