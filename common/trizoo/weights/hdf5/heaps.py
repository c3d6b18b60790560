"""Heaps: where names (local), texts (global) and links and attributes (fractal) stand."""

import struct
from bisect import bisect_right

from trizoo.weights.hdf5.source import UNDEFINED, DamagedError, checksum

MOST_ROWS = 64
_HEADER = 146  # bytes of a fractal heap's, where nothing is filtered


def local_heap(source, address):
    """The names that a group of the old kind has, as the bytes that its entries count in."""
    signature, length, place = struct.unpack("<5s3xQ8xQ", source.take(address, 32))
    if signature != b"HEAP\0":
        raise DamagedError(f"no HEAP begins at byte {address:,}")
    return source.take(place, length)


def global_text(source, reference):
    """The bytes of a text of any length by its reference: length, address, number."""
    length, address, number = struct.unpack("<IQI", reference)
    if not address:
        return b""
    if address not in source.collections:
        source.collections[address] = _collection(source, address)
    text = source.collections[address].get(number, b"")[:length]
    if len(text) < length:
        raise DamagedError(f"a text of {length:,} bytes isn't whole")
    source.spend(1, length)  # many may refer to one
    return bytes(text)


def _collection(source, address):
    """Number -> bytes of the texts in a global heap."""
    signature, length = struct.unpack("<5s3xQ", source.take(address, 16))
    if signature != b"GCOL\1":
        raise DamagedError(f"no GCOL begins at byte {address:,}")
    block, found, position = memoryview(source.take(address, length)), {}, 16
    while position + 16 <= length:
        number, size = struct.unpack_from("<H6xQ", block, position)
        if not number:  # the rest is free
            if size != length - position:
                raise DamagedError(f"the heap at byte {address:,} has {size:,} bytes left, which it can't have")
            break
        source.spend(1)
        found[number] = block[position + 16 : position + 16 + size]
        position += 16 + (size + 7) // 8 * 8
    return found


class FractalHeap:
    """The links or attributes of an object that has many: what an id in a `records` refers to.

    The table of its blocks doubles their size from row to row. Only the rows of blocks that hold bytes are read: half a
    megabyte of names in a group, or one of attributes.
    """

    def __init__(self, source, address):
        self._source = source
        head = source.checked(address, _HEADER, b"FRHP\0")
        filters, flags, largest = struct.unpack_from("<HBI", head, 7)
        columns, first, last, bits, root, rows = struct.unpack_from("<HQQHxxQH", head, 110)
        sane = _is_power_of_2(first) and _is_power_of_2(last) and first <= last < 1 << 32 and 0 < bits <= 64
        if filters or not sane or not largest or not 0 < columns <= MOST_ROWS or rows > MOST_ROWS:
            raise DamagedError(f"the heap at byte {address:,} has no size that is known")
        self._offset_width = (bits + 7) // 8
        self._length_width = min((last.bit_length() + 6) // 8, (largest.bit_length() + 7) // 8)
        self._sums = bool(flags & 2)
        self._begins, self._places, self._blocks = [], [], {}
        if not rows:
            self._begins, self._places = [0], [(root, first)]
            return
        length = 13 + self._offset_width + 8 * columns * rows + 4
        addresses = iter(
            struct.unpack_from(
                f"<{columns * rows}Q", source.checked(root, length, b"FHIB\0"), length - 4 - 8 * columns * rows
            )
        )
        begin = 0
        for row in range(min(rows, last.bit_length() - first.bit_length() + 2)):
            size = first << max(row - 1, 0)
            for _ in range(columns):
                self._begins.append(begin)
                self._places.append((next(addresses), size))
                begin += size

    def get(self, identity):
        """The bytes of an id."""
        if identity[0] >> 4:  # another version, too large for a block, or small enough to stand in the id
            raise DamagedError("a heap holds something other than links and attributes of some kB")
        end = 1 + self._offset_width
        offset = int.from_bytes(identity[1:end], "little")
        length = int.from_bytes(identity[end : end + self._length_width], "little")
        number = bisect_right(self._begins, offset) - 1
        if offset >= self._begins[-1] + self._places[-1][1]:
            raise DamagedError("a heap lacks what is referred to, or a group has more than half a megabyte of names")
        start = offset - self._begins[number]
        self._source.spend(0, length)  # many may refer to one
        data = self._block(number)[start : start + length]
        if len(data) < length or not length or start < self._head:
            raise DamagedError("a heap lacks what is referred to")
        return data

    @property
    def _head(self):
        """Bytes at the begin of a block."""
        return 13 + self._offset_width + 4 * self._sums

    def _block(self, number):
        if number not in self._blocks:
            address, size = self._places[number]
            if address == UNDEFINED:
                raise DamagedError("a heap lacks a block that is referred to")
            data, end = self._source.take(address, size), self._head
            if not data.startswith(b"FHDB\0"):
                raise DamagedError(f"no FHDB begins at byte {address:,}")
            if self._sums:
                told = int.from_bytes(data[end - 4 : end], "little")
                if checksum(data[: end - 4] + bytes(4) + data[end:]) != told:
                    raise DamagedError(f"the checksum of byte {address:,} to {address + size:,} is wrong")
            self._blocks[number] = data
        return self._blocks[number]


def _is_power_of_2(number):
    return number > 0 and not number & (number - 1)
