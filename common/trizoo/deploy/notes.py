"""The notes of exported files, read without the libraries that run them, and before these see a byte.

Limits: 16 MiB of notes, 10,000 fields of ONNX's, 100,000 elements of OpenVINO's: within 100 MiB and 5 seconds.
"""

import io
import os
from pathlib import Path
from xml.parsers.expat import ExpatError

from trizoo.deploy.endings import GRAPH, NOTES
from trizoo.deploy.metadata import KEY, MOST_BYTES
from trizoo.ground.errors import UserError
from trizoo.ground.xml import parser_of

# of ONNX's ModelProto and of its StringStringEntryProto
_METADATA, _KEY, _VALUE = 14, 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # how protobuf writes a field
_TFLITE = b"TFL3"  # the fifth to the eighth byte of its files
_MOST_FIELDS = 10_000  # of a model's outermost ones, which are about ten
_MOST_ELEMENTS = 100_000  # of a model's XML
_WEIGHTS = "variables/variables.index", "variables/variables.data-00000-of-00001"
_OF_SAVED_MODELS = {GRAPH, NOTES, "fingerprint.pb", *_WEIGHTS}


def read_onnx(path):
    """The text under KEY in an ONNX file's metadata_props, None where there is none.

    Of the file no more is read than its outermost fields. Raises UserError for what is no whole ONNX file.
    """
    broken = UserError(f"{path} is no ONNX file, or cut short; exporting it again would do")
    found = None
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise broken
            for _ in range(_MOST_FIELDS):
                if file.tell() == size:
                    return found
                number, kind = divmod(_varint(file), 8)
                length = {_VARINT: 0, _FIXED64: 8, _FIXED32: 4}.get(kind)
                if kind == _VARINT:
                    _varint(file)
                length = _varint(file) if kind == _BYTES else length
                if length is None or not number or file.tell() + length > size:
                    raise broken
                if number == _METADATA and kind == _BYTES and length <= MOST_BYTES:
                    key, value = _entry(file.read(length))
                    found = value if key == KEY else found
                else:
                    file.seek(length, os.SEEK_CUR)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None
    except ValueError:
        raise broken from None
    raise broken


def read_openvino(path):
    """The text of <rt_info><trizoo value="..."/> in an OpenVINO .xml, None where there is none.

    At most 16 MiB and 100,000 elements are read: within a second and 100 MiB. Raises UserError for what is no such
    file, or lacks its .bin.
    """
    weights = Path(path).with_suffix(".bin")
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise UserError(f"{path} has more than {MOST_BYTES >> 20} MiB of XML, so it is no model of TriZoo's")
        if not weights.is_file():
            raise UserError(f"{path} has its weights in {weights}, which isn't there; the two belong together")
        notes = _Notes(path)
        parser = parser_of(notes.start, notes.end)
        with _opened(path) as file:
            parser.Parse(file.read(MOST_BYTES + 1), True)  # at once: a long tag costs time by the square of its parts
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None
    except (ExpatError, ValueError, LookupError):
        raise UserError(f"{path} is no whole XML file, so no model of OpenVINO's; exporting it again would do") from (
            None
        )
    return notes.found


class _Notes:
    """Takes the notes from a model's tags as they come."""

    def __init__(self, path):
        self.path, self.found = path, None
        self._within, self._count = [], 0

    def start(self, tag, attributes):
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            raise UserError(f"{self.path} has more than {_MOST_ELEMENTS} elements, so it is no model of TriZoo's")
        if not self._within and tag != "net":
            raise UserError(f"{self.path} is no model of OpenVINO's; exporting it again would do")
        self._within.append(tag)
        if self._within == ["net", "rt_info", KEY]:
            self.found = attributes.get("value")

    def end(self, tag):
        self._within.pop()


def read_tflite(path):
    """The text of the .json beside a TFLite file, None where there is none.

    Raises UserError for what is no such file.
    """
    try:
        with _opened(path) as file:
            if file.read(8)[4:] != _TFLITE:
                raise UserError(f"{path} is no TFLite file; exporting it again would do")
        beside = Path(path).with_suffix(".json")
        if not beside.exists():
            raise UserError(
                f"{path} has no {beside.name} beside it, where trizoo export writes what its outputs are; "
                f"the two belong together"
            )
        return _text(beside)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None


def read_saved_model(path):
    """The text of assets.extra/trizoo.json in a SavedModel's folder, None where there is none.

    Raises UserError for what is no such folder, and for one with files that aren't of an export: TensorFlow would open
    a graph in another form before the one that is looked into.
    """
    path = Path(path)
    if path.exists() and not (path / GRAPH).is_file():
        raise UserError(f"{path} is no SavedModel, which is a folder with a {GRAPH}; exporting it again would do")
    try:
        text = _text(path / NOTES)
        if text is None:
            return None
        for found in path.rglob("*"):
            name = found.relative_to(path).as_posix()
            if not found.is_dir() and not (name in _OF_SAVED_MODELS and found.is_file()):
                raise UserError(f"{path} holds {name}, which trizoo export doesn't write; without it it would do")
        return text
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None


def check_ordinary(path):
    """UserError for a folder, a pipe or a device, none of which is waited for."""
    if Path(path).exists() and not Path(path).is_file():
        raise UserError(f"{path} is no file; the path of a file of trizoo export is needed")


def _opened(path):
    """The file, open for reading. Raises UserError as `check_ordinary`."""
    check_ordinary(path)
    return Path(path).open("rb")


def _text(beside):
    """What a file of notes holds; None for one that is missing, too large or no text."""
    if not beside.is_file() or beside.stat().st_size > MOST_BYTES:
        return None
    try:
        return beside.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _varint(file):
    """A number as protobuf writes it: seven bits a byte, the least first. Raises ValueError where there is none."""
    number = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("cut short")
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number
    raise ValueError("more than 64 bits")


def _entry(data):
    """Key and value of a StringStringEntryProto. Raises ValueError for other bytes."""
    file, texts = io.BytesIO(data), {}
    while file.tell() < len(data):
        number, kind = divmod(_varint(file), 8)
        length = _varint(file)
        if kind != _BYTES or file.tell() + length > len(data):
            raise ValueError("no entry")
        texts[number] = file.read(length).decode("utf-8")
    return texts.get(_KEY, ""), texts.get(_VALUE, "")
