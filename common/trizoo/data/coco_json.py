"""COCO's JSON files decoded into the few fields that are wanted, in a quarter of the memory that json takes."""

import re

import msgspec

from trizoo.data.reading import read_json
from trizoo.ground.errors import UserError

MOST_BYTES = 4 << 30
_MOST_READ_TWICE = (
    64 << 20
)  # bytes of a file that is read a second time, by json, where it holds what JSON doesn't have
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PLACE = re.compile(r"\(byte (\d+)\)")


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
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(f"{path} has {size / 2**30:.1f} GiB; up to {MOST_BYTES >> 30} GiB are read, so split it")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
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
