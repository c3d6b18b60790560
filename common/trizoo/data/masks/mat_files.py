"""One matrix in a structure of a MATLAB 5 file, read by its tags alone: nothing in a file is built, run or trusted.

SBD keeps its masks so. `scipy.io.loadmat` would build all that a file names: objects, cells within cells, and arrays as
large as it says they are; here sizes are compared with what is there before anything is made. After The MathWorks,
"MAT-File Format", chapter 1, Level 5.

Limits: 16 MiB of a file and of all that is in it: within 100 MiB and 5 seconds.
"""

import struct
import zlib
from itertools import islice
from pathlib import Path

import numpy as np

from trizoo.data.reading import read_bytes
from trizoo.ground.errors import UserError

_MOST_BYTES = 16 << 20  # of a file, and of all that is in it once inflated
_MOST_ELEMENTS = 10_000  # of a file or a structure
_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_STRUCTURE = 2
_NUMBERS = range(6, 14)  # classes of matrices: double, single, integers of 8 to 32 bits with and without sign
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}  # of stored numbers


def read_matrix(path, variable, field):
    """The matrix `variable.field` of whole numbers: int64 (rows, columns).

    Raises UserError for a file that is too large, of another version, damaged, or without such a matrix.
    """
    path = Path(path)
    data = read_bytes(path, _MOST_BYTES, "MATLAB file of a mask")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:_HEADER])
    if order is None or data[:10].startswith(b"MATLAB 7.3"):
        raise UserError(f"{path} is no MATLAB 5 file; save('{path.name}', '{variable}', '-v7') in MATLAB writes one")
    try:
        return _find(data, order, variable, field)
    except (_MissingError, ValueError, IndexError, KeyError, struct.error, zlib.error) as error:
        raise UserError(
            f"{path} holds no mask in {variable}.{field} that can be read ({error}); SBD's files have one"
        ) from error


class _MissingError(Exception):
    """What is looked for isn't there, or isn't as it should be."""


def _find(data, order, variable, field):
    left = _MOST_BYTES
    for kind, content in _elements(data[_HEADER:], order):
        if kind == _COMPRESSED:
            inflater = zlib.decompressobj()
            content = inflater.decompress(content, left)
            left -= len(content)
            if inflater.unconsumed_tail or left <= 0:
                raise _MissingError(f"more than {_MOST_BYTES:,} bytes once inflated")
            ((kind, content),) = _first(_elements(content, order), 1)
        if kind != _MATRIX:
            continue
        parts = _elements(content, order)
        number, shape, name = _head(parts, order)
        if name == variable:
            if number != _STRUCTURE or shape != (1, 1):
                raise _MissingError(f"{variable} is no structure")
            return _matrix(_field(parts, order, field), order)
    raise _MissingError(f"no variable {variable}")


def _elements(data, order):
    """Yields (type, content) of the elements that data begin with, one after the other."""
    place = 0
    for _ in range(_MOST_ELEMENTS):
        if place + 8 > len(data):
            return
        kind, size = struct.unpack_from(f"{order}II", data, place)
        if kind >> 16:  # a small element: type and size in one word, up to four bytes in the next
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise _MissingError(f"a small element of {size} bytes")
            yield kind, data[place + 4 : place + 4 + size]
            place += 8
            continue
        if size > len(data) - place - 8:
            raise _MissingError("cut off")
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + (0 if kind == _COMPRESSED else -size % 8)
    raise _MissingError(f"more than {_MOST_ELEMENTS:,} elements")


def _head(parts, order):
    """(class, shape, name) of a matrix: the first three of its elements."""
    flags, shape, name = (content for _, content in _first(parts, 3))
    return flags[0 if order == "<" else 3], tuple(np.frombuffer(shape, f"{order}i4").tolist()), name.decode("latin-1")


def _field(parts, order, field):
    """The content of the matrix in a field of a structure."""
    (_, length), (_, text) = _first(parts, 2)
    (length,) = struct.unpack(f"{order}i", length)
    if not 0 < length <= 64:
        raise _MissingError(f"names of {length} letters")
    names = [text[start : start + length].split(b"\0")[0] for start in range(0, len(text), length)]
    for name, (kind, content) in zip(names, parts, strict=False):
        if name == field.encode() and kind == _MATRIX:
            return content
    raise _MissingError(f"no field {field}")


def _matrix(content, order):
    parts = _elements(content, order)
    number, shape, _ = _head(parts, order)
    ((kind, stored),) = _first(parts, 1)
    if number not in _NUMBERS or kind not in _TYPES:
        raise _MissingError("no matrix of numbers")
    values = np.frombuffer(stored, order + _TYPES[kind])
    if len(shape) != 2 or min(shape) < 1 or shape[0] * shape[1] != len(values):
        raise _MissingError(f"{len(values)} numbers in a matrix of {'x'.join(map(str, shape))}")
    whole = values.astype(np.int64) if np.isfinite(values).all() and (np.abs(values) < 1 << 31).all() else None
    if whole is None or (whole != values).any():
        raise _MissingError("numbers that aren't whole")
    return whole.reshape(shape[::-1]).T  # files hold columns


def _first(parts, count):
    found = list(islice(parts, count))
    if len(found) < count:
        raise _MissingError("cut off")
    return found
