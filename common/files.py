"""Files that are either the old one or the new one, whatever happens in between."""

import os
from pathlib import Path


def write_atomically(path, data):
    """Write bytes, or text as UTF-8, to a file next to `path`, flush it to the disk and give it its name.

    A kill at any moment leaves the previous file whole. The folder must exist.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data.encode("utf-8") if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
