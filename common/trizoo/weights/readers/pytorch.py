"""PyTorch's files (`.pth`, `.pt`) without PyTorch: today's zip archives and the legacy pickles of before version 1.6.

A zip archive holds `<folder>/data.pkl`, the pickle of what was saved, `<folder>/data/<key>`, the bytes of each storage,
and `<folder>/byteorder`. A legacy file is five pickles (a magic number, a version, the writer's machine, what was
saved, the keys of the storages), and then each storage's count and numbers, little-endian.
Layout: torch/serialization.py.

Limits: a pickle of 1 MiB, a zip's directory of 8 MiB, arrays of 4 times the file or 64 MiB: beside the
arrays within 300 MiB and 10 seconds.
"""

import numpy as np

from trizoo.weights.readers import state_dict, tensors
from trizoo.weights.readers.source import UnreadableError
from trizoo.weights.readers.unpickle import LARGEST, Unpickler

MAGIC = 0x1950A86A20F9469CFC6C
PICKLE = "data.pkl"


def is_archive(names):
    """Whether a zip archive of these members is one of PyTorch's."""
    return any(name.rsplit("/", 1)[-1] == PICKLE for name in names)


def is_legacy(head):
    """Whether a file that begins with these bytes (32 or more) is one of PyTorch's legacy format."""
    return head.startswith(b"\x80") and MAGIC.to_bytes(10, "little") in head[:32]


def read_archive(archive):
    """Arrays of a zip archive's state dict and what they were wrapped in: ({name: array}, about)."""
    pickles = [name for name in archive.names if name.rsplit("/", 1)[-1] == PICKLE]
    if len(pickles) != 1 or archive.size(pickles[0]) > LARGEST:
        raise UnreadableError(f"has {len(pickles)} members {PICKLE}; one of at most {LARGEST >> 20} MiB is needed")
    folder = pickles[0].removesuffix(PICKLE)
    root = Unpickler(archive.bytes(pickles[0]), tensors.find_global, tensors.storage).load()
    order = archive.bytes(f"{folder}byteorder")[:8] if archive.size(f"{folder}byteorder") else b"little"
    if order not in (b"little", b"big"):
        raise UnreadableError(f"says that its byte order is {order!r}; little or big is needed")

    def read_storage(key):
        name = f"{folder}data/{key}"
        if archive.size(name) is None:
            raise UnreadableError(f"does not hold storage {key[:80]!r}; a whole file is needed")
        return archive.array(name)

    return _arrays(root, archive.source.size, read_storage, ">" if order == b"big" else "<")


def read_legacy(source):
    """Arrays of a legacy file's state dict and what they were wrapped in: ({name: array}, about)."""
    seen = {}  # key -> the storage that the pickle first speaks of

    def persistent(identity):
        storage = tensors.storage(identity)
        seen.setdefault(storage.key, storage)
        return storage

    pickles = Unpickler(source.bytes(0, min(source.size, LARGEST)), tensors.find_global, persistent)
    magic, version = pickles.load(), pickles.load()
    if magic != MAGIC or version != 1001:
        raise UnreadableError("is no file of PyTorch's legacy format 1001; one that torch.save wrote is needed")
    _machine, root, keys = pickles.load(), pickles.load(), pickles.load()
    places = _places(source, pickles.position, keys, seen)

    def read_storage(key):
        if key not in places:
            raise UnreadableError(f"does not hold storage {key[:80]!r}; a whole file is needed")
        return source.array(places[key], np.uint8, seen[key].nbytes)

    return _arrays(root, source.size, read_storage, "<")


def _places(source, position, keys, seen):
    """Storage key -> byte at which its numbers begin, for storages that lie one after the other from `position`."""
    places = {}
    for key in keys if type(keys) is list else ():
        key = str(key) if type(key) in (str, int) else None
        if key not in seen or key in places:
            raise UnreadableError("lists storages twice, or that no tensor is in; a whole file is needed")
        count = int.from_bytes(source.bytes(position, 8), "little")
        if count != seen[key].total:
            raise UnreadableError(
                f"holds {count:,} numbers for storage {key[:80]!r}, whose tensors need {seen[key].total:,};"
                " a whole file is needed"
            )
        places[key] = position + 8
        position += 8 + seen[key].nbytes
    return places


def _arrays(root, size, read_storage, byte_order):
    """({name: array}, about). Tensors that share a storage share its memory; each storage is read once, when needed."""
    found, about = state_dict.tensors(root)
    claimed = sum(tensor.nbytes for tensor in found.values())
    if claimed > max(tensors.REPEATS * size, tensors.ALWAYS_ALLOWED):
        raise UnreadableError(
            f"holds tensors of {claimed:,} bytes in a file of {size:,}; weights of plain layout are needed"
        )
    storages, arrays = {}, {}
    for name, tensor in found.items():
        storage = tensor.storage
        if storage.key not in storages:
            storages[storage.key] = read_storage(storage.key) if storage.total else np.empty(0, np.uint8)
        held = storages[storage.key]
        if held.size != storage.nbytes:
            raise UnreadableError(
                f"has {held.size:,} bytes for storage {storage.key[:80]!r}, whose tensors need {storage.nbytes:,};"
                " a whole file is needed"
            )
        arrays[name] = tensor.array(held, byte_order)
    return arrays, about
