"""One process at a time: a lock that the system takes from its holder when that ends, however it ends."""

import errno
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # what file systems say that have none
FAR = 1 << 30  # Windows locks bytes: one beyond the text, which others may read
MOST_BYTES = 300  # of the text that says who holds it


class HeldError(Exception):
    """Another process holds the lock; the text says which."""


class Lock:
    """A lock on a file, held until `release`. Processes that are forked meanwhile don't hold it.

    Args:
        path: of the file, which is made, says who holds it, and goes at the end

    Attributes:
        works: False where the file system has no locks, so that nothing is held

    Raises:
        HeldError: at once, where another holds it
        OSError: where the file can't be made
    """

    def __init__(self, path):
        self.path = Path(path)
        self.file = _taken(self.path)
        self.works = self.file is not None
        if self.works:
            with suppress(OSError):  # a full disk holds the lock as well
                os.ftruncate(self.file, 0)
                os.write(self.file, f"process {os.getpid()} on {socket.gethostname()}".encode()[:MOST_BYTES])
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._leave)

    def release(self):
        """Lets go, and removes the file."""
        if os.name == "posix" and self.file is not None:
            with suppress(OSError):
                self.path.unlink()  # while it is held, so that it is ours
        self._leave()

    def _leave(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None


def holder(path):
    """Who holds the lock on a file, in words; None where nobody does."""
    if not os.path.lexists(path):
        return None
    try:
        file = _taken(path, create=False)
    except HeldError as held:
        return str(held)
    except OSError:
        return None
    if file is not None:
        os.close(file)
    return None


def _taken(path, create=True):
    """The descriptor of a file that is locked now, None where there are no locks."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | (os.O_CREAT if create else 0)
    while True:
        file = os.open(path, flags, 0o666)
        try:
            _lock(file)
            if os.name != "posix" or _is_at(file, path):
                return file
        except (BlockingIOError, PermissionError):
            held = HeldError(_words(file))
            os.close(file)
            raise held from None
        except OSError as error:
            os.close(file)
            if error.errno in WITHOUT_LOCKS:
                return None
            raise
        os.close(file)  # its holder removed it as we came: the name is another file's now


def _lock(file):
    if os.name == "posix":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        os.lseek(file, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)


def _is_at(file, path):
    try:
        return os.path.samestat(os.fstat(file), Path(path).lstat())
    except FileNotFoundError:
        return False


def _words(file):
    """Who wrote into the file that it holds it."""
    with suppress(OSError):
        os.lseek(file, 0, os.SEEK_SET)
        found = re.fullmatch(rb"process \d+ on [\w.-]+", os.read(file, MOST_BYTES))
        if found:
            return found[0].decode()
    return "another process"
