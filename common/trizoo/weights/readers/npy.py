"""NumPy's files: an archive of arrays (`.npz`) or a folder of `.npy`, never with pickled objects.

A .npy is b"\\x93NUMPY", a version, the length of its header, the header (a dict in Python's syntax: descr,
fortran_order, shape), and the numbers. Layout: numpy/lib/format.

Limits: a directory of 8 MiB, headers of 10,000 bytes, arrays of 4 times the file or 64 MiB. A file of 16 MiB is read
within 300 MiB and 5 seconds.
"""

import math
import re

import numpy as np

from trizoo.weights.readers.source import Source, UnreadableError, is_shape

MAGIC = b"\x93NUMPY"
SUFFIX = ".npy"
LONGEST_HEADER = 10_000  # bytes; as NumPy's own
TYPE = re.compile(r"'descr' *: *'([<>|=]?[biufc][0-9]{1,2})'")
ORDER = re.compile(r"'fortran_order' *: *(True|False)")
SHAPE = re.compile(r"'shape' *: *\(([0-9L, ]{0,1000})\)")  # with Python 2's L; not so long that int() minds


def is_archive(names):
    """Whether a zip archive of these members is an .npz."""
    return bool(names) and all(name.endswith(SUFFIX) for name in names)


def read_archive(archive):
    """The arrays of an .npz by name: ({name: array}, {})."""
    return {name.removesuffix(SUFFIX): _array(name, archive.array(name)) for name in archive.names}, {}


def read_folder(path):
    """The arrays of a folder's .npy files by name, in alphabetical order: ({name: array}, {})."""
    arrays = {}
    for file in sorted(path.glob(f"*{SUFFIX}")):
        with Source(file) as source:
            arrays[file.name.removesuffix(SUFFIX)] = _array(file.name, source.array(0, np.uint8, source.size))
    if not arrays:
        raise UnreadableError(
            f"is a folder without {SUFFIX} or .index files; one of arrays, or a checkpoint, is needed"
        )
    return arrays, {}


def _array(name, data):
    """The array in the bytes of a .npy, uint8 (N,); it shares their memory where it can."""
    start = {1: 10, 2: 12, 3: 12}.get(int(data[6]) if data.size > 12 else 0)
    if start is None or data[:6].tobytes() != MAGIC:
        raise UnreadableError(f"holds {name[:80]!r}, which is no {SUFFIX} of version 1 to 3; another file is needed")
    start += min(int.from_bytes(data[8:start].tobytes(), "little"), LONGEST_HEADER)
    header = data[: min(start, data.size)].tobytes()[10:].decode("latin-1")
    form, order, shape = (pattern.search(header) for pattern in (TYPE, ORDER, SHAPE))
    if not (form and order and shape):
        raise UnreadableError(f"holds {name[:80]!r}, whose array is not of plain numbers; only numbers are read")
    try:
        dtype = np.dtype(form[1])
    except TypeError:
        raise UnreadableError(
            f"holds {name[:80]!r} of type {form[1]!r}, which NumPy doesn't know; numbers are needed"
        ) from None
    shape = [int(length) for length in shape[1].replace("L", "").replace(",", " ").split()]
    if not is_shape(shape) or math.prod(shape) * dtype.itemsize != data.size - start:
        raise UnreadableError(
            f"holds {name[:80]!r}, cut short or damaged: an array of shape {str(tuple(shape))[:80]} and {dtype} isn't"
            f" {data.size - start:,} bytes; a whole file is needed"
        )
    numbers = data[start:]
    values = (numbers.copy() if start % dtype.alignment else numbers).view(dtype)  # the copy is aligned
    values = values.astype(dtype.newbyteorder("="), copy=False)
    return values.reshape(shape[::-1]).T if order[1] == "True" else values.reshape(shape)
