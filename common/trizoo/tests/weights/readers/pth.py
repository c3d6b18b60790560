"""PyTorch's files put together by hand, without PyTorch: pickles by their instructions, zip archives, legacy files."""

import io
import struct
import zipfile

MAGIC = 0x1950A86A20F9469CFC6C


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def sequence(*parts):
    """A tuple of parts that are pickled already."""
    return b"(" + b"".join(parts) + b"t"


def numbers(values):
    return sequence(*map(number, values))


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def call(module, name, *arguments):
    return named(module, name) + sequence(*arguments) + b"R"


def mapping(pairs):
    return b"}(" + b"".join(text(key) + value for key, value in pairs.items()) + b"u"


def ordered(pairs=()):
    """An OrderedDict as PyTorch pickles it."""
    filled = b"".join(text(key) + value for key, value in dict(pairs).items())
    return call("collections", "OrderedDict") + (b"(" + filled + b"u" if filled else b"")


def storage(kind, key, count, *view):
    return sequence(text("storage"), named("torch", kind), text(key), text("cuda:0"), number(count), *view) + b"Q"


def tensor(place, size, stride, offset=0, *more):
    arguments = (place, number(offset), numbers(size), numbers(stride), b"\x89", ordered(), *more)
    return call("torch._utils", "_rebuild_tensor_v2", *arguments)


def pickled(body):
    return b"\x80\x02" + body + b"."


def archive(body, storages, *, folder="archive", byteorder=b"little", compression=zipfile.ZIP_STORED):
    """Bytes of a zip archive. body: instructions of the pickle; storages: key -> bytes; byteorder: None for none."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as file:
        file.writestr(f"{folder}/data.pkl", pickled(body))
        if byteorder is not None:
            file.writestr(f"{folder}/byteorder", byteorder)
        for key, data in storages.items():
            file.writestr(f"{folder}/data/{key}", data)
        file.writestr(f"{folder}/version", b"3\n")
    return made.getvalue()


def legacy(body, storages):
    """Bytes of a legacy file. body: instructions of the pickle; storages: key -> (count, bytes)."""
    magic = b"\x8a\x0a" + MAGIC.to_bytes(10, "little")
    machine = mapping({"protocol_version": number(1001), "little_endian": b"\x88"})
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    pickles = b"".join(map(pickled, (magic, number(1001), machine, body, keys)))
    return pickles + b"".join(struct.pack("<q", count) + data for count, data in storages.values())
