"""Anchors of a YOLO as Darknet and repositories in its succession list them."""

import math
import re
from pathlib import Path

from trizoo.data.reading import read_text
from trizoo.ground.errors import UserError

MOST_BYTES = 1 << 16
NEEDED = "widths and heights in pixels are needed, as in 10,13, 16,30, 33,23"


def read_anchors(path):
    """The (width, height) pairs in a file of numbers with commas, blanks or lines between them: a tuple.

    Raises UserError for other files.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} is no file of at most 64 KiB, as one of anchors is")
    numbers = [_length(word, path) for word in re.split(r"[\s,]+", read_text(path)[0]) if word]
    if not numbers or len(numbers) % 2:
        raise UserError(f"{path} holds {len(numbers)} numbers, which aren't pairs; {NEEDED}")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _length(word, path):
    try:
        length = float(word)
    except ValueError:
        length = 0.0
    if not 0 < length < math.inf:
        raise UserError(f"{path} holds {word[:40]!r}, which is no length; {NEEDED}")
    return length
