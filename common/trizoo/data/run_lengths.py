"""COCO's run lengths: pixels down the columns, in turn none and some of an object."""

import numpy as np

_MOST_BITS = 40  # of a run length


def decode_runs(counts, size):
    """COCO's run lengths, a list or its compressed text -> bool (H, W) for a size (width, height).

    Runs go down the columns and begin with one of zeros. Raises ValueError where they don't fill the image.
    """
    width, height = size
    runs = _runs(counts, size)
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def _runs(counts, size):
    """Run lengths as int64 that fill an image of a size (width, height). Raises ValueError for others."""
    width, height = size
    runs = np.array(decompress(counts) if isinstance(counts, str | bytes) else counts, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > width * height).any() or runs.sum() != width * height:
        raise ValueError(f"the run lengths add up to {runs.sum()}, not to the {width * height} of {width}x{height}")
    return runs


def decompress(text):
    """The numbers in COCO's compressed run lengths.

    Each is written in groups of five bits, the lowest first, as characters from "0"; bit 5 says that another follows,
    bit 4 of the last is the sign. From the fourth on they are differences to the one but last (rleToString of the
    COCO API). Raises ValueError for other characters.
    """
    numbers, number, shift = [], 0, 0
    for character in text.encode("ascii") if isinstance(text, str) else text:
        bits = character - 48
        if not 0 <= bits < 64 or shift > _MOST_BITS:
            raise ValueError(f"the run lengths hold the character {chr(character)!r} where no number has it")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        numbers.append(number + numbers[-2] if len(numbers) > 2 else number)
        number = shift = 0
    return numbers


def bounds_of_runs(counts, size):
    """The box around what COCO's run lengths cover: (xmin, ymin, xmax, ymax) in continuous pixels, None for nothing.

    No mask is made, so a size that no memory holds does no harm. Raises ValueError as `decode_runs` does.
    """
    runs = _runs(counts, size)
    _, height = size
    ends = np.cumsum(runs)
    first, last = ends[:-1:2], ends[1::2] - 1  # the pixels that each run of ones begins and ends with
    filled = runs[1::2] > 0
    if not filled.any():
        return None
    first, last = first[filled], last[filled]
    left, right = first // height, last // height
    whole = left < right  # a run over the end of a column has its lowest pixel and the next one's highest
    top = np.where(whole, 0, first % height).min()
    bottom = np.where(whole, height - 1, last % height).max()
    return float(left.min()), float(top), float(right.max() + 1), float(bottom + 1)


def encode_runs(pixels):
    """COCO's run lengths of a bool (H, W), down the columns, the first of what isn't set -> list of int."""
    flat = pixels.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(flat)]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def compress(numbers):
    """COCO's text of run lengths, what `decompress` reads."""
    characters = []
    for place, number in enumerate(numbers):
        number -= numbers[place - 2] if place > 2 else 0
        while True:
            bits, number = number & 31, number >> 5
            more = number != (-1 if bits & 16 else 0)
            characters.append(chr(bits + 32 * more + 48))
            if not more:
                break
    return "".join(characters)
