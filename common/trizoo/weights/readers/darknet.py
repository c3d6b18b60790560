"""Darknet's `.weights`: a header and float32 numbers without names. Reading and writing.

    int32 major, minor, revision; seen images: int64 from version 0.2 on, int32 before; float32 ..., little-endian

Which number belongs to which array is for the network's definition to say: `trizoo.weights.importers.darknet`.
Layout: src/parser.c of the Darknet project.

Limits: no more numbers than the file holds; beside them within 100 MiB and 5 seconds.
"""

import struct

import numpy as np

from trizoo.ground.files import replacing
from trizoo.weights.readers.source import UnreadableError

VERSION = struct.Struct("<iii")
FLOATS = "floats"  # the name under which the reader gives the numbers
MOST = 1000  # of a version's numbers; above, Darknet means a transposed matrix, which no detector has


def is_darknet(head):
    """Whether a file that begins with these bytes (16 or more) can be one of Darknet's: a version, and images seen."""
    if len(head) < VERSION.size + 4:
        return False
    version = VERSION.unpack(head[: VERSION.size])
    return all(0 <= number < MOST for number in version) and any(version[:2])


def read(source):
    """All numbers, and what the header says: ({"floats": float32 (N,)}, {"version", "seen", "header_bytes"})."""
    version = VERSION.unpack(source.bytes(0, VERSION.size))
    seen = struct.Struct("<q" if version[0] * 10 + version[1] >= 2 else "<i")
    header_bytes = VERSION.size + seen.size
    (images,) = seen.unpack(source.bytes(VERSION.size, seen.size))
    count, more = divmod(source.size - header_bytes, 4)
    if more:
        raise UnreadableError(f"holds {count:,} floats and {more} bytes more; it was cut short, a whole file is needed")
    floats = source.array(header_bytes, "<f4", count).astype(np.float32, copy=False)
    about = {"version": ".".join(map(str, version)), "seen": images, "header_bytes": header_bytes}
    return {FLOATS: floats}, about


def write(path, floats, seen=0):
    """Writes numbers with the header of version 0.2.5, AlexeyAB's, which every Darknet reads (`trizoo.ground.files`).

    Args:
        floats: arrays of float32, one after the other
        seen: images that the weights were trained on
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(VERSION.pack(0, 2, 5) + struct.pack("<q", seen))
        for array in floats:
            file.write(memoryview(np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8)))
