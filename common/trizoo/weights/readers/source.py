"""A file of unknown origin, read with distrust: never beyond its end, never more than it can hold."""

import math
import os
from pathlib import Path

import numpy as np

from trizoo.ground.files import open_ordinary

MOST_DIMENSIONS = 32  # of NumPy 1's arrays
MOST_NUMBERS = 2**59  # in an array of NumPy's, of up to 16 bytes each


class UnreadableError(Exception):
    """Why a file can't be read: a sentence that goes on from the file's path. `trizoo.weights.readers` ends it."""


class Source:
    """An open file, as a context. The arrays that it gives own their memory; the file may change or go afterwards."""

    def __init__(self, path):
        self.path = Path(path)
        self.file = open_ordinary(self.path)
        self.size = os.fstat(self.file.fileno()).st_size
        self._unread = self.size  # bytes that arrays may still claim, however many parts of a format share a place

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def bytes(self, offset, length):
        """`length` bytes from `offset`; UnreadableError where the file doesn't hold them."""
        self._check(offset, length)
        self.file.seek(offset)
        taken = self.file.read(length)
        self._check_taken(len(taken), length)
        return taken

    def array(self, offset, dtype, count):
        """`count` numbers from byte `offset` as a (count,) array; UnreadableError where the file doesn't hold them."""
        dtype = np.dtype(dtype)
        length = count * dtype.itemsize
        self._check(offset, length)
        self._unread -= length
        if self._unread < 0:
            raise UnreadableError("is damaged: its arrays claim more bytes than the file has; a whole file is needed")
        values = np.empty(count, dtype)
        self.file.seek(offset)
        self._check_taken(self.file.readinto(memoryview(values.view(np.uint8))), length)
        return values

    def _check_taken(self, taken, length):
        if taken != length:
            raise UnreadableError("was cut short while it was read; try again when nothing writes to it")

    def _check(self, offset, length):
        if offset < 0 or length < 0 or offset + length > self.size:
            raise UnreadableError(
                f"is damaged or cut short: {length:,} bytes are wanted at byte {offset:,},"
                f" the file has {self.size:,}; a whole file is needed"
            )


def is_shape(lengths):
    """Whether the members of a list or tuple can be the shape of an array: whole numbers from 0, not too large."""
    whole = all(type(length) is int and length >= 0 for length in lengths) and len(lengths) <= MOST_DIMENSIONS
    return whole and math.prod(max(length, 1) for length in lengths) < MOST_NUMBERS  # NumPy minds even if one is 0


def float32_of_bfloat16(words):
    """bfloat16 as uint16 words -> float32 with the same values, exactly: a bfloat16 is a float32's upper half."""
    bits = words.astype(np.uint32)
    bits <<= np.uint32(16)  # of its own type also where there is a single number, in NumPy 1
    return bits.view(np.float32)
