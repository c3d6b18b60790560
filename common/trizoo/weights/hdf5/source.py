"""The bytes of an HDF5 file, within its budget and by their checksums."""

import os
import struct

import numpy as np

MOST_BYTES = 16 << 20  # of structure, names and texts; a checkpoint of ResNet-101 has 1 MB
MOST_PARTS = 200_000  # messages, links, records, texts; the same checkpoint has 20,000
UNDEFINED = 2**64 - 1  # the address of what isn't there
_MASK = 0xFFFFFFFF


class DamagedError(Exception):
    """Why a file can't be read: a few words, such as "its checksum at byte 48 is wrong"."""


class Source:
    """An open HDF5 file."""

    def __init__(self, file):
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._bytes, self._parts = MOST_BYTES, MOST_PARTS
        self._unread = self.size  # bytes that arrays may still claim, however many share a place
        self.collections = {}  # of global heaps that were read, by address

    def spend(self, parts, length=0):
        """Counts parts and bytes against the budget; DamagedError where it is spent."""
        self._parts -= parts
        self._bytes -= length
        if self._parts < 0 or self._bytes < 0:
            raise DamagedError(f"it has more than {MOST_PARTS:,} parts or {MOST_BYTES >> 20} MiB beside its numbers")

    def take(self, offset, length):
        """`length` bytes from `offset`, counted."""
        if length < 0 or offset + length > self.size:
            raise DamagedError(f"{length:,} bytes are wanted at byte {offset:,} of {self.size:,}")
        self.spend(1, length)
        self._file.seek(offset)
        taken = self._file.read(length)
        if len(taken) != length:
            raise DamagedError("it was cut short while it was read")
        return taken

    def checked(self, offset, length, signature):
        """As `take`, for what begins with a signature and ends with the checksum of the rest; that is left out."""
        data = self.take(offset, length)
        if not data.startswith(signature) or length < 4 + len(signature):
            raise DamagedError(f"no {signature[:4].decode()} begins at byte {offset:,}")
        if checksum(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise DamagedError(f"the checksum of byte {offset:,} to {offset + length:,} is wrong")
        return data[:-4]

    def numbers(self, offset, dtype, count):
        """`count` numbers from byte `offset` as a (count,) array, None where all arrays together exceed the file."""
        length = count * dtype.itemsize
        self._unread -= length
        if self._unread < 0 or offset + length > self.size:
            return None
        values = np.empty(count, dtype)
        self._file.seek(offset)
        if self._file.readinto(memoryview(values.view(np.uint8))) != length:
            raise DamagedError("it was cut short while it was read")
        return values


def checksum(data):
    """Bob Jenkins's lookup3 (hashlittle of burtleburtle.net/bob/c/lookup3.c, begun with 0), a number of 32 bits."""
    length = len(data)
    a = b = c = (0xDEADBEEF + length) & _MASK
    if not length:
        return c
    rounds = (length - 1) // 12
    words = struct.unpack(f"<{3 * rounds + 3}I", data + bytes(12 * rounds + 12 - length))
    for place in range(0, 3 * rounds, 3):
        a += words[place]
        b += words[place + 1]
        c = (c + words[place + 2]) & _MASK
        a = (a - c & _MASK) ^ (c << 4 & _MASK | c >> 28)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ (a << 6 & _MASK | a >> 26)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ (b << 8 & _MASK | b >> 24)
        b = b + a & _MASK
        a = (a - c & _MASK) ^ (c << 16 & _MASK | c >> 16)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ (a << 19 & _MASK | a >> 13)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ (b << 4 & _MASK | b >> 28)
        b = b + a & _MASK
    a, b, c = a + words[-3] & _MASK, b + words[-2] & _MASK, c + words[-1] & _MASK
    c = (c ^ b) - _turned(b, 14) & _MASK
    a = (a ^ c) - _turned(c, 11) & _MASK
    b = (b ^ a) - _turned(a, 25) & _MASK
    c = (c ^ b) - _turned(b, 16) & _MASK
    a = (a ^ c) - _turned(c, 4) & _MASK
    b = (b ^ a) - _turned(a, 14) & _MASK
    return (c ^ b) - _turned(b, 24) & _MASK


def _turned(value, bits):
    return (value << bits | value >> 32 - bits) & _MASK
