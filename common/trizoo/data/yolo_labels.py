"""The lines of YOLO's label files: a class's label, then a box or an outline in shares of the image's sides."""

import codecs
import math
import re
from dataclasses import dataclass

from trizoo.data.reading import POINTER, read_text
from trizoo.ground.errors import UserError

FARTHEST = 1e6  # what is farther from the image is no number that anybody meant
_MOST_BYTES = 1 << 21  # an image with 40,000 boxes has that
_HEAD = 4096  # bytes that show whether a text is a label file
_LONGEST_NUMBER = 64  # characters
_LINE = re.compile(r"\s*\d+(?:\.0*)?(?:\s+[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?){4,}\s*")


@dataclass(frozen=True)
class Line:
    """One object.

    Args:
        number: of its line, from 1
        label: of its class
        numbers: what stands after it, in shares of the image's width and height
        centred: whether the first four numbers are a box, by its centre, width and height, and not an outline's points
    """

    number: int
    label: int
    numbers: tuple[float, ...]
    centred: bool

    @property
    def where(self):
        """Its place in the file."""
        return f"line {self.number}"

    @property
    def usable(self):
        """Whether no number is infinite, no number at all or out of reach."""
        return all(abs(number) < FARTHEST for number in self.numbers)


def looks_like_labels(path):
    """True where a text begins as a label file does or is Git LFS's pointer, False where neither, None where empty."""
    try:
        if not path.is_file():  # a pipe would keep it waiting
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if head.startswith(POINTER):
        return True  # which reading it tells
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text = head.decode(encoding, "ignore").replace("\r", "\n").lstrip()
    first, newline, _ = text.partition("\n")
    if len(head) == _HEAD and not newline:  # a long outline
        first = first.rpartition(" ")[0]
    return bool(_LINE.fullmatch(first)) if first else None


def read_lines(path, keypoints=False):
    """The `Line`s of a label file.

    After the label stand 4 numbers, a box's centre, width and height; 5, where a predicted score follows; or an even
    number of them from 6 on, an outline's points, which oriented boxes are too. White space separates them.

    Args:
        keypoints: whether a pose's points follow each box, so that any number of them may stand there

    Raises:
        UserError: with the line, for what is no number, another count of them, pixels instead of shares, and labels
            that are no whole number
    """
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise UserError(f"{path} is no file of at most {_MOST_BYTES >> 20} MiB, as the labels of one image are")
    lines = []
    for number, line in enumerate(read_text(path)[0].replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        written = line.split()
        if written:
            lines.append(_line(path, number, written, keypoints))
    return lines


def highest_label(path):
    """The highest label in a file, -1 where there is none or where it can't be read."""
    try:
        return max((line.label for line in read_lines(path, keypoints=True)), default=-1)
    except (UserError, OSError):
        return -1


def _line(path, number, written, keypoints):
    where = f"{path}, line {number}"
    values = [_number(text, where) for text in written]
    label, count = values[0], len(values) - 1
    if not (math.isfinite(label) and label >= 0 and label == int(label)):
        raise UserError(f"{where} begins with {written[0]}; a class's label, 0, 1, 2 …, is needed")
    centred = count in (4, 5) or (keypoints and count > 5)
    if not centred and (count < 6 or count % 2):
        raise UserError(
            f"{where} has {count} numbers after the label; 4 (centre, width and height of a box) or 6, 8, 10 … (an "
            f"outline's points) are needed"
        )
    numbers = values[1:5] if centred else values[1:]
    if min(numbers) > 1:
        shown = " ".join(written[1:5])
        raise UserError(f"{where} has pixels, {shown}; shares of the image's width and height, from 0 to 1, are needed")
    return Line(number, int(label), tuple(values[1:]), centred)


def _number(text, where):
    try:
        if "_" not in text and len(text) <= _LONGEST_NUMBER:
            return float(text)
    except ValueError:
        pass
    raise UserError(f"{where}: {text[:40]!r} is no number; numbers with a point, and spaces between, are needed")
