"""Object headers: the messages that say what a group or an array is, of both versions."""

import struct

from trizoo.weights.hdf5.source import DamagedError

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT = 0x1, 0x2, 0x3, 0x6, 0x7, 0x8
FILTERS, ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 0xB, 0xC, 0x10, 0x11, 0x15
SHARED = 2  # a message's flag: it stands elsewhere


def messages(source, address):
    """[(kind, data)] of the object header at an address. DamagedError for shared messages of the kinds above."""
    begin = source.take(address, 8)
    found = _new(source, address, begin[5]) if begin.startswith(b"OHDR\2") else _old(source, address, begin)
    source.spend(len(found))
    return found


def _new(source, address, flags):
    """Version 2, by whose flags (bits) lengths and order are there."""
    start = 6 + 16 * bool(flags & 32) + 4 * bool(flags & 16)
    width = 1 << (flags & 3)
    length = int.from_bytes(source.take(address + start, width), "little")
    form = struct.Struct("<BHBxx" if flags & 4 else "<BHB")
    blocks, seen = [source.checked(address, start + width + length + 4, b"OHDR\2")[start + width :]], set()
    return _read(blocks, form, 0, lambda place: _continued(source, place, seen))


def _continued(source, place, seen):
    _once(place, seen)
    return source.checked(*place, b"OCHK")[4:]


def _old(source, address, begin):
    """Version 1, whose messages begin at multiples of 8 bytes."""
    if begin[0] != 1:
        raise DamagedError(f"no object begins at byte {address:,}")
    (length,) = struct.unpack("<I", source.take(address + 8, 4))
    seen = set()

    def continued(place):
        _once(place, seen)
        return source.take(*place)

    return _read([source.take(address + 16, length)], struct.Struct("<HHBxxx"), 7, continued)


def _once(place, seen):
    if place in seen:
        raise DamagedError(f"an object goes on at byte {place[0]:,} twice")
    seen.add(place)


def _read(blocks, form, odd, continued):
    """The messages in the blocks, and in those that they continue in.

    Args:
        form: of a message's kind, length and flags
        odd: bits that its length may not have
        continued: (address, length) -> block
    """
    found = []
    for block in blocks:  # which grows
        position = 0
        while position + form.size <= len(block):
            kind, length, flags = form.unpack_from(block, position)
            position += form.size
            data = block[position : position + length]
            position += length
            if len(data) < length or length & odd:
                raise DamagedError("an object's message is cut short")
            if kind == CONTINUATION:
                blocks.append(continued(struct.unpack_from("<QQ", data)))
            elif kind and not flags & SHARED:
                found.append((kind, data))
            elif kind in (DATASPACE, DATATYPE, LAYOUT, LINK, LINK_INFO, ATTRIBUTE, ATTRIBUTE_INFO, SYMBOL_TABLE):
                raise DamagedError("it shares types or messages among its objects, as no weights do")
    return found
