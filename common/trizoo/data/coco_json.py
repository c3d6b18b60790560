"""COCO's JSON files decoded into the few fields that are wanted, in a third of the memory that json takes."""

import re
from typing import Any

import msgspec

from trizoo.data.reading import read_bytes, read_json
from trizoo.ground.errors import UserError

MOST_BYTES = 4 << 30
_MOST_READ_TWICE = (
    64 << 20
)  # bytes of a file that is read a second time, by json, where it holds what JSON doesn't have
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PLACE = re.compile(r"\(byte (\d+)\)")

_SHOWN = 60  # characters of an id
Id = int | float | str  # other libraries than COCO's write ids as 1.0 or as text


class Image(msgspec.Struct, gc=False):
    """An image of a COCO file. Its file name is its address where it has that alone, as in LVIS."""

    id: Id
    file_name: str | None = None
    coco_url: str | None = None
    width: Any = None
    height: Any = None

    def __post_init__(self):
        self.file_name = self.file_name or self.coco_url
        if self.file_name is None:
            raise ValueError(f"image {shown(self.id)} has no file_name")

    @property
    def size(self):
        """(width, height), None where these are no such numbers."""
        sides = self.width, self.height
        if all(type(side) in (int, float) and 0 < side < 1 << 31 and side == int(side) for side in sides):
            return int(self.width), int(self.height)
        return None


class Category(msgspec.Struct, gc=False):
    """A category of a COCO file."""

    id: Id
    name: str | int | float
    supercategory: Any = None


class Parts(msgspec.Struct):
    """The parts of a COCO file with annotations, undecoded."""

    images: msgspec.Raw
    annotations: msgspec.Raw
    categories: msgspec.Raw


def decode(path, kind):
    """A JSON file as a msgspec Struct, whose fields alone are decoded.

    NaN and Infinity, which Python writes and JSON doesn't have, are null in files of at most 64 MiB.

    Args:
        kind: the Struct

    Raises:
        UserError: where the file can't be read, has more than 4 GiB, is no JSON (with line and column), or holds
            something else than `kind`
    """
    data = _read(path)
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _unlike_coco(path, error) from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply for a COCO file") from error
    except ValueError as error:  # also of letters that are no UTF-8
        if len(data) > _MOST_READ_TWICE:
            raise UserError(f"{path} is no JSON ({_located(error, data)}); write it again") from error
    try:
        return msgspec.json.decode(msgspec.json.encode(read_json(path, "COCO file")), type=kind)
    except (ValueError, OverflowError, RecursionError) as error:  # numbers and letters that JSON can't hold
        raise _unlike_coco(path, error) from error


def in_order(entries):
    """Entries by their ids, numbers before texts."""
    return sorted(entries, key=lambda entry: (isinstance(entry.id, str), entry.id))


def shown(id):
    """An id for a sentence: of numbers of many digits the first."""
    text = f"{id:g}" if isinstance(id, float) else str(id)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def holds_coco(path):
    """Whether a file is JSON and has lists of images, annotations and categories; None where it is no JSON."""
    try:
        parts = msgspec.json.decode(_read(path), type=Parts)
    except (msgspec.ValidationError, UserError):
        return False
    except (ValueError, RecursionError):
        return None
    return all(bytes(memoryview(part)[:1]) == b"[" for part in (parts.images, parts.annotations, parts.categories))


def _read(path):
    data = read_bytes(path, MOST_BYTES, "COCO file")
    return memoryview(data)[3:] if data.startswith(_BYTE_ORDER_MARK) else data


def _unlike_coco(path, error):
    return UserError(f"{path} isn't written as COCO's files are: {error}")


def _located(error, data):
    """A decoder's sentence with line and column instead of a byte's number."""
    found = _PLACE.search(str(error))
    if not found:
        return str(error)
    before = bytes(data[: int(found[1])])
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return _PLACE.sub(f"at line {line} column {column}", str(error)).removeprefix("JSON is malformed: ")
