"""safetensors: a JSON table of names, types, shapes and places, then the numbers. Reading and writing, in a few lines.

    uint64 length of the table, the table, the numbers
    table: {"<name>": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, "__metadata__": {"<key>": "..."}}

All is little-endian; offsets count from the table's end; arrays lie one after the other without gaps.
Layout: github.com/huggingface/safetensors.

Limits: a table of 4 MiB, which is read within 300 MiB and 5 seconds, and the numbers, which the file must hold.
"""

import json
import math
import struct

import numpy as np

from trizoo.ground.files import replacing
from trizoo.weights.readers.source import UnreadableError, float32_of_bfloat16, is_shape

LONGEST_TABLE = 4 << 20  # bytes; what JSON builds takes some 40 times as much
TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|u1",
}
WRITTEN = {np.dtype(form).newbyteorder("="): name for name, form in TYPES.items() if name not in ("BF16", "BOOL")}
WRITTEN[np.dtype(bool)] = "BOOL"
METADATA = "__metadata__"


def is_safetensors(head, size):
    """Whether a file of `size` bytes that begins with these (16 or more) is of this format."""
    return len(head) >= 9 and struct.unpack("<Q", head[:8])[0] <= size - 8 and head[8:9] == b"{"


def read(source):
    """The arrays and the file's metadata: ({name: array}, {key: text}). bfloat16 becomes float32, exactly."""
    (length,) = struct.unpack("<Q", source.bytes(0, 8))
    if length > LONGEST_TABLE:
        raise UnreadableError(f"has a table of {length:,} bytes; at most {LONGEST_TABLE:,} are sane")
    try:
        table = json.loads(source.bytes(8, length).decode(), object_pairs_hook=_without_duplicates)
        metadata = dict(table.pop(METADATA, {}))
        entries = {name: _entry(name, entry) for name, entry in table.items()}
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableError(f"has a damaged table ({str(error)[:100]}); a whole file is needed") from None
    position, arrays = 0, {}
    for name, (form, shape, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != position:
            raise UnreadableError(
                f"places {name[:80]!r} at byte {begin:,} and not at {position:,}; a whole file is needed"
            )
        position = end
        values = source.array(8 + length + begin, TYPES[form], math.prod(shape)).reshape(shape)
        arrays[name] = _finished(values, form)
    if 8 + length + position != source.size:
        raise UnreadableError(
            f"has {source.size - 8 - length - position:,} bytes that belong to no array; a whole file is needed"
        )
    return {name: arrays[name] for name in entries}, metadata


def write(path, arrays, metadata=None):
    """Writes arrays (name -> array, in this order) and metadata (text -> text) by way of `trizoo.ground.files`.

    Raises ValueError for types that the format doesn't have.
    """
    table, position = {METADATA: dict(metadata)} if metadata else {}, 0
    for name, array in arrays.items():
        if array.dtype.newbyteorder("=") not in WRITTEN or name == METADATA:
            raise ValueError(f"{name} is {array.dtype}; one of {', '.join(map(str, WRITTEN))} is needed")
        form = WRITTEN[array.dtype.newbyteorder("=")]
        entry = {"dtype": form, "shape": list(array.shape), "data_offsets": [position, position + array.nbytes]}
        table[name], position = entry, position + array.nbytes
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the data begins at a multiple of 8 bytes
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(
                memoryview(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8))
            )


def _without_duplicates(pairs):
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name stands in it twice")
    return table


def _entry(name, entry):
    """(type, shape, begin, end) of an array; ValueError unless they agree."""
    form, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if form not in TYPES or not is_shape(shape) or not is_shape((begin,)) or not is_shape((end,)):
        raise ValueError(f"{name[:80]!r} has a type, shape or place that can't be read")
    if math.prod(shape) * np.dtype(TYPES[form]).itemsize != end - begin:
        raise ValueError(f"{name[:80]!r} has {end - begin:,} bytes for {math.prod(shape):,} numbers of {form}")
    return form, tuple(shape), begin, end


def _finished(values, form):
    """Values in this machine's byte order, as the type that they mean."""
    if form == "BF16":
        return float32_of_bfloat16(values)
    if form == "BOOL":
        return values.astype(bool)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
