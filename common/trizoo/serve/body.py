"""The image in a request's body, refused as soon as it is too long."""

import asyncio
import contextlib

from trizoo.serve.multipart import FilePart
from trizoo.serve.refused import RefusedError

_FORM = "multipart/form-data"
_LINGER = 1.0  # seconds for which what comes of a refused body is thrown away
_BYTES = ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded")


class Memory:
    """How many bytes of bodies are in memory, at most `most`."""

    def __init__(self, most):
        self.used, self._most = 0, most

    def take(self, count):
        """Counts some more. Raises RefusedError where that is too much."""
        if self.used + count > self._most:
            raise RefusedError(503, "the server holds as many bytes of images as it may; try again", retry_after=1)
        self.used += count

    def give(self, count):
        """Counts some less."""
        self.used -= count


class RawBody:
    """A body that is the image itself; as `FilePart`."""

    def __init__(self):
        self._data = bytearray()

    def add(self, block):
        """Takes the next bytes."""
        self._data += block

    def finish(self):
        """The bytes, and no name."""
        return bytes(self._data), ""


def check_length(headers, limits):
    """RefusedError where the request says that its body is too long, or says no number.

    Args:
        headers: of the request, by names in lower case
    """
    length = headers.get("content-length")
    if length is None:
        return
    if not (length.isascii() and length.isdecimal()):
        raise RefusedError(400, "Content-Length is no number")
    if len(length) > 18 or int(length) > limits.body:
        raise _too_long(limits)


async def read_body(blocks, headers, limits, memory, held):
    """The bytes and the name of the image that a request holds.

    Args:
        blocks: the body's bytes as they come, asynchronously
        headers: of the request, by names in lower case
        memory: the Memory that the bytes count to
        held: a list; what was taken of `memory` is added to it, for whoever gives it back

    Raises:
        RefusedError: for another content, and for too many bytes
    """
    check_length(headers, limits)
    body, length = _reader(headers.get("content-type", "")), 0
    async for block in blocks:
        length += len(block)
        if length > limits.body:
            raise _too_long(limits)
        memory.take(len(block))
        held.append(len(block))
        body.add(block)
    return body.finish()


async def throw_away(blocks, headers):
    """Reads on for a moment, so that a client that sends all before it listens hears why it is refused.

    Args:
        blocks: as of `read_body`
        headers: as of `read_body`
    """
    if "expect" in headers:  # that client listens before it sends, and reading would tell it to send
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            async for _ in blocks:
                pass


def _reader(content_type):
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _FORM:
        return FilePart(content_type)
    if kind in _BYTES or kind.startswith("image/"):
        return RawBody()
    raise RefusedError(415, f"Content-Type is {kind!r:.60}; an image, application/octet-stream or {_FORM} is needed")


def _too_long(limits):
    return RefusedError(413, f"the body is longer than {limits.megabytes} MiB, which is the most that is taken")
