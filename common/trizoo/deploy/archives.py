"""Exported files that are zip archives, PyTorch's .pt2 among them: their members, and the notes in one of these.

Nothing is unpacked to the disk, nothing unpickled; see `trizoo.weights.readers`.

Limits: a directory of 8 MiB, notes of 16 MiB: within 100 MiB and 5 seconds.
"""

import contextlib

from trizoo.deploy.metadata import MOST_BYTES
from trizoo.deploy.notes import check_ordinary
from trizoo.ground.errors import UserError
from trizoo.weights.readers.archive import Archive
from trizoo.weights.readers.source import Source, UnreadableError

NOTES = "trizoo.json"  # the member's name, or its last part


@contextlib.contextmanager
def opened(path):
    """The Archive of a file. Raises UserError for what is no whole archive."""
    check_ordinary(path)
    try:
        with Source(path) as source:
            yield Archive(source)
    except UnreadableError as error:
        raise UserError(f"{path} {error}") from None
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None


def read_text(archive, name, most=MOST_BYTES):
    """A member as text. Raises UnreadableError for one that is missing, larger than `most` bytes or no text."""
    size = archive.size(name)
    if size is None or size > most:
        raise UnreadableError(f"has no {name[:80]!r}, or more than {most >> 20} MiB of it; exporting it again would do")
    try:
        return archive.bytes(name).decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError(f"has {name[:80]!r} that is no text; exporting it again would do") from None


def read_notes(path):
    """The text of a file's NOTES, None where it has none. Raises UserError for what is no whole archive."""
    with opened(path) as archive:
        names = [name for name in archive.names if name == NOTES or name.endswith(f"/extra/{NOTES}")]
        return read_text(archive, names[0]) if len(names) == 1 else None
