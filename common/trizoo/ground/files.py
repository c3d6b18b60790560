"""Files that are either the old one or the new one, whatever happens in between; and none that is waited for."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from trizoo.ground.errors import UserError


@contextlib.contextmanager
def replacing(path):
    """A temporary path beside `path`: flushed and renamed to it when the block ends well, removed when it raises.

    A kill at any moment leaves the previous file whole. The folder is made where it is missing. Raises UserError where
    the system refuses (permission, full disk, ...).
    """
    path = Path(path)
    # Not path.name plus a suffix, which could be longer than a file name may be.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(
            f"{str(path)!r} can't be written ({error.strerror or error}); choose another place or make room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomically(path, data):
    """Writes bytes, or text as UTF-8, by way of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def open_ordinary(path):
    """A file opened for reading bytes. OSError as `open`, and for a folder, a pipe or a device, which never end."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 (it is the caller's to close)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no ordinary file", os.fspath(path))
    return file


class Sparing:
    """An open file for a library that believes what it reads: it can't ask for more than `most` bytes at once.

    ValueError where it does. None: for as many as it likes.
    """

    def __init__(self, file, most):
        self.most = most
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)

    def read(self, size=-1):
        """As a file's."""
        if self.most is not None and size is not None and size > self.most:
            raise ValueError(f"{size:,} bytes of headers, of which it may have {self.most:,}")
        return self._file.read(size)


def _without_waiting(path, flags):
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for somebody to write to it
