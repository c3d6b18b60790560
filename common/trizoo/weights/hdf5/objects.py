"""Groups and arrays of an HDF5 file."""

import io
import math
import struct
from contextlib import contextmanager
from functools import cached_property

import numpy as np

from trizoo.ground.files import open_ordinary
from trizoo.weights.hdf5 import headers
from trizoo.weights.hdf5.heaps import FractalHeap, local_heap
from trizoo.weights.hdf5.source import UNDEFINED, DamagedError, Source
from trizoo.weights.hdf5.trees import records, symbols
from trizoo.weights.hdf5.values import attribute, link, shape_of, type_of

SIGNATURE = b"\x89HDF\r\n\x1a\n"
OF_LINKS, OF_ATTRIBUTES = (5, 11), (8, 17)  # trees by names: their kind, and bytes of a record
_COMPACT, _CONTIGUOUS = 0, 1
_MOST_NUMBERS = 2**59  # of an array of NumPy's
_WRONG = (struct.error, LookupError, ValueError, OverflowError, RecursionError)  # what damaged bytes end in
_LONGEST_NAME = 1 << 16


@contextmanager
def opened(place):
    """The root Group of a file, closed afterwards. DamagedError, meanwhile, for what isn't whole or isn't sane.

    Args:
        place: its path, or its bytes
    """
    with io.BytesIO(place) if isinstance(place, bytes) else open_ordinary(place) as file:
        try:
            source = Source(file)
            yield Group(source, _root(source))
        except _WRONG as error:
            raise DamagedError(f"{type(error).__name__}: {error}"[:100]) from None


def _root(source):
    """The address of the root group, as the superblock says."""
    head = source.take(0, min(source.size, 96))
    version = head[8] if head.startswith(SIGNATURE) else None
    if version in (0, 1):
        widths, place = head[13:15], 24 + 4 * version
        base, end, root = struct.unpack_from("<Q8xQ16xQ", head, place)
    elif version in (2, 3):
        source.checked(0, 48, SIGNATURE)
        widths = head[9:11]
        base, end, root = struct.unpack_from("<Q8xQQ", head, 12)
    else:
        raise DamagedError("no HDF5 file of a version that is known begins here")
    if widths != b"\x08\x08" or base:
        raise DamagedError("its addresses are not of 8 bytes from its begin on")
    if end > source.size:
        raise DamagedError(f"it had {end:,} bytes and has {source.size:,}")
    return root


class _Object:
    def __init__(self, source, address, messages=None):
        self._source = source
        self.address = address
        self._messages = headers.messages(source, address) if messages is None else messages

    def _first(self, kind):
        return next((data for own, data in self._messages if own == kind), None)

    @cached_property
    def attributes(self):
        """Name -> Attribute."""
        found = [data for kind, data in self._messages if kind == headers.ATTRIBUTE]
        about = self._first(headers.ATTRIBUTE_INFO)
        if about is not None:
            found += self._many(about, 2 + 2 * (about[1] & 1), OF_ATTRIBUTES, slice(0, 8))
        return _named(attribute(self._source, data) for data in found)

    def _many(self, about, position, tree, identity):
        """What stands in a heap since there is more of it than a header holds.

        Args:
            about: the message that says where, with addresses from `position` on
            tree: OF_LINKS or OF_ATTRIBUTES
            identity: where a record refers to the heap
        """
        heap_address, tree_address = struct.unpack_from("<QQ", about, position)
        if UNDEFINED in (heap_address, tree_address):
            return []
        heap = FractalHeap(self._source, heap_address)
        return [heap.get(record[identity]) for record in records(self._source, tree_address, *tree)]


class Group(_Object):
    """A group of a file."""

    @cached_property
    def members(self):
        """Name -> address, by the alphabet; the address is None of a link that leads elsewhere."""
        found = [link(data) for kind, data in self._messages if kind == headers.LINK]
        about, old = self._first(headers.LINK_INFO), self._first(headers.SYMBOL_TABLE)
        if about is not None:
            found += map(link, self._many(about, 2 + 8 * (about[1] & 1), OF_LINKS, slice(4, 11)))
        if old is not None:
            tree, heap = struct.unpack_from("<QQ", old)
            names = local_heap(self._source, heap)
            found += [self._entry(names, *symbol) for symbol in symbols(self._source, tree)]
        return dict(sorted(_named(found).items()))

    def _entry(self, names, offset, address, is_hard):
        name = names[offset : names.index(b"\0", offset, offset + _LONGEST_NAME)]
        self._source.spend(0, len(name))  # many may share one
        return name.decode(), address if is_hard else None

    def get(self, name):
        """The Group or Array of this name; None where there is none, it is a link to elsewhere, or something else."""
        address = self.members.get(name)
        if address is None:
            return None
        messages = headers.messages(self._source, address)
        kinds = {kind for kind, _ in messages}
        if kinds & {headers.LINK_INFO, headers.SYMBOL_TABLE}:
            return Group(self._source, address, messages)
        if {headers.DATATYPE, headers.DATASPACE, headers.LAYOUT} <= kinds:
            return Array(self._source, address, messages)
        return None


class Array(_Object):
    """An array of a file, which isn't read before it is asked for."""

    @cached_property
    def shape(self):
        """Its lengths, None where there are no numbers at all."""
        return shape_of(self._first(headers.DATASPACE))

    @cached_property
    def type(self):
        """Its `Type`."""
        return type_of(self._first(headers.DATATYPE))

    def read(self):
        """The numbers, in the file's byte order; None where they don't lie whole, plain and in this file.

        All arrays that are read take no more bytes than the file has.
        """
        dtype, layout = self.type.dtype, self._first(headers.LAYOUT)
        elsewhere = any(kind in (headers.EXTERNAL, headers.FILTERS) for kind, _ in self._messages)
        if self.shape is None or dtype is None or elsewhere or layout[0] not in (3, 4):
            return None
        count = math.prod(self.shape)
        if math.prod(max(length, 1) for length in self.shape) >= _MOST_NUMBERS:  # NumPy minds even if one is 0
            return None
        if layout[1] == _COMPACT:
            data = layout[4 : 4 + struct.unpack_from("<H", layout, 2)[0]]
            if len(data) != count * dtype.itemsize:
                return None
            return np.frombuffer(data, dtype).reshape(self.shape).copy()
        if layout[1] != _CONTIGUOUS:
            return None
        address, length = struct.unpack_from("<QQ", layout, 2)
        if not count:
            address = 0
        elif address == UNDEFINED or length != count * dtype.itemsize:
            return None
        values = self._source.numbers(address, dtype, count)
        return None if values is None else values.reshape(self.shape)


def _named(pairs):
    """Pairs as a dict; DamagedError for a name that comes twice."""
    pairs = list(pairs)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DamagedError("it has two things of one name")
    return found
