"""B-trees: a group's entries (version 1), and records that refer to a heap (version 2). No node is read twice."""

import struct

from trizoo.weights.hdf5.source import DamagedError

DEEPEST = 8
MOST_IN_NODE = 1 << 16  # bytes


def symbols(source, address):
    """(offset of the name in the local heap, address, whether it is a hard link) of a group of the old kind."""
    seen, waiting, found = set(), [(address, None)], []
    while waiting:
        place, level = waiting.pop()
        _once(place, seen)
        if level == -1:
            found += _symbol_node(source, place)
            continue
        signature, own, count = struct.unpack("<5sBH", source.take(place, 8))
        if signature != b"TREE\0" or (level is not None and own != level) or own > DEEPEST:
            raise DamagedError(f"no TREE of level {level} begins at byte {place:,}")
        source.spend(count)
        children = struct.unpack("<" + "8xQ" * count, source.take(place + 24, 16 * count))
        waiting += [(child, own - 1) for child in reversed(children)]
    return found


def _symbol_node(source, address):
    signature, count = struct.unpack("<5sxH", source.take(address, 8))
    if signature != b"SNOD\1":
        raise DamagedError(f"no SNOD begins at byte {address:,}")
    source.spend(count)
    entries = struct.iter_unpack("<QQI20x", source.take(address + 8, 40 * count))
    return [(name, place, kind != 2) for name, place, kind in entries]  # 2: a soft link


def records(source, address, kind, length):
    """The records of a tree of version 2, in its order.

    Args:
        kind: what the tree is of
        length: bytes of a record
    """
    head = source.checked(address, 38, b"BTHD\0" + bytes([kind]))
    node, own_length, depth = struct.unpack_from("<IHH", head, 6)
    root, count = struct.unpack_from("<QH", head, 16)
    if own_length != length or depth > DEEPEST or not 64 <= node <= MOST_IN_NODE:
        raise DamagedError(f"the tree at byte {address:,} has no shape that is known")
    pointers = _pointers(node, length, depth)
    seen, found = set(), []

    def walk(place, count, depth):
        _once(place, seen)
        pointer = pointers[depth]
        signature = (b"BTIN" if depth else b"BTLF") + bytes([0, kind])
        size = 6 + length * count + sum(pointer) * (count + 1) * bool(depth)
        if size > node:
            raise DamagedError(f"the tree's node at byte {place:,} is larger than it may be")
        source.spend(count)
        data = source.checked(place, size + 4, signature)
        for number in range(count + 1):
            if depth:
                start = 6 + length * count + sum(pointer) * number
                below = int.from_bytes(data[start : start + 8], "little")
                walk(below, int.from_bytes(data[start + 8 : start + 8 + pointer[1]], "little"), depth - 1)
            if number < count:
                found.append(data[6 + length * number : 6 + length * (number + 1)])

    if count:
        walk(root, count, depth)
    return found


def _pointers(node, length, depth):
    """For each depth, from the leaves' on, the bytes of a pointer's parts: address, records, records below in all."""
    most = total = (node - 10) // length
    width = _width(most)
    pointers, below = [(0, 0, 0)], 0
    for _ in range(depth):
        pointers.append((8, width, below))
        size = 8 + width + below
        most = (node - 10 - size) // (length + size)
        total = (most + 1) * total + most
        below = _width(total)
    return pointers


def _width(number):
    """Bytes that numbers up to this one take."""
    return max(number.bit_length() + 7, 8) // 8


def _once(place, seen):
    if place in seen:
        raise DamagedError(f"a tree comes to byte {place:,} twice")
    seen.add(place)
