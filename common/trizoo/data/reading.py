"""Annotation files from strangers as text and as JSON, and what is told of the things in them."""

import codecs
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from trizoo.ground.errors import UserError
from trizoo.ground.text import counted, quoted

MOST_TEXT = 1 << 28  # bytes of a text that no reader has a lower limit for
POINTER = b"version https://git-lfs"  # what a pointer of Git LFS begins with, where the file itself isn't there
_HEAD = 1 << 16  # bytes of a JSON file that show what it is
_MOST_OF_MARKER = 1 << 20  # bytes
_LONGEST_LINE = 1 << 20  # characters
_LONGEST_ENTRY = 4096  # characters of a list's line that are looked at, as of the longest path
_MOST_ENTRIES = 5_000_000  # of a list; COCO's and Open Images' have 2 million at most
_BEGINNINGS = {  # of files -> codec: byte order marks, and XML's first < where there is none (XML 1.0, appendix F)
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
_EXTENSIONS = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949"}  # codec -> the one that holds it and more
_NO_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")  # Python's own; two take quadratic time
_DECLARED_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


class PointerError(UserError):
    """A file is a pointer of Git LFS, and what it points to isn't there."""

    def __init__(self, path):
        super().__init__(f"{path} is a Git LFS pointer and not the file itself; `git lfs pull` fetches it")


def is_pointer(path):
    """Whether a file is a pointer of Git LFS."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(POINTER)) == POINTER
    except OSError:
        return False


def read_json(path, kind, most_bytes=MOST_TEXT):
    """The mapping in a JSON file. Raises UserError for anything else, and for more bytes.

    Args:
        kind: what it should be, for errors
    """
    path = Path(path)
    try:
        content = json.loads(read_bytes(path, most_bytes, kind).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON ({error}); write it again") from error
    except MemoryError:
        raise UserError(f"{path} takes more memory than there is; it is no {kind}, or to be split") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds {type(content).__name__} instead of a mapping, so it is no {kind}")
    return content


def read_marker(path):
    """The mapping in a small JSON file that the zoo leaves in a folder; {} where there is none, or another file."""
    try:
        return read_json(path, "file of TriZoo's", _MOST_OF_MARKER)
    except UserError:
        return {}


def json_files(root, most_levels=3):
    """The JSON files in a folder and those below it, by path."""
    found = []
    for parent, folders, names in os.walk(root):
        depth = len(Path(parent).relative_to(root).parts)
        folders[:] = sorted(n for n in folders if not n.startswith((".", "__"))) if depth < most_levels else []
        paths = [Path(parent, name) for name in sorted(names) if name.lower().endswith(".json") and name[0] != "."]
        found += [path for path in paths if path.is_file()]
    return found


def begins_with_key(path, *keys):
    """Whether a JSON file's first bytes name one of these keys."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return any(f'"{key}"'.encode() in head for key in keys)


LEFT_OUT = "image left out"  # the kind of problem that costs a whole image


@dataclass(frozen=True)
class Problem:
    """Something in the data that was put right or left out, with a sentence for the user.

    Args:
        kind: what it is in a few words, such as "box without area" or "listed twice", by which a check counts them
    """

    kind: str
    file: Path
    text: str


def in_short(problems, root):
    """A sentence on the `Problem`s of the data set in a folder: how many, and what lists them."""
    were = "was" if len(problems) == 1 else "were"
    things = counted(len(problems), "thing")
    return f"{things} {were} put right or left out; trizoo data check {quoted(root)} lists all"


def listed_twice(path, count):
    """The `Problem` of a list in which so many ids stand once more."""
    stand = "id stands more than once and counts" if count == 1 else "ids stand more than once and count"
    return Problem("listed twice", path, f"{count:,} {stand} once")


def read_bytes(path, most_bytes, kind):
    """The bytes of an ordinary file. Raises UserError for one that can't be read, has more bytes, or is a device.

    A pointer of Git LFS is a PointerError, here and in all that reads by this function.

    Args:
        kind: what it should be, for errors, such as "COCO file"
    """
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path} is no ordinary file, so it is no {kind}")
            if status.st_size > most_bytes:
                raise UserError(f"{path} has {status.st_size:,} bytes; a {kind} has at most {most_bytes:,}")
            data = file.readall()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    if data.startswith(POINTER):
        raise PointerError(path)
    return data


def _without_waiting(path, flags):
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for somebody to write to it


def read_text(path, most_bytes=MOST_TEXT):
    """A text file and the codec it was read with: its first bytes', else what its XML prolog says, else UTF-8.

    What calls itself GB2312, GBK or EUC-KR is read by the codec that extends it, since tools write such files with
    characters beyond them. Raises UserError for a file that can't be read, has more bytes, or isn't text.
    """
    data = read_bytes(path, most_bytes, "text file")
    encoding = next((codec for beginning, codec in _BEGINNINGS.items() if data.startswith(beginning)), None)
    declared = _DECLARED_ENCODING.match(data)
    if encoding is None and declared:
        encoding = declared[1].decode()
    if encoding is None or (declared and encoding.lower().startswith(("utf-16", "utf-32"))):
        encoding = "utf-8"  # a prolog that can be read byte by byte is not UTF-16, whatever it says of itself
    try:
        name = codecs.lookup(encoding).name
        if name in _NO_ENCODINGS:
            raise LookupError(name)
        return data.decode(_EXTENSIONS.get(name, name)), name
    except LookupError as error:
        raise UserError(f"{path} declares the encoding {encoding!r}, which is unknown; save it as UTF-8") from error
    except UnicodeError as error:
        raise UserError(f"{path} is not {encoding} text ({error}); save it as UTF-8") from error


def text_lines(path, newline=None, errors="strict"):
    """Yields the lines of a text of any length, with their ends; its encoding by a byte order mark, else UTF-8.

    Args:
        newline, errors: as `open` takes them

    Raises:
        UserError: where it can't be read, isn't text, or a line has more than 1 MiB; see `read_bytes`
    """
    encoding, number = "utf-8", 0
    try:
        if not path.is_file():
            raise UserError(f"{path} is no file that can be read")
        with path.open("rb") as file:
            head = file.read(len(POINTER))
        if head == POINTER:
            raise PointerError(path)
        encoding = next((codec for beginning, codec in _BEGINNINGS.items() if head.startswith(beginning)), encoding)
        with path.open(encoding=encoding, newline=newline, errors=errors) as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) >= _LONGEST_LINE:
                    raise UserError(
                        f"{path}, line {number} has more than {_LONGEST_LINE >> 20} MiB; is it another file?"
                    )
                yield line
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeError as error:
        raise UserError(f"{path} is not {encoding} text, after line {number}; save it as UTF-8") from error


def list_entries(path):
    """The lines of a list, such as of images, that aren't blank; without blanks around them, and of each 4,096 letters.

    Raises UserError as `text_lines`, and for more than 5 million.
    """
    found = []
    for line in text_lines(path):
        entry = line[:_LONGEST_ENTRY].strip()
        if entry:
            found.append(entry)
        if len(found) > _MOST_ENTRIES:
            raise UserError(f"{path} has more than {_MOST_ENTRIES:,} lines, so it is no list of images")
    return found
