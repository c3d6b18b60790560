"""The members of a zip archive, as bytes or as arrays. Nothing is ever unpacked to the disk."""

import struct
import zipfile
import zlib

import numpy as np

from trizoo.ground.files import Sparing
from trizoo.weights.readers.source import UnreadableError

LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, ..., length of the name, length of the extra field
# Weights hardly shrink, so what unpacks to more than this many times the file isn't weights. Small files may.
EXPANSION = 4
MOST_OF_DIRECTORY = 8 << 20  # bytes, as of 100,000 members
ALWAYS_ALLOWED = 64 << 20  # bytes
# What zipfile raises for archives that are not whole; NotImplementedError is a RuntimeError
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, EOFError, OSError, ValueError)


class Archive:
    """The zip archive in a Source: its members take EXPANSION times its size in all, or 64 MiB.

    Raises UnreadableError for one that is damaged or has two members of one name.
    """

    def __init__(self, source):
        self.source = source
        try:
            file = Sparing(source.file, MOST_OF_DIRECTORY)
            self._zip = zipfile.ZipFile(file)
            file.most = None
        except DAMAGE as error:
            raise _damaged(error) from None
        self._members = {}
        for info in self._zip.infolist():
            if info.filename in self._members:
                raise UnreadableError(f"holds {info.filename[:80]!r} twice; once is needed")
            self._members[info.filename] = info
        self._unpackable = max(EXPANSION * source.size, ALWAYS_ALLOWED)

    @property
    def names(self):
        """The members' names, in the archive's order."""
        return list(self._members)

    def size(self, name):
        """A member's bytes when unpacked, as the archive declares them; None where there is no such member."""
        return self._members[name].file_size if name in self._members else None

    def bytes(self, name):
        """A member as bytes."""
        return self.array(name).tobytes()

    def array(self, name):
        """A member as uint8 (N,); UnreadableError where it is damaged, encrypted or unpacks to more than is sane."""
        info = self._members[name]
        try:
            values = self._stored(info) if info.compress_type == zipfile.ZIP_STORED else self._unpacked(info)
            # PyTorch can be told to write no checksums; then they are 0
            if info.CRC and zlib.crc32(values) != info.CRC:
                raise UnreadableError(f"is damaged: {name[:80]!r} in it has another checksum; a whole file is needed")
        except DAMAGE as error:
            raise _damaged(error) from None
        return values

    def _stored(self, info):
        if info.flag_bits & 1 or info.compress_size != info.file_size:
            raise UnreadableError(f"holds {info.filename[:80]!r} encrypted or of two sizes; a plain archive is needed")
        header = self.source.bytes(info.header_offset, LOCAL_HEADER.size)
        signature, name_length, extra_length = LOCAL_HEADER.unpack(header)
        if signature != b"PK\x03\x04":
            raise zipfile.BadZipFile(f"no member begins at byte {info.header_offset}")
        start = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
        return self.source.array(start, np.uint8, info.file_size)

    def _unpacked(self, info):
        self._unpackable -= info.file_size
        if info.compress_type != zipfile.ZIP_DEFLATED or self._unpackable < 0:
            raise UnreadableError(
                f"holds {info.filename[:80]!r} compressed to a small part of its {info.file_size:,} bytes,"
                " or by an unusual method, as weights never are; an uncompressed archive is needed"
            )
        values = np.empty(info.file_size, np.uint8)
        with self._zip.open(info) as member:
            if member.readinto(memoryview(values)) != info.file_size or member.read(1):
                raise zipfile.BadZipFile(f"{info.filename[:80]!r} has another size than it says")
        return values


def _damaged(error):
    return UnreadableError(f"is a damaged zip archive ({str(error)[:100]}); a whole file is needed")
