"""Files that are either the old one or the new one, whatever happens in between."""

import contextlib
import os
import secrets
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
