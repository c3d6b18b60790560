"""Files that lie within a tar, each by a path that says where: `train-000000.tar/512+20480/a.jpg`.

That is the tar, the place of the file's first byte in it, how many there are, and the file's name. With it any process
reads the file without looking for it, and nothing of a tar is ever unpacked.
"""

import io
import os
import re
from pathlib import Path

from trizoo.ground.files import open_ordinary

_MEMBER = re.compile(r"(?s)(.*\.tar)[/\\](\d{1,18})\+(\d{1,18})[/\\][^/\\]*")
_STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


def member_path(tar, start, size, name):
    """The path of a file within a tar, from the place of its first byte and its size in bytes."""
    return Path(f"{tar}/{start}+{size}/{_STRANGE.sub('_', name.rpartition('/')[2])}")


def is_member(path):
    """Whether a path is of a file within a tar."""
    return _place(path) is not None


def open_file(path):
    """A file opened for reading bytes, wherever it lies. Raises OSError."""
    place = _place(path)
    if place is None:
        return open_ordinary(path)
    tar, start, size = place
    return io.BufferedReader(_Part(open_ordinary(tar), start, size))


def byte_size(path):
    """How many bytes a file has, wherever it lies. Raises OSError."""
    place = _place(path)
    return os.stat(path).st_size if place is None else place[2]  # noqa: PTH116


def _place(path):
    """(tar, first byte, bytes) of a file within a tar, else None."""
    text = os.fspath(path)
    found = _MEMBER.fullmatch(text) if ".tar" in text else None
    return (found[1], int(found[2]), int(found[3])) if found else None


class _Part(io.RawIOBase):
    """A part of an open file as a file of its own, which closes the other with it."""

    def __init__(self, file, start, size):
        self._file, self._start, self._size = file, start, size
        self._position = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self):
        return self._position

    def readinto(self, buffer):
        wanted = max(0, min(len(buffer), self._size - self._position))
        self._file.seek(self._start + self._position)
        count = self._file.readinto(memoryview(buffer)[:wanted])
        self._position += count
        return count

    def close(self):
        self._file.close()
        super().close()
