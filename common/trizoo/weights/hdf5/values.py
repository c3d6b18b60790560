"""What messages say: types, shapes, attributes and links."""

import struct
from typing import NamedTuple

import numpy as np

from trizoo.weights.hdf5.heaps import global_text
from trizoo.weights.hdf5.source import DamagedError

FIXED, FLOAT, TIME, TEXT, BITS, OPAQUE, COMPOUND, REFERENCE, ENUM, VARIABLE, ARRAY = range(11)
_KINDS = ("integers", "floats", "times", "texts", "bits", "opaque bytes", "records", "references", "enumerations")
# size -> where IEEE 754 has exponent and mantissa, how many bits, and the bias: what makes it a float of NumPy's
_IEEE = {
    2: (0, 16, 10, 5, 0, 10, 15),
    4: (0, 32, 23, 8, 0, 23, 127),
    8: (0, 64, 52, 11, 0, 52, 1023),
}
_LINK_TO_OBJECT = 0
MOST_DIMENSIONS = 32  # of HDF5's


class Type(NamedTuple):
    """The type of a value.

    Args:
        kind: HDF5's class
        size: bytes
        dtype: NumPy's, None where it has none
    """

    kind: int
    size: int
    dtype: np.dtype | None = None

    def __str__(self):
        if self.dtype is not None:
            return str(self.dtype)
        return _KINDS[self.kind] if self.kind < len(_KINDS) else "lists or texts of any length"


def type_of(data):
    """The Type in a message."""
    kind, bits, size = data[0] & 15, data[1], struct.unpack_from("<I", data, 4)[0]
    order = "<>"[bits & 1]
    if kind > ARRAY or not data[0] >> 4 or not size:
        raise DamagedError(f"the type {kind} of {size:,} bytes isn't known")
    form = None
    if kind == FIXED and size in (1, 2, 4, 8) and struct.unpack_from("<HH", data, 8) == (0, 8 * size):
        form = f"{order}{'i' if bits & 8 else 'u'}{size}"
    elif kind == FLOAT and not bits & 64 and struct.unpack_from("<HHBBBBI", data, 8) == _IEEE.get(size):
        form = f"{order}f{size}"
    elif kind == OPAQUE and size <= 16:
        form = f"V{size}"
    elif kind == ENUM:
        base = type_of(data[8:])
        form = bool if b"FALSE\0" in data and base.size == 1 else base.dtype  # h5py writes truths so
    elif kind == VARIABLE and (bits & 15 != 1 or size != 16):  # lists
        kind = ARRAY
    return Type(kind, size, None if form is None else np.dtype(form))


def shape_of(data):
    """The shape in a message, None of what has none."""
    version, count = data[:2]
    if version not in (1, 2) or count > MOST_DIMENSIONS:
        raise DamagedError(f"a shape of version {version} and {count} dimensions isn't known")
    if version == 2 and data[3] == 2:
        return None
    return struct.unpack_from(f"<{count}Q", data, 8 if version == 1 else 4)


class Attribute(NamedTuple):
    """What is said of an object.

    Args:
        shape: () of a single value, None where there is none at all
    """

    source: object
    shape: tuple[int, ...] | None
    type: Type
    data: bytes

    def values(self):
        """All of them as Python's numbers, texts and truths, in a list; None of other types."""
        count = 1
        for length in self.shape or ():
            count *= length
        size = self.type.size
        if self.shape is None or len(self.data) < count * size:
            return None
        self.source.spend(count)
        if self.type.kind in (TEXT, VARIABLE):
            parts = (self.data[place : place + size] for place in range(0, count * size, size))
            if self.type.kind == VARIABLE:
                parts = (global_text(self.source, part) for part in parts)
            return [part.rstrip(b"\0").decode() for part in parts]
        if self.type.dtype is None or self.type.dtype.kind == "V":
            return None
        return np.frombuffer(self.data, self.type.dtype, count).tolist()


def attribute(source, data):
    """(name, Attribute) of a message."""
    version, flags, *sizes = struct.unpack_from("<BBHHH", data)
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise DamagedError(f"an attribute of version {version} with flags {flags} isn't known")
    position, parts = 9 if version == 3 else 8, []
    for size in sizes:
        parts.append(data[position : position + size])
        position += (size + 7) // 8 * 8 if version == 1 else size
    name, type_data, shape_data = parts
    name = name.rstrip(b"\0").decode()
    return name, Attribute(source, shape_of(shape_data), type_of(type_data), data[position:])


def link(data):
    """(name, address) of a message; address None of a link that leads elsewhere."""
    version, flags = data[:2]
    if version != 1:
        raise DamagedError(f"a link of version {version} isn't known")
    kind = data[2] if flags & 8 else _LINK_TO_OBJECT
    position = 2 + bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[position : position + width], "little")
    name = data[position + width : position + width + length]
    if not length or len(name) < length:
        raise DamagedError("a link has no whole name")
    address = struct.unpack_from("<Q", data, position + width + length)[0] if kind == _LINK_TO_OBJECT else None
    return name.decode(), address
