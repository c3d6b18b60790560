"""Where downloads are kept: the folder, one process at a time, and what the disk refuses, in one sentence."""

import contextlib
import errno
import os
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from trizoo.ground.errors import UserError

HOME_VARIABLE = "TRIZOO_HOME"


def home():
    """The cache folder: what the environment variable TRIZOO_HOME names, else the platform's own place for caches."""
    named = os.environ.get(HOME_VARIABLE)
    if not named:
        return platformdirs.user_cache_path("trizoo", appauthor=False)
    try:
        return Path(named).expanduser()
    except RuntimeError:
        raise UserError(
            f"{HOME_VARIABLE} is {named!r}, of a user who isn't known; the path of a folder is needed"
        ) from None


@contextlib.contextmanager
def storing(path):
    """Around what writes `path`: an OSError inside becomes a UserError with one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(path, reason) from error
        raise UserError(
            f"{path} can't be written: {reason}; choose a folder that can ({HOME_VARIABLE} names the one for weights)"
        ) from error


def no_room(path, reason):
    """The UserError for a full disk."""
    return UserError(
        f"{path} doesn't fit: {reason}; make room, or choose a folder on another disk ({HOME_VARIABLE} names the one "
        f"for weights)"
    )


@contextlib.contextmanager
def locked(path, report):
    """Around what only one process at a time may do to `path`; its folder is made. `report` gets a line when it waits.

    The lock is the system's own on `.<name>.lock`, so it goes with a process that dies.
    """
    path = Path(path)
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report(f"waiting for another process that is at {path}")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
