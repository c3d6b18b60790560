"""Files that are either the old one or the new one, whatever happens in between; and none that is waited for."""

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
import socket
import stat
import time
import zlib
from pathlib import Path

from trizoo.ground.errors import UnwrittenError

# Which machine and which process writes it, so that what a dead one left is known. Not the file's own name plus a
# suffix, which could be longer than a name may be.
TEMPORARY = re.compile(r"\.trizoo-([0-9a-f]{8})-(\d{1,9})-[0-9a-f]{16}\.tmp")
DAY = 86_400  # seconds; of another machine's processes nothing is known but that none waits so long


@contextlib.contextmanager
def temporary_beside(path):
    """A new, empty file of a random name beside `path`, gone when the block ends. Its rights are as the umask says.

    No link is followed, and no file of that name is touched. Raises OSError.
    """
    temporary = Path(path).with_name(_temporary_name())
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # O_EXCL follows no link
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def put_in_place(temporary, path):
    """A whole file gets its name: flushed to the disk first, so that a power cut leaves the one or the other."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


@contextlib.contextmanager
def replacing(path):
    """A temporary path beside `path`: flushed and renamed to it when the block ends well, removed when it raises.

    A kill at any moment leaves the previous file whole. The folder is made where it is missing. Raises UnwrittenError
    where the system refuses (permission, full disk, ...).
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(path) as temporary:
            yield temporary
            put_in_place(temporary, path)
    except OSError as error:
        raise UnwrittenError(
            f"{str(path)!r} can't be written ({error.strerror or error})", "choose another place or make room"
        ) from error


def write_atomically(path, data):
    """Writes bytes, or text as UTF-8, by way of `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_from_memory(path, save):
    """Writes to `path` what `save(file)` writes into a file in memory. OSError where the disk doesn't take all of it.

    Pillow, and matplotlib by way of it, take no notice where a disk takes only a part of what they write to a file.
    """
    held = io.BytesIO()
    save(held)
    Path(path).write_bytes(held.getbuffer())


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


@contextlib.contextmanager
def temporary_folder_beside(path):
    """A new, empty folder of a random name beside `path`, gone with all that is in it when the block ends."""
    folder = Path(path).with_name(_temporary_name())
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_left(folder):
    """Removes what killed processes left of `temporary_beside` and `temporary_folder_beside` in a folder.

    What running processes have there, and all else, is left alone.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = TEMPORARY.fullmatch(entry.name)
            if found and not entry.is_symlink() and _is_left(entry, *found.groups()):
                with contextlib.suppress(OSError):
                    shutil.rmtree(entry.path) if entry.is_dir() else Path(entry.path).unlink()


def _is_left(entry, machine, process):
    """Whether the process that wrote a temporary file is no more."""
    if machine != _machine():
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY
    if int(process) == os.getpid():
        return False
    if os.name != "posix":
        return True  # Windows removes no file that is open
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it is there, and another user's
    return False


def _temporary_name():
    return f".trizoo-{_machine()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"


def _machine():
    """Eight digits for this machine's name."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
